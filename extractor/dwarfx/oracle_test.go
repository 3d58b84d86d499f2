package dwarfx

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

// layout is a struct or union whose members are held against what the
// compiler itself says of them: sizeof and offsetof, as numbers in a section
// of the same object, and of each bitfield an image of the struct with the
// field all ones. None of it comes from debug information.
type layout struct {
	name    string // "struct gadget"
	def     string // in C
	members []member
}

// member is a member by the path that C reaches it by: members of an unnamed
// struct have their own name, those of a named one a dotted path.
type member struct {
	path, typ string // typ of a bitfield: "u32:5"
}

func (m member) bitfield() bool { return strings.Contains(m.typ, ":") }

// countless types have no sizeof.
func (m member) countless() bool { return strings.Contains(m.typ, "[]") }

const oracleSection = ".oracle"

func imageSection(l, m int) string { return fmt.Sprintf(".image.%d.%d", l, m) }

// withOracle is a unit with the layouts and what the compiler says of them;
// the sections are those to read.
func withOracle(prelude string, layouts []layout) (source string, sections []string) {
	var c strings.Builder
	c.WriteString(prelude)
	for _, l := range layouts {
		c.WriteString(l.def + "\n")
	}
	fmt.Fprintf(&c, "const unsigned long long oracle[] __attribute__((section(%q))) = {\n", oracleSection)
	sections = append(sections, oracleSection)
	for _, l := range layouts {
		fmt.Fprintf(&c, "\tsizeof(%s),\n", l.name)
		for _, m := range l.members {
			switch {
			case m.bitfield():
			case m.countless():
				fmt.Fprintf(&c, "\t__builtin_offsetof(%s, %s), 0,\n", l.name, m.path)
			default:
				fmt.Fprintf(&c, "\t__builtin_offsetof(%s, %s), sizeof(((%s *)0)->%s),\n", l.name, m.path, l.name, m.path)
			}
		}
	}
	c.WriteString("};\n")
	for i, l := range layouts {
		for j, m := range l.members {
			if !m.bitfield() {
				continue
			}
			s := imageSection(i, j)
			fmt.Fprintf(&c, "const %s image_%d_%d __attribute__((section(%q))) = { .%s = -1 };\n", l.name, i, j, s, m.path)
			sections = append(sections, s)
		}
	}
	return c.String(), sections
}

// found is a member as the debug information has it, from the struct's start.
type found struct {
	member
	offset, size tpinfo.Bytes
	bit, bits    int // of a bitfield, from the struct's start
}

// flatten lists the members of def by path.
func flatten(def *tpinfo.Type, path string, base tpinfo.Bytes) []found {
	var out []found
	for i := range def.Members {
		m := &def.Members[i]
		at := base + m.Offset
		f := found{member: member{path + m.Name, m.Type}, offset: at, size: m.Size}
		if m.BitSize > 0 {
			f.typ += ":" + strconv.Itoa(m.BitSize)
			f.bit, f.bits = 8*int(at)+m.BitOffset, m.BitSize
		}
		inside := m.Anon != nil && (m.Type == tpinfo.AnonStruct || m.Type == tpinfo.AnonUnion)
		switch {
		case inside && m.Name == "":
			out = append(out, flatten(m.Anon, path, at)...)
			continue
		case inside:
			out = append(out, f)
			out = append(out, flatten(m.Anon, path+m.Name+".", at)...)
			continue
		}
		out = append(out, f)
	}
	return out
}

// check holds what was read of layouts against the oracle in obj.
func check(t *testing.T, obj *Object, layouts []layout) {
	t.Helper()
	order := binary.ByteOrder(binary.LittleEndian)
	if obj.ByteOrder == tpinfo.BigEndian {
		order = binary.BigEndian
	}
	oracle := obj.Sections[oracleSection]
	next := func() tpinfo.Bytes {
		if len(oracle) < 8 {
			t.Fatal("the oracle's section is too short")
		}
		n := order.Uint64(oracle)
		oracle = oracle[8:]
		return tpinfo.Bytes(n)
	}
	for i, l := range layouts {
		size := next()
		def := obj.Type(l.name)
		if def == nil {
			t.Fatalf("no %s", l.name)
		}
		if def.Size != size {
			t.Errorf("%s: size %v, sizeof is %v\n%s", l.name, def.Size, size, l.def)
		}
		got := flatten(def, "", 0)
		var want []found
		for j, m := range l.members {
			want = append(want, found{member: m})
			if m.bitfield() {
				image := obj.Sections[imageSection(i, j)]
				if len(image) != int(size) {
					t.Fatalf("%s.%s: an image of %d bytes", l.name, m.path, len(image))
				}
				want[j].bit, want[j].bits = ones(image, order == binary.BigEndian)
				// A bitfield that fills whole bytes of its type's size is
				// told as a plain member.
				if j < len(got) && got[j].bits == 0 && want[j].bits == 8*int(got[j].size) && want[j].bit%8 == 0 {
					want[j].offset, want[j].size = tpinfo.Bytes(want[j].bit/8), got[j].size
					want[j].bit, want[j].bits = 0, 0
					want[j].typ, _, _ = strings.Cut(m.typ, ":")
				}
				continue
			}
			want[j].offset, want[j].size = next(), next()
		}
		// Of a bitfield, only its bits are to be held against the image.
		for j := range got {
			if got[j].bits > 0 {
				got[j].offset, got[j].size = 0, 0
			}
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(found{}, member{})); diff != "" {
			t.Errorf("%s, -compiler's own +read:\n%s%s", l.name, diff, l.def)
		}
	}
	if len(oracle) > 0 {
		t.Errorf("%d bytes of the oracle are left", len(oracle))
	}
}

// ones finds the run of set bits in an image: its first bit, counted from the
// least significant of each byte or, on a big-endian machine, from the most
// significant, and its length; -1 for an image with another pattern.
func ones(image []byte, bigEndian bool) (first, count int) {
	var set []int
	for i := range 8 * len(image) {
		mask := byte(1) << (i % 8)
		if bigEndian {
			mask = 0x80 >> (i % 8)
		}
		if image[i/8]&mask != 0 {
			set = append(set, i)
		}
	}
	if len(set) == 0 || set[len(set)-1]-set[0] != len(set)-1 {
		return -1, -1
	}
	return set[0], len(set)
}

// The oracle itself: a wrong one would make wrong offsets look right.
func TestOnes(t *testing.T) {
	for _, c := range []struct {
		image        []byte
		big          bool
		first, count int
	}{
		{[]byte{0x01, 0, 0, 0}, false, 0, 1},
		{[]byte{0x01, 0, 0, 0}, true, 7, 1},
		{[]byte{0x80, 0, 0, 0}, true, 0, 1},
		{[]byte{0, 0xf8, 0x01, 0}, false, 11, 6},
		{[]byte{0, 0x01, 0xf8, 0}, true, 15, 6},
		{[]byte{0, 0, 0, 0}, false, -1, -1},
		{[]byte{0x05, 0, 0, 0}, false, -1, -1},
	} {
		if first, count := ones(c.image, c.big); first != c.first || count != c.count {
			t.Errorf("% x: %d bits from %d, want %d from %d", c.image, count, first, c.count, c.first)
		}
	}
}

// compare compiles layouts with their oracle and checks them.
func compare(t *testing.T, cc compiler, prelude string, layouts []layout) *Object {
	t.Helper()
	source, sections := withOracle(prelude, layouts)
	obj := cc.read(t, source, Options{Sections: sections})
	check(t, obj, slices.Clip(layouts))
	return obj
}
