package compare

import (
	"github.com/tpinfo/tpinfo"
)

// Type compares two definitions of one name: what concerns the whole first,
// then members and constants in the order of a, new ones where b has them.
// Members of structs without a name stand where the whole has them.
func Type(a, b *tpinfo.Type, limits Limits) []Change {
	c := &definition{name: b.Name, limits: limits}
	if a.Kind != b.Kind {
		c.add(Change{Part: PartType, How: []How{Retyped}, Before: string(a.Kind), After: string(b.Kind)})
	} else if !limits.sameType(a.Of, b.Of) {
		c.add(Change{Part: PartType, How: []How{Retyped}, Before: a.Of, After: b.Of})
	}
	if a.Encoding != b.Encoding && a.Kind == b.Kind && !limits.noSign(a.Name) {
		c.add(Change{Part: PartType, How: []How{Resigned}, Before: string(a.Encoding), After: string(b.Encoding)})
	}
	var how ways
	how.measure(Resized, a.Size, b.Size)
	c.add(Change{Part: PartType, How: how.list(), Before: a.Size, After: b.Size})
	c.members(flatten(nil, inner(a), "", 0, 0), flatten(nil, inner(b), "", 0, 0))
	c.constants(a.Enumerators, b.Enumerators)
	return c.found
}

type definition struct {
	name   string
	limits Limits
	found  []Change
}

func (d *definition) add(c Change) {
	if len(c.How) > 0 {
		c.Type = d.name
		d.found = append(d.found, c)
	}
}

// inner is what has the members: of a typedef, the struct that it names.
func inner(t *tpinfo.Type) *tpinfo.Type {
	if t.Anon != nil {
		return t.Anon
	}
	return t
}

// maxDepth bounds how deep unnamed structs nest.
const maxDepth = 64

// flatten lists the members that t has at any depth under no name but its own,
// with their paths as names and their places from the start of the whole.
func flatten(out []tpinfo.Member, t *tpinfo.Type, path string, start tpinfo.Bytes, depth int) []tpinfo.Member {
	for i := range t.Members {
		m := t.Members[i]
		anon := m.Anon
		m.Offset, m.Anon = within(start, m.Offset), nil
		inside := path
		if m.Name != "" {
			m.Name = path + m.Name
			inside = m.Name + "."
		}
		if anon != nil && depth < maxDepth {
			if m.Name != "" {
				out = append(out, m)
			}
			out = flatten(out, anon, inside, m.Offset, depth+1)
			continue
		}
		if m.Name == "" {
			m.Name = path + "(" + m.Type + ")" // its members are those of another type
		}
		out = append(out, m)
	}
	return out
}

// within is the place of what lies at offset in something at start.
func within(start, offset tpinfo.Bytes) tpinfo.Bytes {
	if !start.Known() || !offset.Known() {
		return tpinfo.Unknown
	}
	return start + offset
}

func (d *definition) members(a, b []tpinfo.Member) {
	alike := func(i, j int) bool {
		x, y := &a[i], &b[j]
		if x.Type != y.Type || x.Size != y.Size || x.BitSize != y.BitSize {
			return false
		}
		return x.Offset == y.Offset && x.BitOffset == y.BitOffset && x.Type != tpinfo.AnonStruct && x.Type != tpinfo.AnonUnion
	}
	for _, p := range pairs(a, b, func(m *tpinfo.Member) string { return m.Name }, alike) {
		if x, y := p.a, p.b; x != nil && y != nil {
			p.how.measure(Moved, x.Offset, y.Offset)
			p.how.add(Moved, x.Offset == y.Offset && x.BitOffset != y.BitOffset)
			p.how.add(Resized, x.BitSize != y.BitSize)
			d.limits.value(&p.how, x.Type, y.Type, x.Size, y.Size, false, false)
		}
		d.add(p.change(PartMember))
	}
}

func (d *definition) constants(a, b []tpinfo.Enumerator) {
	alike := func(i, j int) bool { return false }
	for _, p := range pairs(a, b, func(e *tpinfo.Enumerator) string { return e.Name }, alike) {
		if p.a != nil && p.b != nil {
			same := p.a.Value == p.b.Value || d.limits.Signs && uint32(p.a.Value) == uint32(p.b.Value)
			p.how.add(Valued, !same)
		}
		d.add(p.change(PartConstant))
	}
}

// Types compares definitions of two kernels by their names. The lists are
// sorted by name, as a kernel's are. A name that only one side has is a type
// that came or went; where the sources differ, headers define types that no
// image has and the other way round, and that it is missing says nothing.
func Types(x, y *tpinfo.Kernel, a, b []tpinfo.Type) []Change {
	limits := LimitsOf(x, y)
	mixed := fromImage(x) != fromImage(y)
	alone := func(h How, t *tpinfo.Type, other *tpinfo.Kernel) Change {
		c := Change{Part: PartType, How: []How{h}, Type: t.Name}
		if mixed {
			c.How, c.Why = []How{Unknown}, other.Release+" is known from "+string(other.Source)+", which may leave it out"
		}
		if h == Added {
			c.After = t
		} else {
			c.Before = t
		}
		return c
	}
	var out []Change
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Name < b[0].Name:
			out = append(out, alone(Removed, &a[0], y))
			a = a[1:]
		case len(a) == 0 || b[0].Name < a[0].Name:
			out = append(out, alone(Added, &b[0], x))
			b = b[1:]
		default:
			out = append(out, Type(&a[0], &b[0], limits)...)
			a, b = a[1:], b[1:]
		}
	}
	return out
}
