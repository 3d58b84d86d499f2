package inspect

import (
	"strings"

	"github.com/tpinfo/tpinfo"
)

// stapLine is how SystemTap's -L prints a tracepoint with its arguments.
func stapLine(e *tpinfo.Tracepoint) string {
	var s strings.Builder
	s.WriteString(`kernel.trace("` + e.FullName() + `")`)
	for _, arg := range e.Args {
		s.WriteString(" $" + arg.Name + ":" + stapType(arg.Type))
	}
	return s.String()
}

// dwarfNames are how gcc's DWARF, and so SystemTap, names the base types that
// C spells shorter.
var dwarfNames = map[string]string{
	"long": "long int", "unsigned long": "long unsigned int",
	"long long": "long long int", "unsigned long long": "long long unsigned int",
	"short": "short int", "unsigned short": "short unsigned int",
}

// stapType is SystemTap's spelling: pointers close to what they point at,
// qualifiers behind what they qualify.
func stapType(spelling string) string {
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return spelling
	}
	return stapExpr(e)
}

func stapExpr(e *tpinfo.Expr) string {
	var s string
	switch fn := e.Elem; {
	case e.Shape == tpinfo.ShapeName:
		s = e.Name
		if long, ok := dwarfNames[s]; ok {
			s = long
		}
	case e.Shape == tpinfo.ShapePointer && e.Elem.Shape != tpinfo.ShapeFunc && e.Elem.Shape != tpinfo.ShapeArray:
		s = stapExpr(e.Elem) + "*"
	case e.Shape == tpinfo.ShapePointer && fn.Shape == tpinfo.ShapeFunc:
		params := make([]string, len(fn.Params))
		for i, p := range fn.Params {
			params[i] = stapExpr(p)
		}
		s = stapExpr(fn.Elem) + " (*) (" + strings.Join(params, ", ") + ")"
	default:
		return e.String()
	}
	if e.Volatile {
		s += " volatile"
	}
	if e.Const {
		s += " const"
	}
	return s
}
