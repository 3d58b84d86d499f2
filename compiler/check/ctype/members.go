package ctype

import (
	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// maxTypedefs bounds chains of typedefs; the kernel's are under ten.
const maxTypedefs = 64

// Bare follows typedefs; ok is false for a type that nobody knows, Name then
// tells which.
func (k *Kernel) Bare(t *Type) (u Bare, ok bool) {
	u.Type = t
	for range maxTypedefs {
		if u.Expr.Shape != tpinfo.ShapeName {
			return u, true
		}
		name := u.Expr.Name
		if name == tpinfo.AnonStruct || name == tpinfo.AnonUnion {
			u.Def = u.Anon
			return u, u.Def != nil
		}
		u.Name = name
		if name == "void" {
			return u, true
		}
		def := k.Definition(name)
		if def == nil {
			return u, false
		}
		if def.Kind != tpinfo.KindTypedef {
			u.Def = def
			return u, true
		}
		e, err := tpinfo.ParseExpr(def.Of)
		if err != nil {
			k.fail(err)
			return u, false
		}
		u.Type = &Type{e, def.Anon}
	}
	return u, false
}

// SizeOf is the size of a type in bytes, Unknown where nobody knows it.
func (k *Kernel) SizeOf(t *Type) tpinfo.Bytes {
	switch t.Expr.Shape {
	case tpinfo.ShapePointer:
		return tpinfo.Bytes(k.Identity.WordSize)
	case tpinfo.ShapeArray:
		size := k.SizeOf(t.Elem())
		n := max(t.Expr.Count, 0)
		if !size.Known() || n > 0 && size > tpinfo.Bytes(1<<40/n) {
			return tpinfo.Unknown
		}
		return size * tpinfo.Bytes(n)
	case tpinfo.ShapeFunc:
		return tpinfo.Unknown
	}
	u, ok := k.Bare(t)
	switch {
	case !ok || u.IsVoid():
		return tpinfo.Unknown
	case u.Def != nil:
		return u.Def.Size
	}
	return k.SizeOf(u.Type)
}

// Mem is how a value of a type is read: its width and its sign. Where it
// cannot be, why says so.
func (k *Kernel) Mem(u *Bare) (m *ir.Mem, why string) {
	switch {
	case u.Expr.Shape == tpinfo.ShapePointer:
		return &ir.Mem{Size: k.Identity.WordSize}, ""
	case u.Def == nil:
		return nil, "void has no value"
	case u.Def.Encoding == tpinfo.EncFloat:
		return nil, "floating-point numbers are not read"
	}
	switch u.Def.Size {
	case 1, 2, 4, 8:
		return &ir.Mem{Size: int(u.Def.Size), Signed: u.Def.Encoding == tpinfo.EncSigned}, ""
	case tpinfo.Unknown:
		return nil, "its size is not known"
	}
	return nil, "numbers have 1, 2, 4 or 8 bytes, and this has " + u.Def.Size.String()
}

// Found is a member as it was found: its place counts from the start of the
// struct that was asked.
type Found struct {
	*tpinfo.Member
	Offset tpinfo.Bytes
}

// Member looks for a member of a struct, and in its unnamed members; names are
// all that it has, where it has not this one.
func (k *Kernel) Member(t *tpinfo.Type, name string) (f Found, ok bool, names []string) {
	return k.member(t, name, 0)
}

func (k *Kernel) member(t *tpinfo.Type, name string, depth int) (f Found, ok bool, names []string) {
	if depth > maxTypedefs {
		return Found{}, false, nil
	}
	for i := range t.Members {
		m := &t.Members[i]
		if m.Name == name {
			return Found{m, m.Offset}, true, nil
		}
		if m.Name != "" {
			names = append(names, m.Name)
			continue
		}
		inner := m.Anon
		if inner == nil {
			if inner = k.Definition(m.Type); inner == nil {
				continue
			}
		}
		f, ok, more := k.member(inner, name, depth+1)
		if ok {
			if m.Offset.Known() && f.Offset.Known() {
				f.Offset += m.Offset
			} else {
				f.Offset = tpinfo.Unknown
			}
			return f, true, nil
		}
		names = append(names, more...)
	}
	return Found{}, false, names
}

// CharsIn is how many bytes the text in a character array can take with its
// NUL, 0 where nothing bounds it: what is read need not be longer than the
// array.
func (k *Kernel) CharsIn(t *Type) int64 {
	if t == nil {
		return 0
	}
	u, ok := k.Bare(t)
	if !ok || u.Expr.Shape != tpinfo.ShapeArray || u.Expr.Count < 2 {
		return 0
	}
	if elem, ok := k.Bare(u.Elem()); !ok || !IsChar(elem.Def) {
		return 0
	}
	return u.Expr.Count + 1 // an array may be full, without a NUL
}
