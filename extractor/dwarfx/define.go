package dwarfx

import (
	"debug/dwarf"
	"fmt"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/ctypes"
)

// Encodings of base types (DWARF 5, table 7.11).
const (
	encBoolean      = 0x02
	encComplexFloat = 0x03
	encFloat        = 0x04
	encSigned       = 0x05
	encSignedChar   = 0x06
)

// params reads a function's parameters.
func (t *table) params(i int32) ([]tpinfo.Arg, error) {
	args := []tpinfo.Arg{}
	for c := range t.children(i) {
		e := &t.entries[c]
		if e.tag != dwarf.TagFormalParameter {
			continue
		}
		spelling, err := t.spell(e.typ)
		if err != nil {
			return nil, err
		}
		size, err := t.size(e.typ, 0)
		if err != nil {
			return nil, err
		}
		args = append(args, tpinfo.Arg{
			Name: e.name, Type: spelling, Size: size, Signed: t.signed(e.typ, 0),
			Offset: tpinfo.Bytes(len(args) * tpinfo.ArgSlot),
		})
	}
	return args, nil
}

// definition reads a named type; false for what defines none.
func (t *table) definition(i int32) (tpinfo.Type, bool, error) {
	e := &t.entries[i]
	switch e.tag {
	case dwarf.TagStructType, dwarf.TagUnionType, dwarf.TagClassType:
		if e.name == "" || e.declaration {
			return tpinfo.Type{}, false, nil
		}
	case dwarf.TagEnumerationType:
		if e.declaration || t.name(i) == "enum {}" {
			return tpinfo.Type{}, false, nil
		}
	case dwarf.TagTypedef:
	case dwarf.TagBaseType:
		// clang's own type for the bounds of arrays.
		if e.name == "__ARRAY_SIZE_TYPE__" {
			return tpinfo.Type{}, false, nil
		}
	default:
		return tpinfo.Type{}, false, nil
	}
	def, err := t.define(i, 0)
	if err != nil {
		return tpinfo.Type{}, false, fmt.Errorf("type %s: %w", t.name(i), err)
	}
	return *def, true, nil
}

// define reads a type with all that has no name of its own inside it.
func (t *table) define(i int32, depth int) (*tpinfo.Type, error) {
	if depth > t.limits.Depth {
		return nil, fmt.Errorf("%w: nested more than %d deep", ErrDamaged, t.limits.Depth)
	}
	e := &t.entries[i]
	def := &tpinfo.Type{Name: t.name(i), Size: tpinfo.Bytes(e.size)}
	if e.size == absent || e.size < 0 {
		def.Size = tpinfo.Unknown
	}
	switch e.tag {
	case dwarf.TagBaseType:
		def.Kind, def.Encoding = tpinfo.KindBase, encoding(e.encoding)
		return def, nil
	case dwarf.TagTypedef:
		def.Kind = tpinfo.KindTypedef
		var err error
		if def.Of, err = t.spell(e.typ); err != nil {
			return nil, err
		}
		if def.Size, err = t.size(e.typ, 0); err != nil {
			return nil, err
		}
		def.Anon, err = t.unnamed(e.typ, depth)
		return def, err
	case dwarf.TagEnumerationType:
		def.Kind = tpinfo.KindEnum
		def.Encoding = tpinfo.EncUnsigned
		if t.signedEnum(i) {
			def.Encoding = tpinfo.EncSigned
		}
		for c := range t.children(i) {
			if v := &t.entries[c]; v.tag == dwarf.TagEnumerator {
				def.Enumerators = append(def.Enumerators, tpinfo.Enumerator{Name: v.name, Value: v.value})
			}
		}
		return def, nil
	}
	def.Kind = tpinfo.KindStruct
	if e.tag == dwarf.TagUnionType {
		def.Kind = tpinfo.KindUnion
	}
	if e.name == "" {
		def.Name = ""
	}
	for c := range t.children(i) {
		m := &t.entries[c]
		if m.tag != dwarf.TagMember || m.name == "" && m.bitSize > 0 {
			continue // an unnamed bitfield is padding
		}
		member, err := t.member(m, depth)
		if err != nil {
			return nil, fmt.Errorf("member %q: %w", m.name, err)
		}
		def.Members = append(def.Members, member)
	}
	return def, nil
}

func encoding(dwarfEncoding int64) tpinfo.Encoding {
	switch dwarfEncoding {
	case encBoolean:
		return tpinfo.EncBool
	case encComplexFloat, encFloat:
		return tpinfo.EncFloat
	case encSigned, encSignedChar:
		return tpinfo.EncSigned
	}
	return tpinfo.EncUnsigned
}

func (t *table) member(m *entry, depth int) (tpinfo.Member, error) {
	out := tpinfo.Member{Name: m.name, Offset: tpinfo.Bytes(m.offset)}
	err := t.spend(m.name)
	if err != nil {
		return out, err
	}
	if out.Type, err = t.spell(m.typ); err != nil {
		return out, err
	}
	if out.Size, err = t.size(m.typ, 0); err != nil {
		return out, err
	}
	if out.Anon, err = t.unnamed(m.typ, depth); err != nil {
		return out, err
	}
	if out.Name == "" && out.Anon != nil {
		out.Type = ctypes.Unnamed(out.Anon)
	}
	if m.bitSize > 0 {
		bit := t.firstBit(m, int64(out.Size))
		if bit < 0 {
			return out, fmt.Errorf("%w: a bitfield before its struct", ErrDamaged)
		}
		// "u32 x : 32" at a byte's start is a plain member to clang, and is one.
		if plain := bit%8 == 0 && m.bitSize == 8*int64(out.Size); !plain {
			out.BitOffset, out.BitSize = int(bit%8), int(m.bitSize)
		}
		out.Offset = tpinfo.Bytes(bit / 8)
	}
	if out.Offset < 0 {
		return out, fmt.Errorf("%w: at a negative offset", ErrDamaged)
	}
	return out, nil
}

