package btf

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	cbtf "github.com/cilium/ebpf/btf"

	"github.com/tpinfo/tpinfo"
)

// How tracepoints show in BTF.
const (
	iterPrefix   = "__traceiter_"     // function, include/linux/tracepoint.h, from 5.10
	typePrefix   = "btf_trace_"       // typedef, include/trace/bpf_probe.h, from 5.3
	recordPrefix = "trace_event_raw_" // struct, include/trace/trace_events.h
	dataLoc      = "__data_loc_"
	relLoc       = "__rel_loc_"
)

// Tracepoints is what BTF tells of a kernel's events.
type Tracepoints struct {
	// Events are sorted by name. Their System is empty; their Class and
	// Record are set only where BTF proves them, which is for an event that
	// is its own class.
	Events []tpinfo.Tracepoint
	// Records are those of all classes, by class name; of a class that several
	// modules have the first one's. The element type of a dynamic array is not
	// in BTF: the field's Type is empty.
	Records map[string]*tpinfo.Record

	// home is the part that an event is defined in, own what records each part
	// has.
	home map[string]int
	own  []map[string]*tpinfo.Record
}

// RecordOf is the record of a class as the event's own module has it: bcache
// and bcachefs each have a class btree_node. nil when BTF has none.
func (tp *Tracepoints) RecordOf(event, class string) *tpinfo.Record {
	if at, ok := tp.home[event]; ok {
		if record := tp.own[at][class]; record != nil {
			return record
		}
		// A module shares what the image has too.
		if record := tp.own[0][class]; record != nil {
			return record
		}
	}
	return tp.Records[class]
}

// RecordsOf is what BTF says of the records of events whose classes are known,
// as the headers tell them.
func (tp *Tracepoints) RecordsOf(events []tpinfo.Tracepoint) []tpinfo.Tracepoint {
	var found []tpinfo.Tracepoint
	for i := range events {
		e := &events[i]
		if record := tp.RecordOf(e.Name, e.Class); record != nil {
			found = append(found, tpinfo.Tracepoint{System: e.System, Name: e.Name, Class: e.Class, Source: tpinfo.FromBTF, Record: record})
		}
	}
	return found
}

