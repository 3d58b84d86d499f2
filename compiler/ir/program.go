package ir

import "github.com/tpinfo/tpinfo"

// Version is the version of the form, grown when an older reader would misread
// a newer one.
const Version = 1

// Type is the type of a value.
type Type uint8

// The types.
const (
	Void   Type = iota
	Long        // 64 bits, signed
	String      // bytes without NUL, at most the program's StringSize-1
	Stats       // an aggregate
)

// String names the type as scripts do.
func (t Type) String() string { return [...]string{"void", "long", "string", "stats"}[t&3] }

// Program is a whole script.
type Program struct {
	Version int           `json:"version"`
	Name    string        `json:"name"`   // of the script
	Kernel  tpinfo.Kernel `json:"kernel"` // what it is compiled for
	// StringSize is the most bytes a string takes, its NUL included; a
	// multiple of 8.
	StringSize int      `json:"string_size"`
	Globals    []Global `json:"globals"`
	Funcs      []Func   `json:"funcs"`
	Probes     []Probe  `json:"probes"`
	Sites      []Site   `json:"sites"`
	Facts      []Fact   `json:"facts"`
	// DataSize is how many bytes of the data map the control words and the
	// scalar globals take.
	DataSize int `json:"data_size"`
}

// Global is a variable that probes share.
//
// A scalar Long or String lies in the data map at Offset. An array is a hash
// map of the global's own name whose key is the keys one after another, each of
// KeySizes bytes, and whose value is 8 bytes of Long or Size bytes of String.
// A Stats is a per-CPU array of one element, an array of them a per-CPU hash
// map; the layout of its value is Stats.
type Global struct {
	Name string `json:"name"`
	Type Type   `json:"type"` // of the value
	Size int    `json:"size"` // bytes of the value: 8, or a string's capacity (multiple of 8), or Stats.Size()
	Keys []Type `json:"keys,omitempty"`
	// KeySizes are the bytes of each key: 8 for a Long; of a String its
	// capacity with its NUL, a multiple of 8, zero behind the text.
	KeySizes []int      `json:"key_sizes,omitempty"`
	Max      int        `json:"max,omitempty"` // elements at most
	Wraps    bool       `json:"wraps,omitempty"`
	Offset   int        `json:"offset,omitempty"`
	Init     *Node      `json:"init,omitempty"` // Const or Text
	Stats    *Aggregate `json:"stats,omitempty"`
	Line     int        `json:"line"`
	Column   int        `json:"column"`
}

// Array reports whether g is an associative array.
func (g *Global) Array() bool { return len(g.Keys) > 0 }

// Mapped reports whether g has a map of its own, and lies in the data map
// otherwise.
func (g *Global) Mapped() bool { return g.Array() || g.Type == Stats }

// KeySize is the size in bytes of the keys of g's map: of an array, all of them;
// of an aggregate, the index of its one element.
func (g *Global) KeySize() int {
	if !g.Array() {
		return 4
	}
	n := 0
	for _, size := range g.KeySizes {
		n += size
	}
	return n
}

// Local is a variable of a probe or a function; the parameters of a function
// are its first ones. It starts as 0 or "".
type Local struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	Size int    `json:"size,omitempty"` // of a String: its capacity, a multiple of 8
}

// Func is a function of the script that a user-side probe may call. Those that
// kernel-side probes call are the same ones; codegen expands them in place.
type Func struct {
	Name   string  `json:"name"`
	Result Type    `json:"result"`
	Size   int     `json:"size,omitempty"` // of a String result
	Params int     `json:"params"`
	Locals []Local `json:"locals,omitempty"`
	Body   *Node   `json:"body"`
}

// ProbeKind says when a probe's handler runs, and where.
type ProbeKind string

