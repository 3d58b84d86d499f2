package check

import (
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// ctype is a C type: how it is spelled, and what an unnamed struct at the
// bottom of the spelling stands for.
type ctype struct {
	expr *tpinfo.Expr
	anon *tpinfo.Type
}

func (t *ctype) String() string { return t.expr.String() }

// elem is what a pointer points to, or what an array is made of.
func (t *ctype) elem() *ctype { return &ctype{t.expr.Elem, t.anon} }

// pointerTo is a pointer to t.
func pointerTo(t *ctype) *ctype {
	return &ctype{&tpinfo.Expr{Shape: tpinfo.ShapePointer, Elem: t.expr}, t.anon}
}

func namedType(name string) *ctype {
	return &ctype{expr: &tpinfo.Expr{Shape: tpinfo.ShapeName, Name: name}}
}

// maxTypedefs bounds chains of typedefs; the kernel's are under ten.
const maxTypedefs = 64

// unaliased is a type without typedefs in front: a pointer, an array, a
// function, or a definition. name is what the definition is known by: its own
// name, or that of the typedef that names an unnamed struct.
type unaliased struct {
	*ctype
	def  *tpinfo.Type // nil for pointers, arrays, functions and void
	name string
}

func (u *unaliased) isStruct() bool {
	return u.def != nil && (u.def.Kind == tpinfo.KindStruct || u.def.Kind == tpinfo.KindUnion)
}

func (u *unaliased) void() bool { return u.def == nil && u.expr.Shape == tpinfo.ShapeName }

// bare follows typedefs; ok is false for a type that nobody knows, name then
// tells which.
func (c *checker) bare(t *ctype) (u unaliased, ok bool) {
	u.ctype = t
	for range maxTypedefs {
		if u.expr.Shape != tpinfo.ShapeName {
			return u, true
		}
		name := u.expr.Name
		if name == tpinfo.AnonStruct || name == tpinfo.AnonUnion {
			u.def = u.anon
			return u, u.def != nil
		}
		u.name = name
		if name == "void" {
			return u, true
		}
		def := c.typ(name)
		if def == nil {
			return u, false
		}
		if def.Kind != tpinfo.KindTypedef {
			u.def = def
			return u, true
		}
		e, err := tpinfo.ParseExpr(def.Of)
		if err != nil {
			c.fail(err)
			return u, false
		}
		u.ctype = &ctype{e, def.Anon}
	}
	return u, false
}

// typ looks a definition up by its full name, once.
func (c *checker) typ(name string) *tpinfo.Type {
	if t, asked := c.types[name]; asked {
		return t
	}
	t, err := c.meta.TypeIfKnown(c.ctx, name)
	if err != nil {
		c.fail(err)
	}
	if t != nil && t.Name != name {
		t = nil // one of another kind, "struct x" for "x"
	}
	c.types[name] = t
	return t
}

// sizeOf is the size of a type in bytes, Unknown where nobody knows it.
func (c *checker) sizeOf(t *ctype) tpinfo.Bytes {
	switch t.expr.Shape {
	case tpinfo.ShapePointer:
		return tpinfo.Bytes(c.kernel.WordSize)
	case tpinfo.ShapeArray:
		size := c.sizeOf(t.elem())
		n := max(t.expr.Count, 0)
		if !size.Known() || n > 0 && size > tpinfo.Bytes(1<<40/n) {
			return tpinfo.Unknown
		}
		return size * tpinfo.Bytes(n)
	case tpinfo.ShapeFunc:
		return tpinfo.Unknown
	}
	u, ok := c.bare(t)
	switch {
	case !ok || u.void():
		return tpinfo.Unknown
	case u.def != nil:
		return u.def.Size
	}
	return c.sizeOf(u.ctype)
}

// mem is how a value of a type is read: its width and its sign. Where it
// cannot be, why says so.
func (c *checker) mem(u *unaliased) (m *ir.Mem, why string) {
	switch {
	case u.expr.Shape == tpinfo.ShapePointer:
		return &ir.Mem{Size: c.kernel.WordSize}, ""
	case u.def == nil:
		return nil, "void has no value"
	case u.def.Encoding == tpinfo.EncFloat:
		return nil, "floating-point numbers are not read"
	}
	switch u.def.Size {
	case 1, 2, 4, 8:
		return &ir.Mem{Size: int(u.def.Size), Signed: u.def.Encoding == tpinfo.EncSigned}, ""
	case tpinfo.Unknown:
		return nil, "its size is not known"
	}
	return nil, "numbers have 1, 2, 4 or 8 bytes, and this has " + u.def.Size.String()
}

// found is a member as it was found: its place counts from the start of the
// struct that was asked.
type found struct {
	*tpinfo.Member
	offset tpinfo.Bytes
}

// member looks for a member of a struct, and in its unnamed members; names are
// all that it has.
func (c *checker) member(t *tpinfo.Type, name string, depth int) (f found, ok bool, names []string) {
	if depth > maxTypedefs {
		return found{}, false, nil
	}
	for i := range t.Members {
		m := &t.Members[i]
		if m.Name == name {
			return found{m, m.Offset}, true, nil
		}
		if m.Name != "" {
			names = append(names, m.Name)
			continue
		}
		inner := m.Anon
		if inner == nil {
			if inner = c.typ(m.Type); inner == nil {
				continue
			}
		}
		f, ok, more := c.member(inner, name, depth+1)
		if ok {
			if m.Offset.Known() && f.offset.Known() {
				f.offset += m.Offset
			} else {
				f.offset = tpinfo.Unknown
			}
			return f, true, nil
		}
		names = append(names, more...)
	}
	return found{}, false, names
}

// parse reads a spelling of the metadata.
func (c *checker) parse(spelling string, anon *tpinfo.Type) *ctype {
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return nil
	}
	return &ctype{e, anon}
}

