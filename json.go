package tpinfo

import "encoding/json"

// tracepointJSON is the one JSON form of an event, the same for the command
// line, this package and HTTP.
type tracepointJSON struct {
	Schema   int       `json:"schema"`
	Kernel   string    `json:"kernel,omitempty"`
	System   string    `json:"system"`
	Name     string    `json:"name"`
	Class    string    `json:"class,omitempty"`
	Header   string    `json:"header,omitempty"`
	Source   Source    `json:"source"`
	Args     []Arg     `json:"args"`
	Record   *Record   `json:"record"`
	Problems []Problem `json:"problems"`
}

// MarshalJSON writes the event without the name of a kernel; EventOf adds it.
func (t Tracepoint) MarshalJSON() ([]byte, error) {
	return json.Marshal(t.form(""))
}

func (t *Tracepoint) form(release string) tracepointJSON {
	f := tracepointJSON{
		Schema: Schema, Kernel: release, System: t.System, Name: t.Name, Class: t.Class,
		Header: t.Header, Source: t.Source, Args: t.Args, Record: t.Record, Problems: t.Problems,
	}
	if f.Problems == nil {
		f.Problems = []Problem{}
	}
	return f
}

// UnmarshalJSON reads the form that MarshalJSON writes.
func (t *Tracepoint) UnmarshalJSON(text []byte) error {
	var f tracepointJSON
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	*t = Tracepoint{
		System: f.System, Name: f.Name, Class: f.Class, Header: f.Header,
		Source: f.Source, Args: f.Args, Record: f.Record, Problems: f.Problems,
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
