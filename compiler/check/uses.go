package check

import (
	"context"
	"fmt"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// Examination is what a check finds out besides the program, for those who hold
// the meaning of a script on one kernel against that on another.
type Examination struct {
	// Program is nil when something is wrong.
	Program *ir.Program
	// Probes are the handlers, what the probe points resolved to; those in
	// error have no Body.
	Probes []ir.Probe
	// Uses are what the script reads of the kernel by name, in the order that
	// it is met; what it only asks for with @defined, what "$x$" and "$$vars"
	// show with its name, and what the prelude reads on its own are not among
	// them.
	Uses []Use
}

// Use is a place of a script that reads something of the kernel by its name.
type Use struct {
	ir.Fact
	At    diag.Span
	Probe int // index in Examination.Probes, or -1 in a function
	Value Value
}

// Value is what stands at a place of the kernel, typedefs followed: what two
// kernels must have in common for a script to mean the same on both.
type Value struct {
	Kind ValueKind
	// Size in bytes and Signed are a number's, Bits a bitfield's width.
	Size   int
	Signed bool
	Bits   int
	// Enum and Char tell numbers of these types, whose sign some sources do
	// not know.
	Enum, Char bool
	// To is what a pointer points to or an array is of: "struct request",
	// "char", or a number as String says it.
	To string
}

// ValueKind tells values apart.
type ValueKind string

// The kinds of values.
const (
	NumberValue  ValueKind = "number"
	PointerValue ValueKind = "pointer"
	ArrayValue   ValueKind = "array"
	StructValue  ValueKind = "struct" // To is its name
	OtherValue   ValueKind = "other"  // To is its spelling
)

// String says what the value is: "a signed number of 4 bytes", "a pointer to
// struct request", "an array of char".
func (v Value) String() string {
	switch v.Kind {
	case NumberValue:
		sign := "an unsigned"
		if v.Signed {
			sign = "a signed"
		}
		switch {
		case v.Bits > 0:
			return fmt.Sprintf("%s number of %d bits", sign, v.Bits)
		case v.Size == 1:
			return sign + " number of 1 byte"
		}
		return fmt.Sprintf("%s number of %d bytes", sign, v.Size)
	case PointerValue:
		return "a pointer to " + v.To
	case ArrayValue:
		return "an array of " + v.To
	}
	return v.To
}

// Examine is Check, and tells what the check found out as far as it came.
func Examine(ctx context.Context, f *syntax.File, src *diag.Source, meta Metadata, opt Options) (*Examination, error) {
	if err := opt.Validate(); err != nil {
		return &Examination{}, err
	}
	c := newChecker(ctx, f, src, meta, opt)
	p, err := c.check(f)
	x := &Examination{Program: p, Uses: c.uses}
	for _, h := range c.probes {
		x.Probes = append(x.Probes, h.probe)
	}
	return x, err
}

// use notes what a script reads at a place.
func (s *scope) use(t *target, fact ir.Fact, at diag.Span) {
	if !s.c.final || s.c.quiet > 0 || s.at != nil {
		return
	}
	probe := -1
	if s.handler != nil {
		probe = s.handler.index
	}
	s.c.uses = append(s.c.uses, Use{Fact: fact, At: at, Probe: probe, Value: s.c.value(t)})
}

// value is what a target holds.
func (c *checker) value(t *target) Value {
	u, ok := c.bare(t.typ)
	if !ok {
		if t.mem != nil {
			return Value{Kind: NumberValue, Size: t.mem.Size, Signed: t.mem.Signed}
		}
		return Value{Kind: OtherValue, To: t.typ.String()}
	}
	v := c.plain(&u, 0)
	if v.Kind == NumberValue {
		v.Bits = t.bitSize
	}
	return v
}

// maxValue bounds how deep pointers to pointers are looked into.
const maxValue = 8

func (c *checker) plain(u *unaliased, depth int) Value {
	switch {
	case u.expr.Shape == tpinfo.ShapePointer:
		return Value{Kind: PointerValue, To: c.pointed(u.elem(), depth)}
	case u.expr.Shape == tpinfo.ShapeArray:
		return Value{Kind: ArrayValue, To: c.pointed(u.elem(), depth)}
	case u.expr.Shape == tpinfo.ShapeFunc:
		return Value{Kind: OtherValue, To: "a function"}
	case u.void():
		return Value{Kind: OtherValue, To: "void"}
	case u.isStruct():
		return Value{Kind: StructValue, To: structName(u)}
	case u.def.Encoding == tpinfo.EncFloat:
		return Value{Kind: OtherValue, To: u.def.Name}
	}
	return Value{
		Kind: NumberValue, Size: int(u.def.Size), Signed: u.def.Encoding == tpinfo.EncSigned,
		Enum: u.def.Kind == tpinfo.KindEnum, Char: isChar(u.def),
	}
}

// pointed names what is pointed to. Text is char, whatever sign that has.
func (c *checker) pointed(t *ctype, depth int) string {
	u, ok := c.bare(t)
	switch {
	case !ok || depth == maxValue:
		return t.expr.Base().Name
	case isChar(u.def):
		return "char"
	}
	return c.plain(&u, depth+1).String()
}