// castType finds the type that @cast names: a name without its keyword is a
// struct, union or enum, or else a typedef or a base type, in SystemTap's
// order. Stars behind it say nothing more: it is what is pointed to.
func (s *scope) castType(name string, headers []string, at diag.Span) *ctype {
	name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "&"))
	stars := 0
	for strings.HasSuffix(name, "*") {
		name = strings.TrimSpace(strings.TrimSuffix(name, "*"))
		stars++
	}
	name = strings.Join(strings.Fields(strings.TrimPrefix(name, "const ")), " ")
	t := s.c.knownType(name)
	if t == nil && len(headers) > 0 {
		t = s.learnType(name, headers, at)
		if t == nil {
			return nil
		}
	}
	if t == nil {
		s.unknownType(name, at)
		return nil
	}
	out := namedType(t.Name)
	for range stars - 1 {
		out = pointerTo(out)
	}
	return out
}

func (c *checker) knownType(name string) *tpinfo.Type {
	if !strings.Contains(name, " ") {
		for _, tag := range []string{"struct ", "union ", "enum "} {
			if t := c.typ(tag + name); t != nil {
				return t
			}
		}
	}
	return c.typ(name)
}

// learnType asks for a type that only headers have.
func (s *scope) learnType(name string, headers []string, at diag.Span) *tpinfo.Type {
	t, err := s.c.meta.Header(s.c.ctx, headers, name)
	if err != nil {
		s.errorf(at, "", "%v", err)
		return nil
	}
	if t == nil {
		s.errorf(at, "", "%s has no type %q", strings.Join(headers, ", "), name)
		return nil
	}
	s.c.types[t.Name] = t
	return t
}

func (s *scope) unknownType(name string, at diag.Span) {
	if !s.c.final || s.c.quiet > 0 {
		s.errorf(at, "", "")
		return
	}
	names, err := s.c.meta.TypeNames(s.c.ctx, "*")
	if err != nil {
		s.c.fail(err)
	}
	hint := didYouMean(name, names)
	if hint == "" {
		hint = `name the header that has it, as in @cast(…, "` + name + `", "kernel<linux/…>")`
	}
	s.errorf(at, hint, "kernel %s has no type %q", s.c.kernel.Release, name)
}
