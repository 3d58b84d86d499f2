package tpinfo

import "slices"

// Schema is the version of the JSON form. It grows when a reader of the old
// form would misread the new one.
const Schema = 1

// ArgSlot is the width in bytes of one argument's slot in a raw tracepoint
// program's context (struct bpf_raw_tracepoint_args, include/uapi/linux/bpf.h).
const ArgSlot = 8

// Source says where a description comes from.
type Source string

// The sources. A description whose gaps were filled from a second source
// joins both, as in "dwarf+btf".
const (
	FromDWARF    Source = "dwarf"     // the kernel's trace headers, compiled
	FromBTF      Source = "btf"       // type information of the kernel's image
	FromTracefs  Source = "tracefs"   // format files of the running kernel
	FromSource   Source = "source"    // definitions of system calls in the kernel's source
	FromDWARFBTF Source = "dwarf+btf" // headers, gaps filled from BTF
	// FromBTFTracefs: arguments from BTF, record from a format file.
	FromBTFTracefs Source = "btf+tracefs"
)

// Tracepoint is one event: what it hands to a raw tracepoint program, and the
// record it writes for ftrace and perf.
type Tracepoint struct {
	System string // "sched"; empty when the source cannot tell
	Name   string // "sched_switch"
	// Class is the DECLARE_EVENT_CLASS whose record the event uses; empty
	// for a bare DECLARE_TRACE.
	Class string
	// Header defines the event, relative to the kernel tree; empty when the
	// source is not a header.
	Header string
	Source Source
	// Args are the parameters of TP_PROTO in order. nil: unknown (a Problem
	// says why); empty: the event has none.
	Args []Arg
	// Record is nil when the event has none (a bare DECLARE_TRACE), and has
	// Size Unknown when it has one that could not be measured.
	Record   *Record
	Problems []Problem
}

// FullName is "system:name", or the name alone when the system is unknown.
func (t *Tracepoint) FullName() string {
	if t.System == "" {
		return t.Name
	}
	return t.System + ":" + t.Name
}

// Built reports whether the kernel has the event, as far as is known: only a
// full source tree tells that it has not.
func (t *Tracepoint) Built() bool { return !t.has(NotBuilt) }

// RecordOnly reports whether the event is its record and nothing else: ftrace,
// perf and BPF programs of the tracepoint kind see it, and raw tracepoint
// programs have nothing to attach to.
func (t *Tracepoint) RecordOnly() bool { return t.has(RecordOnly) }

func (t *Tracepoint) has(code ProblemCode) bool {
	return slices.ContainsFunc(t.Problems, func(p Problem) bool { return p.Code == code })
}

// Complete reports whether every argument and every field has a known size
// and place.
func (t *Tracepoint) Complete() bool {
	if t.Args == nil {
		return false
	}
	for i := range t.Args {
		if !t.Args[i].Size.Known() {
			return false
		}
	}
	return t.Record == nil || t.Record.Complete()
}

// Arg is one parameter of TP_PROTO.
type Arg struct {
	Name string `json:"name"`
	Type string `json:"type"` // C spelling; typedef names are kept
	// Offset is the slot's place in the raw tracepoint context: ArgSlot
	// times the argument's index. A value narrower than its slot lies in the
	// low-order bytes: at Offset on a little-endian kernel, at
	// Offset+ArgSlot-Size on a big-endian one.
	Offset Bytes `json:"offset"`
	Size   Bytes `json:"size"`
	Signed bool  `json:"signed"` // an integer type that holds negative values
}

// Record is the ftrace and perf view of an event:
// struct trace_event_raw_CLASS, common fields first.
type Record struct {
	// Size is sizeof(struct trace_event_raw_CLASS), without the dynamic data
	// that follows it.
	Size   Bytes   `json:"size"`
	Fields []Field `json:"fields"`
}

// Complete reports whether the record and each of its fields were measured.
func (r *Record) Complete() bool {
	if !r.Size.Known() {
		return false
	}
	for i := range r.Fields {
		if !r.Fields[i].Size.Known() || !r.Fields[i].Offset.Known() || r.Fields[i].Type == "" {
			return false
		}
	}
	return true
}

// Location says that a record field does not hold its value but tells where
// a dynamic array lies: a u32 with the array's length in bytes in the upper 16
// bits and its offset in the lower 16.
type Location string

// The locations (include/trace/stages/stage1_struct_define.h).
const (
	InPlace Location = ""     // the field holds the value
	DataLoc Location = "data" // offset counts from the start of the record
	RelLoc  Location = "rel"  // offset counts from the end of the field itself (from 5.17)
)

// Field is one field of a record.
type Field struct {
	Name string `json:"name"` // common fields as in format files: "common_pid"
	// Type is the C spelling; of a dynamic array, the array's: "char[]".
	// Empty when the element type is unknown.
	Type   string `json:"type"`
	Offset Bytes  `json:"offset"`
	Size   Bytes  `json:"size"` // of the field itself: 4 for a dynamic array
	// Signed tells of the value; of an array, of its elements, as in format
	// files.
	Signed   bool     `json:"signed"`
	Location Location `json:"location,omitempty"`
}
