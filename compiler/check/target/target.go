package target

import (
	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/check/points"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// Scope is what a handler or a function can name, with what its probe's "$"
// stand for.
type Scope struct {
	*infer.Scope
	Kernel  *ctype.Kernel
	Handler *points.Handler // nil in a function
	Probe   int             // index of the handler, -1 in a function
	Reads   *Reads          // of the whole script
}

// Target is something of the kernel that an expression names: where it lies
// and what it is.
type Target struct {
	// Base is an address, Off counts from it; a nil Base is the context.
	Base *ir.Node
	Off  int64
	Type *ctype.Type
	// mem is the width that the event's description gives, for types that
	// nobody knows.
	mem *ir.Mem
	// Slot: an argument, which is a value and lies nowhere.
	Slot bool
	// BitSize is the width of a bitfield, 0 for what is none.
	BitSize   int
	bitOffset int // as tpinfo.Member has it

	// of, path and start are what facts are about: a path through a named type,
	// which starts at start.
	of, path string
	start    int64
	At       diag.Span
}

// Start is a target at an address. An offset that is part of the address goes
// into the target's own.
func (s *Scope) Start(base *ir.Node, typ *ctype.Type, at diag.Span) Target {
	t := Target{Base: base, Type: typ, At: at}
	if base.Op == ir.Add && base.Args[1].Op == ir.Const && near(base.Args[1].Int) {
		t.Base, t.Off = base.Args[0], base.Args[1].Int
	}
	t.start = t.Off
	return t
}

// near tells offsets that an instruction can hold with room to add to them.
func near(offset int64) bool { return offset > -1<<30 && offset < 1<<30 }

// Member steps from a struct to a member.
func (s *Scope) Member(t Target, x *syntax.Member) (Target, bool) {
	at := diag.Span{Start: max(x.Span.End-len(x.Name), x.Span.Start), End: x.Span.End}
	u, ok := s.Kernel.Bare(t.Type)
	if !ok {
		message, hint := s.Kernel.Missing(u.Name, s.Said(x.X.Place()))
		s.Errorf(x.X.Place(), hint, "%s", message)
		return t, false
	}
	if !u.IsStruct() {
		hint := ""
		if u.Expr.Shape == tpinfo.ShapeArray {
			hint = "take an element of it first, [0]"
		}
		s.Errorf(at, hint, "%s has no members", t.Type)
		return t, false
	}
	f, ok, names := s.Kernel.Member(u.Def, x.Name)
	if !ok {
		s.Errorf(at, diag.DidYouMeanOf(x.Name, names), "%s has no member %q", u.StructName(), x.Name)
		return t, false
	}
	if !f.Offset.Known() {
		s.Errorf(at, "", "where member %q of %s lies is not known%s", x.Name, u.StructName(), s.Kernel.Because(u.StructName()))
		return t, false
	}
	typ := ctype.Parse(f.Type, f.Anon)
	if typ == nil {
		s.Errorf(at, "", "the type of member %q of %s is not known", x.Name, u.StructName())
		return t, false
	}
	if u.Def.Name != "" || t.of == "" {
		t.of, t.path, t.start = u.StructName(), "", t.Off
	}
	if t.path != "" {
		t.path += "."
	}
	t.path += x.Name
	t.Off += int64(f.Offset)
	t.Type, t.mem, t.At = typ, nil, x.Span
	t.bitOffset, t.BitSize = f.BitOffset, f.BitSize
	fact := ir.Fact{
		Type: t.of, Member: t.path, Offset: t.Off - t.start, Size: max(int64(f.Size), 0),
		BitOffset: f.BitOffset, BitSize: f.BitSize, CType: f.Type,
	}
	s.Reads.Facts = append(s.Reads.Facts, fact)
	s.use(&t, fact, x.Span)
	return t, true
}

// Sized reports whether elements of a type can be counted; it is false after an
// error.
func (s *Scope) Sized(elem *ctype.Type, at diag.Span) bool {
	if s.Kernel.SizeOf(elem).Known() {
		return true
	}
	why, hint := s.Kernel.Because(elem.Expr.Base().Name), ""
	if u, ok := s.Kernel.Bare(elem); !ok && why == "" {
		why, hint = s.Kernel.Missing(u.Name, "")
		why = ": " + why
	}
	s.Errorf(at, hint, "the size of %s is not known%s", elem, why)
	return false
}

// Element moves t to element i of an array of elem, which is Sized, that starts
// at t; length is the array's, tpinfo.Flexible where nothing bounds it.
func (s *Scope) Element(t Target, elem *ctype.Type, length int64, i *ir.Node, x *syntax.Index) (Target, bool) {
	size := s.Kernel.SizeOf(elem)
	if u, ok := s.Kernel.Bare(elem); ok && u.IsStruct() && (u.Def.Name != "" || u.Name != "") && (i.Op != ir.Const || i.Int != 0) {
		s.Reads.Facts = append(s.Reads.Facts, ir.Fact{Type: u.StructName(), Size: int64(size), CType: elem.String()})
	}
	if i.Op == ir.Const && near(i.Int) && near(i.Int*int64(size)) {
		if length > 1 && (i.Int < 0 || i.Int >= length) {
			s.Errorf(x.Keys[0].Place(), "", "%s has no element %d", t.Type, i.Int)
			return t, false
		}
		t.Off += i.Int * int64(size)
	} else {
		by := i
		if size != 1 {
			by = s.Fold(s.Node(ir.Mul, ir.Long, x.Span, i, s.Num(int64(size), x.Span)))
		}
		t.Base = s.Node(ir.Add, ir.Long, x.Span, s.base(t, x.Span), by)
	}
	t.Type, t.mem, t.BitSize, t.bitOffset = elem, nil, 0, 0
	t.of, t.path, t.start, t.At = "", "", t.Off, x.Span
	return t, true
}

// base is the base as an address.
func (s *Scope) base(t Target, at diag.Span) *ir.Node {
	if t.Base == nil {
		return s.Node(ir.Context, ir.Long, at)
	}
	return t.Base
}

// Address is where a target lies.
func (s *Scope) Address(t Target) *ir.Node {
	base := s.base(t, t.At)
	if t.Off == 0 {
		return base
	}
	return s.Node(ir.Add, ir.Long, t.At, base, s.Num(t.Off, t.At))
}

// Load reads a target. An array is its address, as in C.
func (s *Scope) Load(t Target) (infer.Value, bool) {
	u, known := s.Kernel.Bare(t.Type)
	if known {
		switch {
		case u.Expr.Shape == tpinfo.ShapeArray, u.Expr.Shape == tpinfo.ShapeFunc:
			return infer.Value{Node: s.Address(t), C: u.Type}, true
		case u.IsStruct():
			name := s.Said(t.At)
			s.Errorf(t.At, "name a member, or take its address with &"+name, "%s is a whole %s", name, t.Type)
			return infer.Value{}, false
		}
	}
	mem, why, hint := t.mem, "", ""
	if known {
		if m, reason := s.Kernel.Mem(&u); m != nil {
			if mem == nil {
				mem = m
			}
		} else {
			mem, why = nil, reason
		}
	} else if mem == nil {
		why, hint = s.Kernel.Missing(u.Name, "&"+s.Said(t.At))
	}
	if mem == nil {
		s.Errorf(t.At, hint, "%s cannot be read as %s: %s", s.Said(t.At), t.Type, why)
		return infer.Value{}, false
	}
	m := *mem
	if t.BitSize > 0 {
		m.BitOffset, m.BitSize = t.bitOffset, t.BitSize
		m.Size = (t.bitOffset + t.BitSize + 7) / 8
	}
	m.What = s.Said(t.At)
	v := infer.Value{Node: s.access(t, &m)}
	if known && u.Expr.Shape == tpinfo.ShapePointer {
		v.C = t.Type
	}
	return v, true
}

// access reads the context where the verifier lets it, and memory elsewhere.
func (s *Scope) access(t Target, m *ir.Mem) *ir.Node {
	direct := t.Base == nil && m.BitSize == 0 && t.Off%int64(m.Size) == 0
	if direct || t.Slot {
		n := s.Node(ir.Arg, ir.Long, t.At)
		n.Int, n.Mem = t.Off, m
		return n
	}
	n := s.Node(ir.Load, ir.Long, t.At, s.base(t, t.At))
	n.Int, n.Mem = t.Off, m
	return n
}
