package object

import (
	"fmt"
	"math"
)

// BTF as the kernel's Documentation/bpf/btf.rst and include/uapi/linux/btf.h
// lay it out. cilium's builder writes the byte order of the machine it runs on
// only; an object has the target's.
const (
	btfMagic   = 0xeB9F
	btfVersion = 1
	btfHeader  = 24 // bytes

	kindInt     = 1
	kindPtr     = 2
	kindArray   = 3
	kindStruct  = 4
	kindFunc    = 12
	kindProto   = 13
	kindVar     = 14
	kindDatasec = 15

	intSigned    = 1 // BTF_INT_SIGNED
	globalVar    = 1 // BTF_VAR_GLOBAL_ALLOCATED
	globalFunc   = 1 // BTF_FUNC_GLOBAL
	pointerBytes = 8 // in an eBPF object, whatever the target
)

// stringTable is NUL-terminated strings one after another, each once, the empty
// one first: BTF's and ELF's.
type stringTable struct {
	bytes []byte
	at    map[string]uint32
}

func newStringTable() *stringTable {
	return &stringTable{bytes: []byte{0}, at: map[string]uint32{"": 0}}
}

// add returns the offset of s, which has no NUL.
func (t *stringTable) add(s string) uint32 {
	if at, ok := t.at[s]; ok {
		return at
	}
	at := uint32(len(t.bytes))
	t.at[s] = at
	t.bytes = append(append(t.bytes, s...), 0)
	return at
}

// btfTypes collects types; the first has the id 1, 0 is void.
type btfTypes struct {
	order   endian
	strings *stringTable
	bytes   []byte
	last    uint32
	// The types that others are made of.
	int, index, char, proto uint32
}

func newBTF(order endian) *btfTypes {
	b := &btfTypes{order: order, strings: newStringTable()}
	b.int = b.integer("int", 4, intSigned)
	b.index = b.integer("__ARRAY_SIZE_TYPE__", 4, 0)
	b.char = b.integer("char", 1, intSigned)
	// int program(void *ctx)
	b.proto = b.add("", kindProto, 1, b.int, b.strings.add("ctx"), b.pointer(0))
	return b
}

// add appends a struct btf_type and what follows it for its kind.
func (b *btfTypes) add(name string, kind, vlen, sizeOrType uint32, more ...uint32) uint32 {
	b.words(b.strings.add(name), kind<<24|vlen, sizeOrType)
	b.words(more...)
	b.last++
	return b.last
}

func (b *btfTypes) words(words ...uint32) {
	for _, w := range words {
		b.bytes = b.order.AppendUint32(b.bytes, w)
	}
}

func (b *btfTypes) integer(name string, size, encoding uint32) uint32 {
	return b.add(name, kindInt, 0, size, encoding<<24|size*8)
}

func (b *btfTypes) pointer(to uint32) uint32 { return b.add("", kindPtr, 0, to) }

func (b *btfTypes) array(of, count uint32) uint32 {
	return b.add("", kindArray, 0, 0, of, b.index, count)
}

func (b *btfTypes) function(name string) uint32 {
	return b.add(name, kindFunc, globalFunc, b.proto)
}

// variable of a section.
type btfVariable struct{ id, at, size uint32 }

// bytesVariable is one of so many chars, at the start of its section.
func (b *btfTypes) bytesVariable(name string, size int) btfVariable {
	id := b.add(name, kindVar, 0, b.array(b.char, uint32(size)), globalVar)
	return btfVariable{id: id, size: uint32(size)}
}

// mapVariable describes a map at an offset of .maps as libbpf reads it: a struct
// whose members' types hold the numbers, "int (*max_entries)[16]".
func (b *btfTypes) mapVariable(m *Map, at uint32) (btfVariable, error) {
	fields := []struct {
		name  string
		value uint64
	}{
		{"type", uint64(m.Type)},
		{"key_size", uint64(m.KeySize)},
		{"value_size", uint64(m.ValueSize)},
		{"max_entries", uint64(m.MaxEntries)},
		{"map_flags", uint64(m.Flags)},
	}
	var members []uint32
	count := uint32(0)
	for _, f := range fields {
		if f.value == 0 {
			continue
		}
		// The kernel bounds the size of an array of int to 32 bits, in bytes.
		if f.value > math.MaxUint32/4 {
			return btfVariable{}, fmt.Errorf("map %s: %s is %d, an object can have at most %d", m.Name, f.name, f.value, math.MaxUint32/4)
		}
		value := b.pointer(b.array(b.int, uint32(f.value)))
		members = append(members, b.strings.add(f.name), value, count*pointerBytes*8)
		count++
	}
	size := count * pointerBytes
	def := b.add("", kindStruct, count, size, members...)
	return btfVariable{id: b.add(m.Name, kindVar, 0, def, globalVar), at: at, size: size}, nil
}

// section describes an ELF section by its variables, in ascending order.
func (b *btfTypes) section(name string, variables ...btfVariable) {
	var more []uint32
	size := uint32(0)
	for _, v := range variables {
		more = append(more, v.id, v.at, v.size)
		size = v.at + v.size
	}
	b.add(name, kindDatasec, uint32(len(variables)), size, more...)
}

// content is the section .BTF.
func (b *btfTypes) content() []byte {
	out := b.order.AppendUint16(nil, btfMagic)
	out = append(out, btfVersion, 0)
	for _, w := range []int{btfHeader, 0, len(b.bytes), len(b.bytes), len(b.strings.bytes)} {
		out = b.order.AppendUint32(out, uint32(w))
	}
	out = append(out, b.bytes...)
	return append(out, b.strings.bytes...)
}
