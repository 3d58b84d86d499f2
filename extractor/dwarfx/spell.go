package dwarfx

import (
	"debug/dwarf"
	"fmt"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/ctypes"
)

// lookup returns the entry of the type at off.
func (t *table) lookup(off dwarf.Offset) (int32, error) {
	i, ok := t.at[off]
	if !ok {
		return 0, fmt.Errorf("%w: no type at %#x", ErrDamaged, off)
	}
	return i, nil
}

// spell gives the C spelling of the type at off.
func (t *table) spell(off dwarf.Offset) (string, error) {
	if s, ok := t.spelled[off]; ok {
		return s, nil
	}
	e, err := t.expr(off, 0)
	if err != nil {
		return "", err
	}
	s := e.String()
	t.spelled[off] = s
	return s, nil
}

// expr gives the structure of the type at off. Named types end it, so only a
// damaged object can make it deep.
func (t *table) expr(off dwarf.Offset, depth int) (*tpinfo.Expr, error) {
	if off == noType {
		return &tpinfo.Expr{Name: "void"}, nil
	}
	if depth > t.limits.Depth {
		return nil, fmt.Errorf("%w: a type nested more than %d deep at %#x", ErrDamaged, t.limits.Depth, off)
	}
	i, err := t.lookup(off)
	if err != nil {
		return nil, err
	}
	e := &t.entries[i]
	if err := t.spend(e.name); err != nil {
		return nil, err
	}
	switch e.tag {
	case dwarf.TagPointerType:
		elem, err := t.expr(e.typ, depth+1)
		return &tpinfo.Expr{Shape: tpinfo.ShapePointer, Elem: elem}, err
	case dwarf.TagConstType, dwarf.TagVolatileType:
		inner, err := t.expr(e.typ, depth+1)
		if err != nil {
			return nil, err
		}
		return ctypes.Qualify(inner, e.tag == dwarf.TagConstType), nil
	case dwarf.TagRestrictType, dwarf.TagAtomicType:
		return t.expr(e.typ, depth+1)
	case dwarf.TagTypedef:
		if ctypes.Own(e.name) {
			return t.expr(e.typ, depth+1)
		}
	case dwarf.TagArrayType:
		elem, err := t.expr(e.typ, depth+1)
		if err != nil {
			return nil, err
		}
		dims := t.dimensions(i)
		if len(dims) > t.limits.Depth {
			return nil, fmt.Errorf("%w: an array of more than %d dimensions at %#x", ErrDamaged, t.limits.Depth, off)
		}
		for n := len(dims) - 1; n >= 0; n-- {
			elem = &tpinfo.Expr{Shape: tpinfo.ShapeArray, Count: dims[n], Elem: elem}
		}
		return elem, nil
	case dwarf.TagSubroutineType:
		return t.function(i, depth)
	}
	return &tpinfo.Expr{Name: t.name(i)}, nil
}

// dimensions of an array, outermost first. [0] and [] come out alike: gcc's
// debug information does not tell them apart, nor does BTF. The list ends
// behind the first that is one too many.
func (t *table) dimensions(i int32) []int64 {
	var dims []int64
	for c := range t.children(i) {
		if t.entries[c].tag != dwarf.TagSubrangeType {
			continue
		}
		n := t.entries[c].count
		if n <= 0 {
			n = tpinfo.Flexible
		}
		if dims = append(dims, n); len(dims) > t.limits.Depth {
			break
		}
	}
	if dims == nil {
		return []int64{tpinfo.Flexible}
	}
	return dims
}

func (t *table) function(i int32, depth int) (*tpinfo.Expr, error) {
	ret, err := t.expr(t.entries[i].typ, depth+1)
	if err != nil {
		return nil, err
	}
	f := &tpinfo.Expr{Shape: tpinfo.ShapeFunc, Elem: ret}
	for c := range t.children(i) {
		switch t.entries[c].tag {
		case dwarf.TagFormalParameter:
			p, err := t.expr(t.entries[c].typ, depth+1)
			if err != nil {
				return nil, err
			}
			f.Params = append(f.Params, p)
		case dwarf.TagUnspecifiedParameters:
			f.Variadic = len(f.Params) > 0
		}
	}
	return f, nil
}

// name is the full name of a named type, with its tag's keyword.
func (t *table) name(i int32) string {
	e := &t.entries[i]
	switch e.tag {
	case dwarf.TagStructType, dwarf.TagClassType:
		if e.name == "" {
			return tpinfo.AnonStruct
		}
		return "struct " + e.name
	case dwarf.TagUnionType:
		if e.name == "" {
			return tpinfo.AnonUnion
		}
		return "union " + e.name
	case dwarf.TagEnumerationType:
		if e.name != "" {
			return "enum " + e.name
		}
		for c := range t.children(i) {
			if t.entries[c].tag == dwarf.TagEnumerator {
				return "enum {" + t.entries[c].name + "}"
			}
		}
		return "enum {}"
	case dwarf.TagBaseType, dwarf.TagUnspecifiedType:
		return ctypes.BaseName(e.name)
	}
	return e.name
}

// children yields the direct children of an entry.
func (t *table) children(i int32) func(yield func(int32) bool) {
	return func(yield func(int32) bool) {
		end := t.entries[i].next
		for c := i + 1; c < end; c = t.entries[c].next {
			if !yield(c) {
				return
			}
		}
	}
}
