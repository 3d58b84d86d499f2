package cli

import (
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Declare spells a declaration of name; a type that cannot be parsed is set
// before it as it is.
func Declare(spelling, name string) string {
	if spelling == "" {
		return name
	}
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return spelling + " " + name
	}
	return e.Declare(name)
}

// Prototype is an event's arguments on one line, as C declares parameters.
func Prototype(e *tpinfo.Tracepoint) string {
	absent := ""
	if !e.Built() {
		absent = "  not built"
	}
	switch {
	case e.RecordOnly():
		return "record only" + absent
	case e.Args == nil:
		return "(arguments not known)" + absent
	}
	parts := make([]string, len(e.Args))
	for i, arg := range e.Args {
		parts[i] = Declare(arg.Type, arg.Name)
		if !arg.Size.Known() {
			parts[i] += "?"
		}
	}
	s := "(" + strings.Join(parts, ", ") + ")"
	if e.Record == nil {
		s += "  no record"
	}
	return s + absent
}
