package ctype

import (
	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// The limits of what a value shows.
const (
	maxElems   = 8 // of an array
	maxMembers = 256
)

// Render is the description that user space shows the bytes of a value by, of
// limit bytes at most; depth counts how many structs inside each other are
// opened up. end is how many bytes what is shown takes, and facts are what it
// relies on.
func (k *Kernel) Render(t *Type, limit int64, depth int) (r *ir.Render, end int64, facts []ir.Fact) {
	d := drawer{k: k, limit: limit, left: maxMembers}
	r = d.render(t, 0, depth)
	return r, d.end, d.facts
}

// drawer makes a description.
type drawer struct {
	k     *Kernel
	limit int64 // bytes that are sent at most
	left  int   // members that may still be shown
	end   int64 // bytes that what is shown takes
	facts []ir.Fact
}

// unshown is a value that is left out.
func unshown(r *ir.Render) *ir.Render { r.Struct, r.More = true, true; return r }

// render describes a value of a type at an offset; depth counts what may open
// up yet.
func (d *drawer) render(t *Type, offset int64, depth int) *ir.Render {
	r := &ir.Render{}
	u, ok := d.k.Bare(t)
	if !ok {
		return r
	}
	switch {
	case u.IsStruct():
		if depth == 0 {
			return unshown(r)
		}
		r.Struct = true
		d.members(r, &u, offset, depth-1)
		return r
	case u.Expr.Shape == tpinfo.ShapeArray:
		d.array(r, &u, offset, depth)
		return r
	}
	m, why := d.k.Mem(&u)
	if why != "" {
		return r
	}
	r.Pointer = u.Expr.Shape == tpinfo.ShapePointer
	d.place(r, m, offset)
	return r
}

// place has a value read at an offset. Only what is read has a place: the bytes
// of what is left out behind it are not sent.
func (d *drawer) place(r *ir.Render, m *ir.Mem, offset int64) {
	r.Mem, r.Offset = m, int(offset)
	d.end = max(d.end, offset+int64(m.Size))
}

func (d *drawer) members(r *ir.Render, u *Bare, offset int64, depth int) {
	for i := range u.Def.Members {
		m := &u.Def.Members[i]
		if d.left == 0 || !m.Offset.Known() || !m.Size.Known() {
			r.More = true
			return
		}
		size := int64(m.Size)
		t := Parse(m.Type, m.Anon)
		if m.Name == "" && t != nil { // its members are shown as the parent's, those of them that are sent
			d.left--
			inner, ok := d.k.Bare(t)
			if ok && inner.IsStruct() && depth >= 0 {
				d.members(r, &inner, offset+int64(m.Offset), depth)
			}
			continue
		}
		if offset+int64(m.Offset)+size > d.limit {
			r.More = true
			return
		}
		d.left--
		if t == nil {
			continue
		}
		var shown *ir.Render
		if m.BitSize > 0 {
			shown = d.bitfield(t, m, offset)
		} else {
			shown = d.render(t, offset+int64(m.Offset), depth)
		}
		shown.Name = m.Name
		r.Members = append(r.Members, shown)
		if u.Def.Name != "" {
			d.facts = append(d.facts, ir.Fact{
				Type: u.Def.Name, Member: m.Name, Offset: int64(m.Offset), Size: size, BitOffset: m.BitOffset, BitSize: m.BitSize, CType: m.Type,
			})
		}
	}
}

func (d *drawer) bitfield(t *Type, m *tpinfo.Member, offset int64) *ir.Render {
	r := &ir.Render{}
	u, ok := d.k.Bare(t)
	if !ok {
		return r
	}
	mem, why := d.k.Mem(&u)
	if why != "" {
		return r
	}
	mem.BitOffset, mem.BitSize = m.BitOffset, m.BitSize
	mem.Size = (m.BitOffset + m.BitSize + 7) / 8
	d.place(r, mem, offset+int64(m.Offset))
	return r
}

func (d *drawer) array(r *ir.Render, u *Bare, offset int64, depth int) {
	elem := u.Elem()
	size := d.k.SizeOf(elem)
	n := max(u.Expr.Count, 0)
	inner, ok := d.k.Bare(elem)
	if ok && IsChar(inner.Def) && n > 0 {
		r.Chars, r.Offset = int(min(n, d.limit-offset)), int(offset)
		d.end = max(d.end, offset+int64(r.Chars))
		return
	}
	r.Array = true
	if !size.Known() {
		r.More = true
		return
	}
	for i := range n {
		if i == maxElems || d.left == 0 || offset+(i+1)*int64(size) > d.limit {
			r.More = true
			return
		}
		d.left--
		at := offset + i*int64(size)
		if inner.IsStruct() && depth <= 1 {
			r.Members = append(r.Members, unshown(&ir.Render{}))
			continue
		}
		r.Members = append(r.Members, d.render(elem, at, depth-1))
	}
}

// IsChar tells plain char, which arrays of are text.
func IsChar(t *tpinfo.Type) bool {
	return t != nil && t.Kind == tpinfo.KindBase && t.Name == "char"
}
