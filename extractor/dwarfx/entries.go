package dwarfx

import (
	"bytes"
	"context"
	"debug/dwarf"
	"encoding/binary"
	"fmt"

	"github.com/go-delve/delve/pkg/dwarf/leb128"
	"github.com/go-delve/delve/pkg/dwarf/op"
	"github.com/go-delve/delve/pkg/dwarf/reader"
)

// entry is one debugging information entry, as far as types need it.
type entry struct {
	tag  dwarf.Tag
	name string
	typ  dwarf.Offset // of what DW_AT_type refers to; noType for none
	// next is the index of the entry behind this one's children; children are
	// those from this one's index + 1 that are direct.
	next int32

	size        int64 // DW_AT_byte_size, or absent
	offset      int64 // DW_AT_data_member_location in bytes
	bitSize     int64 // of a bitfield, else 0
	bitOffset   int64 // DW_AT_bit_offset (DWARF 2 and 3), or absent
	dataBit     int64 // DW_AT_data_bit_offset (DWARF 4 and 5), or absent
	count       int64 // of a subrange: elements, absent for none given
	value       int64 // of an enumerator
	encoding    int64 // of a base type
	declaration bool
}

const (
	absent = -1 << 62
	noType = dwarf.Offset(^uint32(0))
)

// table is all entries in order, with the place of each.
type table struct {
	entries []entry
	at      map[dwarf.Offset]int32 // of types and what has them
	top     []int32                // children of the compile units
	limits  Limits

	wordSize  int64
	bigEndian bool
	spelled   map[dwarf.Offset]string
	spent     int // see spend
}

// spend counts what it takes to write types out: an unnamed type stands in
// full wherever it is used, so a few entries can describe very much.
func (t *table) spend(text string) error {
	t.spent += 1 + len(text)/32
	if t.spent > 4*t.limits.Entries {
		return fmt.Errorf("%w: its types are too long when written out", ErrTooLarge)
	}
	return nil
}

// interesting are the tags that take part in types. Variables, lexical blocks
// and the like are passed over with all inside them.
var interesting = map[dwarf.Tag]bool{
	dwarf.TagBaseType: true, dwarf.TagStructType: true, dwarf.TagUnionType: true,
	dwarf.TagClassType: true, dwarf.TagEnumerationType: true, dwarf.TagEnumerator: true,
	dwarf.TagTypedef: true, dwarf.TagPointerType: true, dwarf.TagConstType: true,
	dwarf.TagVolatileType: true, dwarf.TagRestrictType: true, dwarf.TagAtomicType: true,
	dwarf.TagArrayType: true, dwarf.TagSubrangeType: true, dwarf.TagSubroutineType: true,
	dwarf.TagFormalParameter: true, dwarf.TagUnspecifiedParameters: true,
	dwarf.TagMember: true, dwarf.TagSubprogram: true, dwarf.TagUnspecifiedType: true,
}

// readEntries walks .debug_info once.
func readEntries(ctx context.Context, data *dwarf.Data, order binary.ByteOrder, limits Limits) (*table, error) {
	t := &table{at: map[dwarf.Offset]int32{}, limits: limits, spelled: map[dwarf.Offset]string{}}
	r := reader.New(data)
	var open []int32 // entries whose children are being read; -1 for a unit
	passing := 0     // levels of children that are passed over
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if n > limits.Entries {
			return nil, fmt.Errorf("%w: more than %d entries", ErrTooLarge, limits.Entries)
		}
		e, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		switch {
		case e == nil:
			return t, nil
		case e.Tag == dwarf.TagCompileUnit:
			open, passing = open[:0], 0
			if e.Children {
				open = append(open, -1)
			}
			continue
		case passing > 0:
			switch {
			case e.Tag == 0:
				passing--
			case e.Children:
				passing++
			}
			continue
		case e.Tag == 0:
			if len(open) == 0 {
				return nil, fmt.Errorf("%w: an end of children without a parent at %#x", ErrDamaged, e.Offset)
			}
			if i := open[len(open)-1]; i >= 0 {
				t.entries[i].next = int32(len(t.entries))
			}
			open = open[:len(open)-1]
			continue
		case !interesting[e.Tag]:
			// Not SkipChildren: it calls itself for each level.
			if next, ok := e.Val(dwarf.AttrSibling).(dwarf.Offset); ok && e.Children && next > e.Offset {
				r.Seek(next)
			} else if e.Children {
				passing = 1
			}
			continue
		}
		i := int32(len(t.entries))
		t.at[e.Offset] = i
		if t.atFileScope(open) {
			t.top = append(t.top, i)
		}
		t.entries = append(t.entries, newEntry(e, order))
		t.entries[i].next = i + 1
		if e.Children {
			open = append(open, i)
		}
	}
}

