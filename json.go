package tpinfo

import "encoding/json"

// tracepointJSON is the one JSON form of an event, the same for the command
// line, this package and HTTP. Every key is always there but the kernel's, which
// only EventOf knows.
type tracepointJSON struct {
	Schema   int           `json:"schema"`
	Kernel   string        `json:"kernel,omitempty"`
	System   string        `json:"system"`
	Name     string        `json:"name"`
	Class    string        `json:"class"`
	Header   string        `json:"header"`
	Source   Source        `json:"source"`
	Args     []Arg         `json:"args"`
	Record   *Record       `json:"record"`
	Problems []ProblemJSON `json:"problems"`
}

// ProblemJSON is a problem as output has it, with every key. Caches leave out
// what is empty.
type ProblemJSON struct {
	Code    ProblemCode `json:"code"`
	Subject string      `json:"subject"`
	Message string      `json:"message"`
	Supply  []string    `json:"supply"`
}

// ProblemsJSON gives problems the form of output: [] for none.
func ProblemsJSON(list []Problem) []ProblemJSON {
	out := make([]ProblemJSON, len(list))
	for i, p := range list {
		out[i] = ProblemJSON(p)
		if p.Supply == nil {
			out[i].Supply = []string{}
		}
	}
	return out
}

func problemsOf(form []ProblemJSON) []Problem {
	if form == nil {
		return nil
	}
	out := make([]Problem, len(form))
	for i, p := range form {
		out[i] = Problem(p)
		if len(p.Supply) == 0 {
			out[i].Supply = nil
		}
	}
	return out
}

// MarshalJSON writes the event without the name of a kernel; EventOf adds it.
func (t Tracepoint) MarshalJSON() ([]byte, error) {
	return json.Marshal(t.form(""))
}

func (t *Tracepoint) form(release string) tracepointJSON {
	return tracepointJSON{
		Schema: Schema, Kernel: release, System: t.System, Name: t.Name, Class: t.Class,
		Header: t.Header, Source: t.Source, Args: t.Args, Record: t.Record, Problems: ProblemsJSON(t.Problems),
	}
}

// UnmarshalJSON reads the form that MarshalJSON writes.
func (t *Tracepoint) UnmarshalJSON(text []byte) error {
	var f tracepointJSON
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	*t = Tracepoint{
		System: f.System, Name: f.Name, Class: f.Class, Header: f.Header,
		Source: f.Source, Args: f.Args, Record: f.Record, Problems: problemsOf(f.Problems),
	}
	return nil
}

// EventOf is an event together with the release it was found in, for output.
type EventOf struct {
	Release string
	Event   *Tracepoint
}

// MarshalJSON writes the event's JSON form with its "kernel".
func (e EventOf) MarshalJSON() ([]byte, error) {
	return json.Marshal(e.Event.form(e.Release))
}
