package check

import (
	"fmt"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// target is something of the kernel that an expression names: where it lies
// and what it is.
type target struct {
	// base is an address, off counts from it; a nil base is the context.
	base *ir.Node
	off  int64
	typ  *ctype.Type
	// mem is the width that the event's description gives, for types that
	// nobody knows.
	mem *ir.Mem
	// slot: an argument, which is a value and lies nowhere.
	slot bool
	// A bitfield, as tpinfo.Member has it.
	bitOffset, bitSize int

	// of, path and start are what facts are about: a path through a named type,
	// which starts at start.
	of, path string
	start    int64
	at       diag.Span
}

// targetOf lowers an expression that names something of the kernel; ok is
// false after an error.
func (s *scope) targetOf(x syntax.Expr) (target, bool) {
	switch x := x.(type) {
	case *syntax.Target:
		return s.root(x)
	case *syntax.Member:
		t, ok := s.pointee(x.X)
		if !ok {
			return t, false
		}
		return s.memberOf(t, x)
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
func (s *scope) pointee(x syntax.Expr) (target, bool) {
	if !s.isTarget(x) {
		return s.behind(x)
	}
	t, ok := s.targetOf(x)
	if !ok {
		return t, false
	}
	u, ok := s.c.kernel.Bare(t.typ)
	if ok && u.Expr.Shape == tpinfo.ShapePointer {
		v, ok := s.load(t)
		if !ok {
			return t, false
		}
		return s.start(v.n, u.Elem(), x.Place()), true
	}
	return t, true
}

// behind is what a value points to, as its C type says.
func (s *scope) behind(x syntax.Expr) (target, bool) {
	faults := s.c.faults
	v := s.expr(x, ir.Long)
	if s.c.faults > faults {
		return target{}, false
	}
	if v.c != nil {
		if u, ok := s.c.kernel.Bare(v.c); ok && (u.Expr.Shape == tpinfo.ShapePointer || u.Expr.Shape == tpinfo.ShapeArray) {
			return s.start(v.n, u.Elem(), x.Place()), true
		}
	}
	name := strings.Join(strings.Fields(s.source(x.Place())), " ")
	why := "what it points to is not known"
	if v.ref != nil && v.ref.mixed {
		why = "it points to things of several types"
	}
	s.errorf(x.Place(), "", "%s: %s; write @cast(%s, \"struct …\")", name, why, name)
	return target{}, false
}

// start is a target at an address. An offset that is part of the address goes
// into the target's own.
func (s *scope) start(base *ir.Node, typ *ctype.Type, at diag.Span) target {
	t := target{base: base, typ: typ, at: at}
	if base.Op == ir.Add && base.Args[1].Op == ir.Const && near(base.Args[1].Int) {
		t.base, t.off = base.Args[0], base.Args[1].Int
	}
	t.start = t.off
	return t
}

// near tells offsets that an instruction can hold with room to add to them.
func near(offset int64) bool { return offset > -1<<30 && offset < 1<<30 }

// source is the text of a place, for messages and for Mem.What.
func (s *scope) source(at diag.Span) string {
	text := s.c.src.Text
	if s.fn != nil {
		text = s.fn.src.Text
	}
	return text[min(max(at.Start, 0), len(text)):min(max(at.End, at.Start, 0), len(text))]
}

// memberOf steps from a struct to a member.
func (s *scope) memberOf(t target, x *syntax.Member) (target, bool) {
	at := diag.Span{Start: max(x.Span.End-len(x.Name), x.Span.Start), End: x.Span.End}
	u, ok := s.c.kernel.Bare(t.typ)
	if !ok {
		s.errorf(x.X.Place(), "", "kernel %s does not define %s", s.c.kernel.Identity.Release, u.Name)
		return t, false
	}
	if !u.IsStruct() {
		hint := ""
		if u.Expr.Shape == tpinfo.ShapeArray {
			hint = "take an element of it first, [0]"
		}
		s.errorf(at, hint, "%s has no members", t.typ)
		return t, false
	}
	f, ok, names := s.c.kernel.Member(u.Def, x.Name)
	if !ok {
		s.errorf(at, diag.DidYouMeanOf(x.Name, names), "%s has no member %q", u.StructName(), x.Name)
		return t, false
	}
	if !f.Offset.Known() {
		s.errorf(at, "", "where member %q of %s lies is not known%s", x.Name, u.StructName(), s.c.kernel.Because(u.StructName()))
		return t, false
	}
	typ := ctype.Parse(f.Type, f.Anon)
	if typ == nil {
		s.errorf(at, "", "the type of member %q of %s is not known", x.Name, u.StructName())
		return t, false
	}
	if u.Def.Name != "" || t.of == "" {
		t.of, t.path, t.start = u.StructName(), "", t.off
	}
	if t.path != "" {
		t.path += "."
	}
	t.path += x.Name
	t.off += int64(f.Offset)
	t.typ, t.mem, t.at = typ, nil, x.Span
	t.bitOffset, t.bitSize = f.BitOffset, f.BitSize
	fact := ir.Fact{
		Type: t.of, Member: t.path, Offset: t.off - t.start, Size: max(int64(f.Size), 0),
		BitOffset: f.BitOffset, BitSize: f.BitSize, CType: f.Type,
	}
	s.c.facts = append(s.c.facts, fact)
	s.use(&t, fact, x.Span)
	return t, true
}

// indexOf steps to an element of an array, or of what a pointer points to.
func (s *scope) indexOf(x *syntax.Index) (target, bool) {
	if len(x.Keys) != 1 || x.Keys[0] == nil {
		s.errorf(x.Span, "", "one index takes an element of the kernel's arrays")
		return target{}, false
	}
	var t target
	if !s.isTarget(x.X) {
		var ok bool
		if t, ok = s.behind(x.X); !ok {
			return t, false
		}
		return s.elementAt(t, t.typ, flexible, x)
	}
	t, ok := s.targetOf(x.X)
	if !ok {
		return t, false
	}
	u, ok := s.c.kernel.Bare(t.typ)
	switch {
	case ok && u.Expr.Shape == tpinfo.ShapeArray:
		return s.elementAt(t, u.Elem(), u.Expr.Count, x)
	case ok && u.Expr.Shape == tpinfo.ShapePointer:
		v, ok := s.load(t)
		if !ok {
			return t, false
		}
		return s.elementAt(s.start(v.n, u.Elem(), x.X.Place()), u.Elem(), flexible, x)
	}
	s.errorf(x.X.Place(), "", "%s is neither an array nor a pointer", t.typ)
	return t, false
}

const flexible = tpinfo.Flexible

// elementAt moves t to an element of an array of elem that starts at t.
func (s *scope) elementAt(t target, elem *ctype.Type, length int64, x *syntax.Index) (target, bool) {
	size := s.c.kernel.SizeOf(elem)
	if !size.Known() {
		s.errorf(x.Span, "", "the size of %s is not known%s", elem, s.c.kernel.Because(elem.Expr.Base().Name))
		return t, false
	}
	i := s.expr(x.Keys[0], ir.Long).n
	if u, ok := s.c.kernel.Bare(elem); ok && u.IsStruct() && (u.Def.Name != "" || u.Name != "") && (i.Op != ir.Const || i.Int != 0) {
		s.c.facts = append(s.c.facts, ir.Fact{Type: u.StructName(), Size: int64(size), CType: elem.String()})
	}
	if i.Op == ir.Const && near(i.Int) && near(i.Int*int64(size)) {
		if length > 1 && (i.Int < 0 || i.Int >= length) {
			s.errorf(x.Keys[0].Place(), "", "%s has no element %d", t.typ, i.Int)
			return t, false
		}
		t.off += i.Int * int64(size)
	} else {
		by := i
		if size != 1 {
			by = s.fold(s.node(ir.Mul, ir.Long, x.Span, i, s.num(int64(size), x.Span)))
		}
		t.base = s.node(ir.Add, ir.Long, x.Span, s.baseOf(t, x.Span), by)
	}
	t.typ, t.mem, t.bitSize, t.bitOffset = elem, nil, 0, 0
	t.of, t.path, t.start, t.at = "", "", t.off, x.Span
	return t, true
}

// baseOf is the base as an address.
func (s *scope) baseOf(t target, at diag.Span) *ir.Node {
	if t.base == nil {
		return s.node(ir.Context, ir.Long, at)
	}
	return t.base
}

// addressOf is where a target lies.
func (s *scope) addressOf(t target) *ir.Node {
	base := s.baseOf(t, t.at)
	if t.off == 0 {
		return base
	}
	return s.node(ir.Add, ir.Long, t.at, base, s.num(t.off, t.at))
}

// load reads a target. An array is its address, as in C.
func (s *scope) load(t target) (val, bool) {
	u, known := s.c.kernel.Bare(t.typ)
	if known {
		switch {
		case u.Expr.Shape == tpinfo.ShapeArray, u.Expr.Shape == tpinfo.ShapeFunc:
			return val{n: s.addressOf(t), c: u.Type}, true
		case u.IsStruct():
			name := s.source(t.at)
			s.errorf(t.at, "name a member, or take its address with &"+name, "%s is a whole %s", name, t.typ)
			return val{}, false
		}
	}
	mem, why := t.mem, ""
	if known {
		if m, reason := s.c.kernel.Mem(&u); m != nil {
			if mem == nil {
				mem = m
			}
		} else {
			mem, why = nil, reason
		}
	} else if mem == nil {
		why = "kernel " + s.c.kernel.Identity.Release + " does not define " + u.Name
	}
	if mem == nil {
		s.errorf(t.at, "", "%s cannot be read as %s: %s", s.source(t.at), t.typ, why)
		return val{}, false
	}
	m := *mem
	if t.bitSize > 0 {
		m.BitOffset, m.BitSize = t.bitOffset, t.bitSize
		m.Size = (t.bitOffset + t.bitSize + 7) / 8
	}
	m.What = s.source(t.at)
	v := val{n: s.access(t, &m)}
	if known && u.Expr.Shape == tpinfo.ShapePointer {
		v.c = t.typ
	}
	return v, true
}

// access reads the context where the verifier lets it, and memory elsewhere.
func (s *scope) access(t target, m *ir.Mem) *ir.Node {
	direct := t.base == nil && m.BitSize == 0 && t.off%int64(m.Size) == 0
	if direct || t.slot {
		n := s.node(ir.Arg, ir.Long, t.at)
		n.Int, n.Mem = t.off, m
		return n
	}
	n := s.node(ir.Load, ir.Long, t.at, s.baseOf(t, t.at))
	n.Int, n.Mem = t.off, m
	return n
}

// read lowers the value of something of the kernel.
func (s *scope) read(x syntax.Expr, want ir.Type) val {
	t, ok := s.targetOf(x)
	if ok {
		if v, ok := s.load(t); ok {
			return v
		}
	}
	return val{n: s.bad(want, x.Place())}
}

// address lowers "&x".
func (s *scope) address(x *syntax.Unary, want ir.Type) val {
	if b, ok := x.X.(*syntax.Builtin); ok && b.Name == "cast" {
		return s.cast(b, want) // the address of what p points to is p
	}
	if !s.isTarget(x.X) {
		s.errorf(x.Span, "", "& takes the address of something of the kernel")
		return val{n: s.bad(want, x.Span)}
	}
	t, ok := s.targetOf(x.X)
	switch {
	case !ok:
		return val{n: s.bad(want, x.Span)}
	case t.slot:
		s.errorf(x.Span, "", "an argument is a value and has no address")
		return val{n: s.bad(want, x.Span)}
	case t.bitSize > 0:
		s.errorf(x.Span, "", "a bitfield has no address")
		return val{n: s.bad(want, x.Span)}
	}
	return val{n: s.addressOf(t), c: ctype.PointerTo(t.typ)}
}

// cast lowers @cast(p, "type", "header") to p, with what it points to.
func (s *scope) cast(x *syntax.Builtin, want ir.Type) val {
	if len(x.Args) < 2 || len(x.Args) > 3 {
		s.errorf(x.Span, `as in @cast(p, "task_struct")`, "@cast takes an address, a type and perhaps a header")
		return val{n: s.bad(want, x.Span)}
	}
	v := s.expr(x.Args[0], ir.Long)
	var texts [2]string
	for i, a := range x.Args[1:] {
		lit, ok := a.(*syntax.StringLit)
		if !ok {
			s.errorf(a.Place(), "", "@cast takes literal strings for the type and the header")
			return val{n: s.bad(want, x.Span)}
		}
		texts[i] = lit.Text
	}
	headers, why := castHeaders(texts[1])
	if why != "" {
		s.errorf(x.Args[2].Place(), `as in "kernel<linux/hrtimer.h>"`, "%s", why)
		return val{n: s.bad(want, x.Span)}
	}
	t := s.castType(texts[0], headers, x.Args[1].Place())
	if t == nil {
		return val{n: s.bad(want, x.Span)}
	}
	return val{n: v.n, c: ctype.PointerTo(t)}
}

// castHeaders takes the headers out of SystemTap's third argument of @cast,
// "kernel<linux/a.h>:kernel<linux/b.h>"; modules and "kernel" alone need none.
func castHeaders(modules string) (list []string, why string) {
	for _, module := range strings.Split(modules, ":") {
		rest, angle := strings.CutPrefix(module, "kernel<")
		if !angle {
			if strings.HasPrefix(module, "<") {
				return nil, fmt.Sprintf("%q: a header of user space: only the kernel is read", module)
			}
			continue
		}
		for _, part := range strings.Split(strings.TrimSuffix(rest, ">"), "><") {
			if part == "" || strings.ContainsAny(part, "<>\"\n") {
				return nil, fmt.Sprintf("%q is not a header", module)
			}
			list = append(list, part)
		}
	}
	return list, ""
}
