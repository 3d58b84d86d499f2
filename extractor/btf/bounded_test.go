package btf

import (
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// rawType is a type as it stands in BTF: what follows its name and, in rest,
// the words behind the first three.
type rawType struct {
	name    string
	kind    uint32
	members uint32
	size    uint32 // or the id of a type
	rest    []uint32
}

// rawBTF writes types down without asking whether they make sense. Names that
// members have are "m"; the first type has id 1.
func rawBTF(order binary.AppendByteOrder, list []rawType) []byte {
	return splitBTF(order, 0, list)
}

// splitBTF goes on behind so many bytes of names of another blob.
func splitBTF(order binary.AppendByteOrder, start uint32, list []rawType) []byte {
	names := []byte("\x00m\x00")
	offset := map[string]uint32{"": 0, "m": start + 1}
	var types []byte
	for _, typ := range list {
		at, known := offset[typ.name]
		if !known {
			at = start + uint32(len(names))
			offset[typ.name] = at
			names = append(append(names, typ.name...), 0)
		}
		for _, word := range append([]uint32{at, typ.kind<<24 | typ.members, typ.size}, typ.rest...) {
			types = order.AppendUint32(types, word)
		}
	}
	out := order.AppendUint16(nil, rawMagic)
	out = append(out, 1, 0)
	for _, n := range []int{24, 0, len(types), len(types), len(names)} {
		out = order.AppendUint32(out, uint32(n))
	}
	return append(append(out, types...), names...)
}

func anInt() rawType { return rawType{name: "int", kind: kindInt, size: 4, rest: []uint32{1<<24 | 32}} }

// twice is a struct whose two members are of type id.
func twice(name string, id uint32) rawType {
	return rawType{name: name, kind: kindStruct, members: 2, size: 8, rest: []uint32{1, id, 0, 1, id, 32}}
}

// all is what Parse, Types and Tracepoints say, the first error.
func all(data []byte) error {
	spec, err := Parse(context.Background(), data)
	if err != nil {
		return err
	}
	if _, err := spec.Types(); err != nil {
		return err
	}
	_, err = spec.Tracepoints()
	return err
}

// What refers to itself without a name between never ends; a name ends it.
func TestCycles(t *testing.T) {
	record := rawType{name: "holder", kind: kindStruct, members: 1, size: 8, rest: []uint32{1, 1, 0}}
	for _, c := range []struct {
		name  string
		types []rawType
		ends  bool
	}{
		{"a pointer to itself", []rawType{{kind: kindPointer, size: 1}, record}, false},
		{"a const of itself", []rawType{{kind: kindConst, size: 1}, record}, false},
		{"pointer and const", []rawType{{kind: kindPointer, size: 2}, {kind: kindConst, size: 1}, record}, false},
		{"an array of itself", []rawType{{kind: kindArray, rest: []uint32{1, 1, 2}}, record}, false},
		{"a function that returns itself", []rawType{{kind: kindFuncProto, size: 1}, record}, false},
		{"a function that takes itself", []rawType{{kind: kindFuncProto, members: 1, rest: []uint32{1, 1}}, record}, false},
		{"an unnamed struct in itself", []rawType{twice("", 1), record}, false},
		// A typedef is spelled by its name; what it comes to has no size.
		{"a typedef of itself", []rawType{{name: "t", kind: kindTypedef, size: 1}, record}, false},
		{"two typedefs of each other", []rawType{{name: "t", kind: kindTypedef, size: 2}, {name: "u", kind: kindTypedef, size: 1}, record}, false},
		{"a named struct in itself", []rawType{twice("s", 1), record}, true},
		{"a list", []rawType{{kind: kindPointer, size: 2}, record}, true},
	} {
		err := all(rawBTF(binary.LittleEndian, c.types))
		switch {
		case c.ends && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case !c.ends && (!errors.Is(err, ErrDamaged) || !errors.Is(err, errDeep)):
			t.Errorf("%s: %v, want %v: %v", c.name, err, ErrDamaged, errDeep)
		}
	}
}

// A few types can describe more than there is memory.
func TestTypesThatGrow(t *testing.T) {
	structs := func(levels uint32) []rawType {
		list := []rawType{anInt(), twice("", 1)}
		for n := uint32(0); n < levels; n++ {
			list = append(list, twice("", 2+n))
		}
		return append(list, twice("tower", 2+levels))
	}
	functions := func(levels uint32) []rawType {
		list := []rawType{anInt()}
		for n := uint32(1); n <= levels; n++ {
			list = append(list, rawType{kind: kindFuncProto, members: 2, rest: []uint32{1, n, 1, n}})
		}
		return append(list, rawType{name: "tower", kind: kindTypedef, size: levels + 1})
	}
	for name, make := range map[string]func(uint32) []rawType{"structs": structs, "functions": functions} {
		if err := all(rawBTF(binary.LittleEndian, make(6))); err != nil {
			t.Errorf("%s, 6 levels: %v", name, err)
		}
		if err := all(rawBTF(binary.LittleEndian, make(50))); !errors.Is(err, errLong) || !errors.Is(err, ErrDamaged) {
			t.Errorf("%s, 50 levels: %v, want %v: %v", name, err, ErrDamaged, errLong)
		}
	}
	// A long name used often comes to as much.
	long := []rawType{{name: strings.Repeat("x", 1<<20), kind: kindStruct, size: 4}}
	for range 1000 {
		long = append(long, twice("s", 1))
	}
	if err := all(rawBTF(binary.LittleEndian, long)); !errors.Is(err, errLong) {
		t.Errorf("a name of 1 MiB, 2000 times: %v, want %v", err, errLong)
	}
}

// The decoder goes down a level for each type of a chain; the Go runtime ends
// the process when a stack is full.
func TestChains(t *testing.T) {
	chain := func(n int, step int) []byte {
		list := make([]rawType, n)
		for i := range list {
			to := i + 1 + step
			list[i] = rawType{kind: kindPointer, size: uint32(to)}
			if to < 1 || to > n {
				list[i] = anInt()
			}
		}
		return rawBTF(binary.LittleEndian, list)
	}
	if err := all(chain(1<<20, 1)); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "in a row") {
		t.Errorf("2^20 pointers to the next: %v, want %v", err, ErrDamaged)
	}
	// In the other direction each is known before it is referred to.
	if err := all(chain(1<<16, -1)); err != nil {
		t.Errorf("2^16 pointers to the one before: %v", err)
	}
	if err := all(chain(maxChain-1, 1)); err != nil {
		t.Errorf("a chain just within the limit: %v", err)
	}
	// Every kind that refers to others is followed.
	const id = maxChain + 2
	for name, link := range map[string]func(next uint32) rawType{
		"struct":    func(next uint32) rawType { return twice("s", next) },
		"union":     func(next uint32) rawType { u := twice("s", next); u.kind = kindUnion; return u },
		"array":     func(next uint32) rawType { return rawType{kind: kindArray, rest: []uint32{next, id, 1}} },
		"index":     func(next uint32) rawType { return rawType{kind: kindArray, rest: []uint32{id, next, 1}} },
		"parameter": func(next uint32) rawType { return rawType{kind: kindFuncProto, members: 1, rest: []uint32{1, next}} },
		"returned": func(next uint32) rawType {
			return rawType{kind: kindFuncProto, members: 1, size: next, rest: []uint32{1, id}}
		},
		"typedef":  func(next uint32) rawType { return rawType{name: "t", kind: kindTypedef, size: next} },
		"variable": func(next uint32) rawType { return rawType{name: "v", kind: kindVar, size: next, rest: []uint32{0}} },
		"tag":      func(next uint32) rawType { return rawType{name: "tag", kind: kindTypeTag, size: next} },
	} {
		var list []rawType
		for n := range uint32(maxChain + 1) {
			list = append(list, link(n+2))
		}
		list = append(list, anInt())
		if err := all(rawBTF(binary.LittleEndian, list)); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "in a row") {
			t.Errorf("%s: %v, want %v", name, err, ErrDamaged)
		}
	}
}

