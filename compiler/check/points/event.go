package points

import "github.com/tpinfo/tpinfo"

// Because is the reason that the metadata gives for what is missing of an
// event, behind a colon; empty when it gives none.
func Because(e *tpinfo.Tracepoint, code tpinfo.ProblemCode, subject string) string {
	for _, p := range e.Problems {
		if p.Code == code || subject != "" && p.Subject == subject {
			return ": " + p.String()
		}
	}
	return ""
}

// Argument finds an argument of an event; nil when it has none of that name.
func Argument(e *tpinfo.Tracepoint, name string) *tpinfo.Arg {
	for i := range e.Args {
		if e.Args[i].Name == name {
			return &e.Args[i]
		}
	}
	return nil
}

// Field finds a field of an event's record; nil when there is none.
func Field(e *tpinfo.Tracepoint, name string) *tpinfo.Field {
	if e.Record == nil {
		return nil
	}
	for i := range e.Record.Fields {
		if e.Record.Fields[i].Name == name {
			return &e.Record.Fields[i]
		}
	}
	return nil
}
