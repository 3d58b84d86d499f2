package tpinfo

// ProblemCode says what kind of thing is missing or odd. The codes are part
// of the JSON form and stay stable.
type ProblemCode string

// The problem codes.
const (
	// UnknownType: a type that the headers at hand do not define, such as a
	// typedef that only a private header has.
	UnknownType ProblemCode = "unknown-type"
	// ArgsMissing: the event exists, its arguments could not be extracted.
	ArgsMissing ProblemCode = "args-missing"
	// RecordOnly: the event has a record and is no tracepoint, so there is
	// nothing that a raw tracepoint program could attach to, and no arguments.
	RecordOnly ProblemCode = "record-only"
	// RecordMissing: the event exists, its record could not be extracted.
	RecordMissing ProblemCode = "record-missing"
	// HeaderFailed: a trace header could not be compiled at all.
	HeaderFailed ProblemCode = "header-failed"
	// HeaderSilent: a trace header compiled, and none of its events is part
	// of this configuration.
	HeaderSilent ProblemCode = "header-silent"
	// NotBuilt: the event is defined for this architecture, and nothing that
	// the configuration builds instantiates it: the kernel does not have it.
	// Only a full source tree tells.
	NotBuilt ProblemCode = "not-built"
	// HeaderNotBuilt: a trace header of the source tree that this kernel has
	// no part of, and that does not compile for it: another architecture's,
	// or one that needs an option that is off.
	HeaderNotBuilt ProblemCode = "header-not-built"
	// TypeConflict: two headers of one kernel define one name differently.
	TypeConflict ProblemCode = "type-conflict"
	// LayoutRandomised: structure layout randomisation moves members in a
	// way that headers alone cannot tell.
	LayoutRandomised ProblemCode = "layout-randomised"
	// SourceDisagrees: two sources describe one thing differently.
	SourceDisagrees ProblemCode = "source-disagrees"
	// SystemUnknown: the source at hand names the event but not its system.
	SystemUnknown ProblemCode = "system-unknown"
	// InputSkipped: an input of the extraction (a module's BTF, a format
	// file) could not be read and was left out.
	InputSkipped ProblemCode = "input-skipped"
)

// Problem is one thing that is missing or odd, as a value: what it concerns,
// why, and what would supply it.
type Problem struct {
	Code ProblemCode `json:"code"`
	// Subject names what the problem concerns: an argument, a field, a
	// header, a type. Empty when it is the whole that carries the problem.
	Subject string `json:"subject,omitempty"`
	// Message is one sentence in lower case, with the compiler's words
	// where they help.
	Message string `json:"message"`
	// Supply lists what would fill the gap, as the user would type it:
	// "--btf FILE", "--source DIR". Empty when nothing is known to.
	Supply []string `json:"supply,omitempty"`
}

// String is the message with its subject and remedy, on one line.
func (p Problem) String() string {
	s := p.Message
	if p.Subject != "" {
		s = p.Subject + ": " + s
	}
	for i, what := range p.Supply {
		if i == 0 {
			s += "; supply it with " + what
		} else {
			s += " or " + what
		}
	}
	return s
}