// atFileScope reports whether what stands inside the open entries belongs to
// the file and not to a function: a struct inside a struct does, in C.
func (t *table) atFileScope(open []int32) bool {
	for _, i := range open {
		if i >= 0 && t.entries[i].tag != dwarf.TagStructType && t.entries[i].tag != dwarf.TagUnionType {
			return false
		}
	}
	return true
}

func newEntry(e *dwarf.Entry, order binary.ByteOrder) entry {
	out := entry{tag: e.Tag, typ: noType, size: absent, bitOffset: absent, dataBit: absent, count: absent}
	for i := range e.Field {
		f := &e.Field[i]
		switch f.Attr {
		case dwarf.AttrName:
			out.name, _ = f.Val.(string)
		case dwarf.AttrType:
			if off, ok := f.Val.(dwarf.Offset); ok {
				out.typ = off
			}
		case dwarf.AttrByteSize:
			out.size = number(f.Val, absent)
		case dwarf.AttrDataMemberLoc:
			out.offset = location(f.Val)
		case dwarf.AttrBitSize:
			out.bitSize = number(f.Val, 0)
		case dwarf.AttrBitOffset:
			out.bitOffset = number(f.Val, absent)
		case dwarf.AttrDataBitOffset:
			out.dataBit = number(f.Val, absent)
		case dwarf.AttrCount:
			out.count = number(f.Val, absent)
		case dwarf.AttrUpperBound:
			// Of the zero-length array [0] gcc says nothing or -1.
			if n := number(f.Val, absent); n != absent && n != 0xffffffff {
				out.count = n + 1
			}
		case dwarf.AttrConstValue:
			out.value = constant(f, order)
		case dwarf.AttrEncoding:
			out.encoding = number(f.Val, 0)
		case dwarf.AttrDeclaration:
			out.declaration, _ = f.Val.(bool)
		}
	}
	return out
}

func number(v any, otherwise int64) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case uint64:
		return int64(n)
	}
	return otherwise
}

// location reads DW_AT_data_member_location: a constant, or an expression
// that adds one to the address of the struct (DWARF 2).
func location(v any) int64 {
	block, ok := v.([]byte)
	if !ok {
		return number(v, 0)
	}
	if len(block) > 1 && op.Opcode(block[0]) == op.DW_OP_plus_uconst {
		n, _ := leb128.DecodeUnsigned(bytes.NewReader(block[1:]))
		return int64(n)
	}
	return 0
}

// constant reads DW_AT_const_value of an enumerator.
func constant(f *dwarf.Field, order binary.ByteOrder) int64 {
	block, ok := f.Val.([]byte)
	if !ok {
		return number(f.Val, 0)
	}
	switch len(block) {
	case 8, 16:
		if order == binary.ByteOrder(binary.BigEndian) {
			return int64(order.Uint64(block[len(block)-8:]))
		}
		return int64(order.Uint64(block))
	case 4:
		return int64(int32(order.Uint32(block)))
	}
	return 0
}