// Tracepoints reads the events of the image and the modules.
func (s *Spec) Tracepoints() (*Tracepoints, error) {
	out := &Tracepoints{Records: map[string]*tpinfo.Record{}, home: map[string]int{}}
	r := s.reader()
	for at, p := range s.parts {
		found, err := index(p.spec)
		if err != nil {
			return nil, fmt.Errorf("BTF of %s: %w", p.name, err)
		}
		common, err := r.common(s.parts[0].spec)
		if err != nil {
			return nil, fmt.Errorf("BTF of %s: %w: %w", p.name, ErrDamaged, err)
		}
		own := map[string]*tpinfo.Record{}
		out.own = append(out.own, own)
		for class, def := range found.records {
			record, err := r.record(def, common)
			if err != nil {
				return nil, fmt.Errorf("BTF of %s: record of %s: %w: %w", p.name, class, ErrDamaged, err)
			}
			if record == nil {
				continue
			}
			own[class] = record
			if out.Records[class] == nil {
				out.Records[class] = record
			}
		}
		for event, proto := range found.events {
			if _, ok := out.home[event]; ok {
				continue
			}
			out.home[event] = at
			t, err := r.event(event, proto)
			if err != nil {
				return nil, fmt.Errorf("BTF of %s: event %s: %w: %w", p.name, event, ErrDamaged, err)
			}
			out.Events = append(out.Events, t)
		}
	}
	for i := range out.Events {
		t := &out.Events[i]
		if record := out.RecordOf(t.Name, t.Name); record != nil {
			t.Class, t.Record = t.Name, record
			continue
		}
		t.Problems = append(t.Problems, tpinfo.Problem{
			Code: tpinfo.RecordMissing, Message: "BTF does not tell which class's record the event has",
			Supply: []string{"the kernel's headers", "a mounted tracefs"},
		})
	}
	slices.SortFunc(out.Events, func(a, b tpinfo.Tracepoint) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// indexed is what of one blob concerns tracepoints.
type indexed struct {
	events  map[string]*cbtf.FuncProto // with parameter names where there are
	records map[string]*cbtf.Struct
}

func index(spec *cbtf.Spec) (*indexed, error) {
	out := &indexed{events: map[string]*cbtf.FuncProto{}, records: map[string]*cbtf.Struct{}}
	named := map[string]bool{}
	for t, err := range spec.All() {
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		switch t := t.(type) {
		case *cbtf.Func:
			event, ok := strings.CutPrefix(t.Name, iterPrefix)
			if proto, is := t.Type.(*cbtf.FuncProto); ok && is {
				out.events[event], named[event] = proto, true
			}
		case *cbtf.Typedef:
			event, ok := strings.CutPrefix(t.Name, typePrefix)
			if !ok || named[event] {
				continue
			}
			if ptr, is := t.Type.(*cbtf.Pointer); is {
				if proto, is := ptr.Target.(*cbtf.FuncProto); is {
					out.events[event] = proto
				}
			}
		case *cbtf.Struct:
			if class, ok := strings.CutPrefix(t.Name, recordPrefix); ok {
				out.records[class] = t
			}
		}
	}
	return out, nil
}

// event reads the parameters behind "void *__data".
func (r *typeReader) event(name string, proto *cbtf.FuncProto) (tpinfo.Tracepoint, error) {
	t := tpinfo.Tracepoint{Name: name, Source: tpinfo.FromBTF, Args: []tpinfo.Arg{}}
	t.Problems = []tpinfo.Problem{{
		Code: tpinfo.SystemUnknown, Message: "BTF does not tell the event's system",
		Supply: []string{"the kernel's headers", "a mounted tracefs"},
	}}
	unnamed := 0
	for i, p := range proto.Params {
		if i == 0 {
			continue
		}
		spelling, err := r.spell(p.Type)
		if err != nil {
			return t, err
		}
		size, err := r.size(p.Type, 0)
		if err != nil {
			return t, err
		}
		if p.Name == "" {
			unnamed++
		}
		t.Args = append(t.Args, tpinfo.Arg{
			Name: p.Name, Type: spelling, Size: size, Signed: r.signed(p.Type, 0),
			Offset: tpinfo.Bytes((i - 1) * tpinfo.ArgSlot),
		})
	}
	if unnamed > 0 {
		t.Problems = append(t.Problems, tpinfo.Problem{
			Code: tpinfo.ArgsMissing, Message: "BTF has the types of the arguments but not their names",
			Supply: []string{"the kernel's headers"},
		})
	}
	return t, nil
}

// common reads struct trace_entry, with which every record starts.
func (r *typeReader) common(spec *cbtf.Spec) ([]tpinfo.Field, error) {
	var entry *cbtf.Struct
	if err := spec.TypeByName("trace_entry", &entry); err != nil {
		return nil, nil // built without tracing: no record will refer to it
	}
	var fields []tpinfo.Field
	for _, m := range entry.Members {
		f, err := r.field(m)
		if err != nil {
			return nil, err
		}
		f.Name = "common_" + f.Name
		fields = append(fields, f)
	}
	return fields, nil
}

// record reads struct trace_event_raw_CLASS; nil for a struct of that name
// that is no record.
func (r *typeReader) record(def *cbtf.Struct, common []tpinfo.Field) (*tpinfo.Record, error) {
	if len(def.Members) == 0 || name(def.Members[0].Type) != "struct trace_entry" {
		return nil, nil
	}
	out := &tpinfo.Record{Size: tpinfo.Bytes(def.Size), Fields: slices.Clone(common)}
	for i, m := range def.Members[1:] {
		if m.Name == "__data" && i == len(def.Members)-2 {
			break
		}
		f, err := r.field(m)
		if err != nil {
			return nil, err
		}
		out.Fields = append(out.Fields, f)
	}
	return out, nil
}

func (r *typeReader) field(m cbtf.Member) (tpinfo.Field, error) {
	f := tpinfo.Field{Name: m.Name, Offset: tpinfo.Bytes(m.Offset / 8), Signed: r.signed(m.Type, 0)}
	var err error
	if f.Size, err = r.size(m.Type, 0); err != nil {
		return f, err
	}
	if f.Type, err = r.spell(m.Type); err != nil {
		return f, err
	}
	for prefix, where := range map[string]tpinfo.Location{dataLoc: tpinfo.DataLoc, relLoc: tpinfo.RelLoc} {
		if rest, ok := strings.CutPrefix(m.Name, prefix); ok && f.Size == 4 {
			f.Name, f.Location, f.Type, f.Signed = rest, where, "", false
		}
	}
	return f, nil
}
