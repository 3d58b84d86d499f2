package check

import (
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/check/target"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// targetOf lowers an expression that names something of the kernel; ok is
// false after an error.
func (s *scope) targetOf(x syntax.Expr) (target.Target, bool) {
	switch x := x.(type) {
	case *syntax.Target:
		return s.Root(x)
	case *syntax.Member:
		t, ok := s.pointee(x.X)
		if !ok {
			return t, false
		}
		return s.Member(t, x)
	case *syntax.Index:
		return s.indexOf(x)
	}
	return s.behind(x)
}

// isTarget tells expressions that name something of the kernel from values
// that may point to it.
func (s *scope) isTarget(x syntax.Expr) bool {
	switch x := x.(type) {
	case *syntax.Target, *syntax.Member:
		return true
	case *syntax.Index:
		return s.arrayOf(x.X) == nil
	}
	return false
}

// pointee is the struct that "->" is applied to: what x names, or what it
// points to.
func (s *scope) pointee(x syntax.Expr) (target.Target, bool) {
	if !s.isTarget(x) {
		return s.behind(x)
	}
	t, ok := s.targetOf(x)
	if !ok {
		return t, false
	}
	u, ok := s.Kernel.Bare(t.Type)
	if ok && u.Expr.Shape == tpinfo.ShapePointer {
		v, ok := s.Load(t)
		if !ok {
			return t, false
		}
		return s.Start(v.Node, u.Elem(), x.Place()), true
	}
	return t, true
}

// behind is what a value points to, as its C type says.
func (s *scope) behind(x syntax.Expr) (target.Target, bool) {
	faults := s.Faults
	v := s.expr(x, ir.Long)
	if s.Faults > faults {
		return target.Target{}, false
	}
	if v.C != nil {
		if u, ok := s.Kernel.Bare(v.C); ok && (u.Expr.Shape == tpinfo.ShapePointer || u.Expr.Shape == tpinfo.ShapeArray) {
			return s.Start(v.Node, u.Elem(), x.Place()), true
		}
	}
	name := strings.Join(strings.Fields(s.Said(x.Place())), " ")
	why := "what it points to is not known"
	if v.Var != nil && v.Var.Mixed {
		why = "it points to things of several types"
	}
	s.Errorf(x.Place(), "", "%s: %s; write @cast(%s, \"struct …\")", name, why, name)
	return target.Target{}, false
}

// indexOf steps to an element of an array, or of what a pointer points to.
func (s *scope) indexOf(x *syntax.Index) (target.Target, bool) {
	if len(x.Keys) != 1 || x.Keys[0] == nil {
		s.Errorf(x.Span, "", "one index takes an element of the kernel's arrays")
		return target.Target{}, false
	}
	var t target.Target
	if !s.isTarget(x.X) {
		var ok bool
		if t, ok = s.behind(x.X); !ok {
			return t, false
		}
		return s.elementAt(t, t.Type, tpinfo.Flexible, x)
	}
	t, ok := s.targetOf(x.X)
	if !ok {
		return t, false
	}
	u, ok := s.Kernel.Bare(t.Type)
	switch {
	case ok && u.Expr.Shape == tpinfo.ShapeArray:
		return s.elementAt(t, u.Elem(), u.Expr.Count, x)
	case ok && u.Expr.Shape == tpinfo.ShapePointer:
		v, ok := s.Load(t)
		if !ok {
			return t, false
		}
		return s.elementAt(s.Start(v.Node, u.Elem(), x.X.Place()), u.Elem(), tpinfo.Flexible, x)
	}
	s.Errorf(x.X.Place(), "", "%s is neither an array nor a pointer", t.Type)
	return t, false
}

// elementAt steps to an element of an array of elem that starts at t.
func (s *scope) elementAt(t target.Target, elem *ctype.Type, length int64, x *syntax.Index) (target.Target, bool) {
	if !s.Sized(elem, x.Span) {
		return t, false
	}
	return s.Element(t, elem, length, s.expr(x.Keys[0], ir.Long).Node, x)
}

// read lowers the value of something of the kernel.
func (s *scope) read(x syntax.Expr, want ir.Type) infer.Value {
	t, ok := s.targetOf(x)
	if ok {
		if v, ok := s.Load(t); ok {
			return v
		}
	}
	return infer.Value{Node: s.Bad(want, x.Place())}
}

// address lowers "&x".
func (s *scope) address(x *syntax.Unary, want ir.Type) infer.Value {
	if b, ok := x.X.(*syntax.Builtin); ok && b.Name == "cast" {
		return s.cast(b, want) // the address of what p points to is p
	}
	if !s.isTarget(x.X) {
		s.Errorf(x.Span, "", "& takes the address of something of the kernel")
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	t, ok := s.targetOf(x.X)
	switch {
	case !ok:
		return infer.Value{Node: s.Bad(want, x.Span)}
	case t.Slot:
		s.Errorf(x.Span, "", "an argument is a value and has no address")
		return infer.Value{Node: s.Bad(want, x.Span)}
	case t.BitSize > 0:
		s.Errorf(x.Span, "", "a bitfield has no address")
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	return infer.Value{Node: s.Address(t), C: ctype.PointerTo(t.Type)}
}

// cast lowers @cast(p, "type", "header") to p, with what it points to.
func (s *scope) cast(x *syntax.Builtin, want ir.Type) infer.Value {
	if len(x.Args) < 2 || len(x.Args) > 3 {
		s.Errorf(x.Span, `as in @cast(p, "task_struct")`, "@cast takes an address, a type and perhaps a header")
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	v := s.expr(x.Args[0], ir.Long)
	var texts [2]string
	for i, a := range x.Args[1:] {
		lit, ok := a.(*syntax.StringLit)
		if !ok {
			s.Errorf(a.Place(), "", "@cast takes literal strings for the type and the header")
			return infer.Value{Node: s.Bad(want, x.Span)}
		}
		texts[i] = lit.Text
	}
	headers, why := target.CastHeaders(texts[1])
	if why != "" {
		s.Errorf(x.Args[2].Place(), `as in "kernel<linux/hrtimer.h>"`, "%s", why)
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	t := s.CastType(texts[0], headers, x.Args[1].Place())
	if t == nil {
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	return infer.Value{Node: v.Node, C: ctype.PointerTo(t)}
}

// targetVariable lowers "$x" and "$$x" as values.
func (s *scope) targetVariable(x *syntax.Target, want ir.Type) infer.Value {
	if strings.HasPrefix(x.Text, "$$") {
		return s.prettyText(x)
	}
	return s.read(x, want)
}
