package btf

import (
	"encoding/binary"
	"fmt"

	cbtf "github.com/cilium/ebpf/btf"
)

// maxChain bounds how many types in a row refer to one another before the
// last is known. The decoder calls itself for each, and a full stack ends the
// process; from 5.10 to 7.3, kernels have 165 to 223.
const maxChain = 1 << 14

// graph is which type refers to which in one blob, without decoding it. Its
// layout was checked by the decoder (Documentation/bpf/btf.rst).
type graph struct {
	types []byte // the section of types
	order binary.ByteOrder
	first uint32   // the id of the first type, behind those of the base
	at    []uint32 // where in types each begins
}

// Kinds of BTF, as far as they take part.
const (
	kindInt       = 1
	kindPointer   = 2
	kindArray     = 3
	kindStruct    = 4
	kindUnion     = 5
	kindEnum      = 6
	kindTypedef   = 8
	kindVolatile  = 9
	kindConst     = 10
	kindRestrict  = 11
	kindFunc      = 12
	kindFuncProto = 13
	kindVar       = 14
	kindDatasec   = 15
	kindDeclTag   = 17
	kindTypeTag   = 18
	kindEnum64    = 19
)

// behind is what follows the twelve bytes of a type of each kind: so many
// bytes once, and so many for each of its members.
var behind = map[uint32][2]int{
	kindInt: {4, 0}, kindArray: {12, 0}, kindStruct: {0, 12}, kindUnion: {0, 12}, kindEnum: {0, 8},
	kindFuncProto: {0, 8}, kindVar: {4, 0}, kindDatasec: {0, 12}, kindDeclTag: {4, 0}, kindEnum64: {0, 12},
}

// newGraph finds the types in raw; base is the number of ids before the first.
func newGraph(raw []byte, base uint32) *graph {
	g := &graph{order: binary.LittleEndian, first: base}
	if g.order.Uint16(raw) != rawMagic {
		g.order = binary.BigEndian
	}
	field := func(n int) uint64 { return uint64(g.order.Uint32(raw[4+4*n:])) }
	start := field(0) + field(1)
	g.types = raw[start : start+field(2)]
	for at := 0; at < len(g.types); {
		g.at = append(g.at, uint32(at))
		kind, members := g.kind(at)
		size := behind[kind]
		at += 12 + size[0] + members*size[1]
	}
	return g
}

func (g *graph) word(at int) uint32 { return g.order.Uint32(g.types[at:]) }

// kind of the type at a place, and the number of its members.
func (g *graph) kind(at int) (kind uint32, members int) {
	info := g.word(at + 4)
	return info >> 24 & 0x1f, int(info & 0xffff)
}

// next is the n-th id that the type at a place refers to, in the order in
// which the decoder follows them; false behind the last.
func (g *graph) next(at, n int) (id uint32, ok bool) {
	kind, members := g.kind(at)
	switch kind {
	case kindPointer, kindTypedef, kindVolatile, kindConst, kindRestrict, kindFunc, kindVar, kindDeclTag, kindTypeTag:
		if n == 0 {
			return g.word(at + 8), true
		}
	case kindArray: // the index's type, then the element's
		if n < 2 {
			return g.word(at + 16 - 4*n), true
		}
	case kindStruct, kindUnion:
		if n < members {
			return g.word(at + 12 + 12*n + 4), true
		}
	case kindFuncProto: // the parameters, then what it returns
		if n < members {
			return g.word(at + 12 + 8*n + 4), true
		}
		if n == members {
			return g.word(at + 8), true
		}
	case kindDatasec:
		if n < members {
			return g.word(at + 12 + 12*n), true
		}
	}
	return 0, false
}

// longest is the longest chain when every type is decoded in the order of
// their ids, up to limit.
func (g *graph) longest(limit int) int {
	type step struct {
		at   int // of the type
		next int // the reference to follow
	}
	known := make([]bool, len(g.at))
	longest := 0
	var open []step
	for i := range g.at {
		if known[i] {
			continue
		}
		known[i] = true
		open = append(open[:0], step{at: int(g.at[i])})
		for len(open) > 0 {
			if longest = max(longest, len(open)); longest > limit {
				return longest
			}
			top := &open[len(open)-1]
			id, ok := g.next(top.at, top.next)
			top.next++
			switch {
			case !ok:
				open = open[:len(open)-1]
			case id >= g.first && id-g.first < uint32(len(g.at)) && !known[id-g.first]:
				known[id-g.first] = true
				open = append(open, step{at: int(g.at[id-g.first])})
			}
		}
	}
	return longest
}

// decode decodes all types of a blob in the order of their ids, so that later
// look-ups neither fail nor go deep, and returns the id behind the last.
func decode(spec *cbtf.Spec, raw []byte, base cbtf.TypeID) (cbtf.TypeID, error) {
	g := newGraph(raw, uint32(base))
	if g.longest(maxChain) > maxChain {
		return 0, fmt.Errorf("%w: more than %d types in a row refer to one another", ErrDamaged, maxChain)
	}
	end := base + cbtf.TypeID(len(g.at))
	for id := base; id < end; id++ {
		if _, err := spec.TypeByID(id); err != nil {
			return 0, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	return end, nil
}