// Numbers that promise more than there is.
func TestPromises(t *testing.T) {
	good := rawBTF(binary.LittleEndian, []rawType{anInt(), twice("s", 1)})
	patched := func(at int, value uint32) []byte {
		out := append([]byte{}, good...)
		binary.LittleEndian.PutUint32(out[at:], value)
		return out
	}
	list := func(types ...rawType) []byte {
		return rawBTF(binary.LittleEndian, append([]rawType{anInt()}, types...))
	}
	if err := all(good); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"a header beyond the end":        patched(4, 1<<31),
		"types beyond the end":           patched(12, 1<<31),
		"types that wrap around":         patched(8, 0xffffffff),
		"strings beyond the end":         patched(20, 1<<31),
		"strings that wrap around":       patched(16, 0xffffffff),
		"65535 members and none":         list(rawType{name: "s", kind: kindStruct, members: 0xffff, size: 8}),
		"65535 parameters and none":      list(rawType{kind: kindFuncProto, members: 0xffff}),
		"65535 constants and none":       list(rawType{name: "e", kind: kindEnum, members: 0xffff, size: 4}),
		"a member of a type that is not": list(twice("s", 99), twice("later", 1)),
		"a typedef of the last id":       list(rawType{name: "t", kind: kindTypedef, size: 0xffffffff}),
		"a kind that is not":             list(rawType{name: "k", kind: 31}),
		"arrays that overflow": list(rawType{kind: kindArray, rest: []uint32{1, 1, 0xffffffff}},
			rawType{kind: kindArray, rest: []uint32{2, 1, 0xffffffff}}, rawType{name: "t", kind: kindTypedef, size: 3}),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := all(data)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want %v", name, err, ErrDamaged)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
			t.Errorf("%s: %d bytes allocated for %d", name, n, len(data))
		}
	}
}