// firstBit is the place of a bitfield, in bits from the start of its struct.
// DWARF 4 and 5 may give it so (DW_AT_data_bit_offset). DWARF 2 and 3 give the
// storage unit and the bits between its most significant bit and the field's
// (DW_AT_bit_offset), which on a little-endian machine counts from the far end.
func (t *table) firstBit(m *entry, typeSize int64) int64 {
	switch {
	case m.dataBit != absent:
		return m.dataBit
	case m.bitOffset == absent:
		return m.offset * 8
	case t.bigEndian:
		return m.offset*8 + m.bitOffset
	}
	unit := m.size
	if unit == absent {
		unit = typeSize
	}
	return m.offset*8 + unit*8 - m.bitOffset - m.bitSize
}

// unnamed defines the struct or union without a tag at the bottom of the type
// at off; nil when there is none.
func (t *table) unnamed(off dwarf.Offset, depth int) (*tpinfo.Type, error) {
	for steps := 0; off != noType; steps++ {
		if steps > t.limits.Depth {
			return nil, fmt.Errorf("%w: nested more than %d deep", ErrDamaged, t.limits.Depth)
		}
		i, err := t.lookup(off)
		if err != nil {
			return nil, err
		}
		switch e := &t.entries[i]; e.tag {
		case dwarf.TagPointerType, dwarf.TagConstType, dwarf.TagVolatileType, dwarf.TagRestrictType,
			dwarf.TagAtomicType, dwarf.TagArrayType, dwarf.TagSubroutineType:
			off = e.typ
		case dwarf.TagStructType, dwarf.TagUnionType, dwarf.TagClassType:
			if e.name != "" {
				return nil, nil
			}
			return t.define(i, depth+1)
		default:
			return nil, nil
		}
	}
	return nil, nil
}

// size of the type at off, in bytes; Unknown for void, functions and what is
// only declared, 0 for a flexible array.
func (t *table) size(off dwarf.Offset, depth int) (tpinfo.Bytes, error) {
	if off == noType {
		return tpinfo.Unknown, nil
	}
	if depth > t.limits.Depth {
		return tpinfo.Unknown, fmt.Errorf("%w: a type nested more than %d deep", ErrDamaged, t.limits.Depth)
	}
	i, err := t.lookup(off)
	if err != nil {
		return tpinfo.Unknown, err
	}
	e := &t.entries[i]
	switch e.tag {
	case dwarf.TagPointerType:
		if e.size > 0 {
			return tpinfo.Bytes(e.size), nil
		}
		return tpinfo.Bytes(t.wordSize), nil
	case dwarf.TagTypedef, dwarf.TagConstType, dwarf.TagVolatileType, dwarf.TagRestrictType, dwarf.TagAtomicType:
		return t.size(e.typ, depth+1)
	case dwarf.TagArrayType:
		size, err := t.size(e.typ, depth+1)
		if err != nil || !size.Known() {
			return tpinfo.Unknown, err
		}
		for _, n := range t.dimensions(i) {
			n = max(n, 0)
			if n > 0 && int64(size) > (1<<62)/n {
				return tpinfo.Unknown, fmt.Errorf("%w: an array larger than memory", ErrDamaged)
			}
			size *= tpinfo.Bytes(n)
		}
		return size, nil
	}
	if e.declaration || e.size < 0 {
		return tpinfo.Unknown, nil
	}
	return tpinfo.Bytes(e.size), nil
}

// signed reports whether values of the type at off can be negative integers;
// of an array, its elements.
func (t *table) signed(off dwarf.Offset, depth int) bool {
	i, ok := t.at[off]
	if !ok || depth > t.limits.Depth {
		return false
	}
	switch e := &t.entries[i]; e.tag {
	case dwarf.TagTypedef, dwarf.TagConstType, dwarf.TagVolatileType, dwarf.TagAtomicType,
		dwarf.TagRestrictType, dwarf.TagArrayType:
		return t.signed(e.typ, depth+1)
	case dwarf.TagEnumerationType:
		return t.signedEnum(i)
	case dwarf.TagBaseType:
		return encoding(e.encoding) == tpinfo.EncSigned
	}
	return false
}

// signedEnum reports whether an enum has a negative constant, which is when
// gcc makes its type signed. What the debug information names as the
// underlying type will not do: for "enum … __attribute__((mode(byte)))" clang
// names signed char where gcc has unsigned char.
func (t *table) signedEnum(i int32) bool {
	e := &t.entries[i]
	if e.typ != noType && !t.signed(e.typ, 0) {
		return false
	}
	for c := range t.children(i) {
		if v := &t.entries[c]; v.tag == dwarf.TagEnumerator && v.value < 0 {
			return true
		}
	}
	return false
}
