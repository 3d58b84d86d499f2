package cli

import (
	"fmt"
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

// Plural is "1 event", "2 events".
func Plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Size is a number of bytes as people read it.
func Size(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