// The kinds. The first group runs in user space, the second in the kernel.
const (
	Begin ProbeKind = "begin" // init and oneshot too
	End   ProbeKind = "end"
	Error ProbeKind = "error"
	Timer ProbeKind = "timer"

	RawTracepoint ProbeKind = "raw_tracepoint" // the context holds the arguments, 8 bytes each
	Tracepoint    ProbeKind = "tracepoint"     // the context is the event's record
	PerfEvent     ProbeKind = "perf_event"     // timer.profile too
	// UserUpdate is never attached: user space runs it (BPF_PROG_TEST_RUN of a
	// raw tracepoint's program, from 5.10) where it adds to an element that
	// probes in the kernel may change at the same time.
	UserUpdate ProbeKind = "update"
)

// InKernel reports whether handlers of this kind are eBPF programs.
func (k ProbeKind) InKernel() bool {
	return k == RawTracepoint || k == Tracepoint || k == PerfEvent || k == UserUpdate
}

// Probe is a handler and when it runs. One probe of a script with three points
// is three of these.
type Probe struct {
	Kind  ProbeKind `json:"kind"`
	Point string    `json:"point"` // as the script says it, resolved: `kernel.trace("sched:sched_switch")`
	// Priority orders begin, end and error probes, the lowest first; those of
	// one priority run in the script's order.
	Priority int64 `json:"priority,omitempty"`
	// System and Event name a tracepoint.
	System string `json:"system,omitempty"`
	Event  string `json:"event,omitempty"`
	// Optional: the script asks for it by a glob or with "?", and where the
	// kernel does not have the event, a module's for example, the others do.
	Optional bool `json:"optional,omitempty"`
	// Interval of a timer and what is added to it at random, up to that many
	// (both in nanoseconds).
	Interval int64 `json:"interval,omitempty"`
	Random   int64 `json:"random,omitempty"`
	// Perf of a PerfEvent (include/uapi/linux/perf_event.h): one event a CPU.
	Perf *Perf `json:"perf,omitempty"`
	// Updater of a UserUpdate.
	Updater *Updater `json:"updater,omitempty"`
	// Program is the eBPF program's name, of a kernel-side probe.
	Program string  `json:"program,omitempty"`
	Locals  []Local `json:"locals,omitempty"`
	// Body is absent from an object for kernel-side probes.
	Body   *Node `json:"body,omitempty"`
	Line   int   `json:"line"`
	Column int   `json:"column"`
}

// Updater says where a UserUpdate finds what to do: all but Global are scalar
// globals. It adds Delta to the element of the array Global at Keys and stores
// the new value in Result; when the array is full it stores 1 in Full.
type Updater struct {
	Global int   `json:"global"`
	Keys   []int `json:"keys"`
	Delta  int   `json:"delta"`
	Result int   `json:"result"`
	Full   int   `json:"full"`
}

// Perf says which perf event samples.
type Perf struct {
	Type   uint32 `json:"type"`   // PERF_TYPE_…
	Config uint64 `json:"config"` // PERF_COUNT_…
	// Period is how many events make a sample; Frequency, when not 0, how
	// many samples are taken a second instead.
	Period    uint64 `json:"period,omitempty"`
	Frequency uint64 `json:"frequency,omitempty"`
}

// Fact is one thing about the kernel that the code relies on, for the runner to
// hold against the target.
type Fact struct {
	// Type and Member: "struct task_struct" and "pid", a path as in
	// "se.load.weight"; without a Member it is the size of the type, for steps
	// from element to element. Of an event's argument: Event "sched_switch", Member
	// "prev", and Offset is its place in the context. Of a record's field:
	// Event, Record true, Member the field.
	Type   string `json:"type,omitempty"`
	Event  string `json:"event,omitempty"`
	Record bool   `json:"record,omitempty"`
	Member string `json:"member"`
	// Offset in bytes and Size in bytes; of a bitfield BitOffset in the byte
	// at Offset, as tpinfo.Member has it, and BitSize.
	Offset    int64  `json:"offset"`
	Size      int64  `json:"size"`
	BitOffset int    `json:"bit_offset,omitempty"`
	BitSize   int    `json:"bit_size,omitempty"`
	CType     string `json:"ctype"` // as C spells it
}
