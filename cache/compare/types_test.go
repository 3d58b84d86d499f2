package compare

import (
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
)

func TestType(t *testing.T) {
	member := func(name, typ string, offset, size int) tpinfo.Member {
		return tpinfo.Member{Name: name, Type: typ, Offset: tpinfo.Bytes(offset), Size: tpinfo.Bytes(size)}
	}
	bits := func(name string, offset, bit, width int) tpinfo.Member {
		return tpinfo.Member{Name: name, Type: "unsigned int", Offset: tpinfo.Bytes(offset), Size: 4, BitOffset: bit, BitSize: width}
	}
	unnamed := func(name string, offset int, kind tpinfo.Kind, members ...tpinfo.Member) tpinfo.Member {
		m := member(name, tpinfo.AnonUnion, offset, 16)
		m.Anon = &tpinfo.Type{Kind: kind, Size: 16, Members: members}
		return m
	}
	structure := func(size int, members ...tpinfo.Member) tpinfo.Type {
		return tpinfo.Type{Kind: tpinfo.KindStruct, Name: "struct s", Size: tpinfo.Bytes(size), Members: members}
	}
	enum := func(values ...tpinfo.Enumerator) tpinfo.Type {
		return tpinfo.Type{Kind: tpinfo.KindEnum, Name: "enum e", Size: 4, Encoding: tpinfo.EncUnsigned, Enumerators: values}
	}
	base := func(enc tpinfo.Encoding, size int) tpinfo.Type {
		return tpinfo.Type{Kind: tpinfo.KindBase, Name: "char", Size: tpinfo.Bytes(size), Encoding: enc}
	}
	typedef := func(of string, anon *tpinfo.Type) tpinfo.Type {
		return tpinfo.Type{Kind: tpinfo.KindTypedef, Name: "t", Size: 8, Of: of, Anon: anon}
	}
	for name, test := range map[string]struct {
		a, b   tpinfo.Type
		limits Limits
		want   []string
	}{
		"nothing": {a: structure(8, member("a", "int", 0, 4)), b: structure(8, member("a", "int", 0, 4))},
		"members": {
			a: structure(24, member("state", "volatile long", 0, 8), member("stack", "void *", 8, 8), member("usage", "int", 16, 4)),
			b: structure(32, member("stack", "void *", 0, 8), member("usage", "refcount_t", 8, 4), member("__state", "unsigned int", 16, 4)),
			want: []string{
				"size grew from 24 to 32 bytes", "member state removed (volatile long, 8 bytes at 0)", "member stack moved from 8 to 0",
				"member usage moved from 16 to 8, retyped from int to refcount_t", "member __state added (unsigned int, 4 bytes at 16)",
			},
		},
		"in an unnamed union": {
			a:    structure(24, unnamed("", 8, tpinfo.KindUnion, member("a", "int", 4, 4))),
			b:    structure(24, unnamed("", 16, tpinfo.KindUnion, member("a", "int", 4, 4))),
			want: []string{"member a moved from 12 to 20"},
		},
		"in a member without a tag": {
			a:    structure(24, unnamed("u", 8, tpinfo.KindUnion, member("a", "int", 4, 4))),
			b:    structure(24, unnamed("u", 8, tpinfo.KindUnion, member("a", "long", 0, 8))),
			want: []string{"member u.a moved from 12 to 8, retyped from int to long, resized from 4 bytes to 8 bytes"},
		},
		"bitfields": {
			a:    structure(8, bits("a", 0, 0, 1), bits("b", 0, 1, 2), bits("c", 0, 3, 1)),
			b:    structure(8, bits("a", 0, 0, 3), bits("b", 0, 3, 2)),
			want: []string{"member a resized from 1 bit to 3 bits", "member b moved from 0 bit 1 to 0 bit 3", "member c removed (unsigned int:1 at 0 bit 3)"},
		},
		"renamed in its place": {
			a: structure(8, member("private", "long", 0, 8)), b: structure(8, member("private_data", "long", 0, 8)),
			want: []string{"member private perhaps renamed private_data"},
		},
		"a kind": {
			a: structure(8, member("a", "int", 0, 4)), b: tpinfo.Type{Kind: tpinfo.KindUnion, Name: "struct s", Size: 8, Members: []tpinfo.Member{member("a", "int", 0, 4)}},
			want: []string{"changed from struct to union"},
		},
		"constants": {
			a:    enum(tpinfo.Enumerator{Name: "A"}, tpinfo.Enumerator{Name: "B", Value: 1}, tpinfo.Enumerator{Name: "C", Value: 2}),
			b:    enum(tpinfo.Enumerator{Name: "A"}, tpinfo.Enumerator{Name: "C", Value: 1}, tpinfo.Enumerator{Name: "D", Value: 2}),
			want: []string{"constant B removed (1)", "constant C changed from 2 to 1", "constant D added (2)"},
		},
		"a constant as BTF has it": {
			a: enum(tpinfo.Enumerator{Name: "A", Value: -1}), b: enum(tpinfo.Enumerator{Name: "A", Value: 1<<32 - 1}), limits: Limits{Signs: true},
		},
		"a base type":   {a: base(tpinfo.EncSigned, 1), b: base(tpinfo.EncUnsigned, 1), want: []string{"changed from signed to unsigned"}},
		"a char of BTF": {a: base(tpinfo.EncSigned, 1), b: base(tpinfo.EncUnsigned, 1), limits: Limits{Signs: true}},
		"a typedef":     {a: typedef("long", nil), b: typedef("struct s *", nil), want: []string{"changed from long to struct s *"}},
		"a typedef's struct": {
			a:    typedef(tpinfo.AnonStruct, &tpinfo.Type{Kind: tpinfo.KindStruct, Size: 8, Members: []tpinfo.Member{member("counter", "int", 0, 4)}}),
			b:    typedef(tpinfo.AnonStruct, &tpinfo.Type{Kind: tpinfo.KindStruct, Size: 8, Members: []tpinfo.Member{member("counter", "long", 0, 8)}}),
			want: []string{"member counter retyped from int to long, resized from 4 bytes to 8 bytes"},
		},
		"a place not known": {
			a: structure(8, member("a", "int", -1, 4)), b: structure(8, member("a", "int", 0, 4)),
			want: []string{"member a: size, place or type known on one side only"},
		},
		"a size not known": {a: structure(-1), b: structure(8), want: []string{"type: size, place or type known on one side only"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Lines(Type(&test.a, &test.b, test.limits)); !slices.Equal(got, test.want) {
				t.Errorf("it says\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(test.want, "\n  "))
			}
		})
	}
}

// Types that only one side has came or went, unless its sources may leave them
// out.
func TestTypes(t *testing.T) {
	list := func(names ...string) []tpinfo.Type {
		var out []tpinfo.Type
		for _, n := range names {
			out = append(out, tpinfo.Type{Kind: tpinfo.KindStruct, Name: n, Size: 4})
		}
		return out
	}
	headers := &tpinfo.Kernel{Release: "1.0", Source: tpinfo.FromDWARF}
	image := &tpinfo.Kernel{Release: "2.0", Source: tpinfo.FromBTF}
	say := func(found []Change) (out []string) {
		for i := range found {
			out = append(out, found[i].Type+" "+found[i].String())
		}
		return out
	}
	got := say(Types(headers, headers, list("struct a", "struct b"), list("struct b", "struct c")))
	if want := []string{"struct a removed (4 bytes)", "struct c added (4 bytes)"}; !slices.Equal(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
	got = say(Types(headers, image, list("struct a", "struct b"), list("struct b", "struct c")))
	want := []string{
		"struct a not known on one side: 2.0 is known from btf, which may leave it out",
		"struct c not known on one side: 1.0 is known from dwarf, which may leave it out",
	}
	if !slices.Equal(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
}
