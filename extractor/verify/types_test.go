package verify

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

type types = []tpinfo.Type

func gadget() tpinfo.Type {
	return tpinfo.Type{
		Kind: tpinfo.KindStruct, Name: "struct gadget", Size: 24,
		Members: []tpinfo.Member{
			{Name: "id", Type: "int", Offset: 0, Size: 4},
			{Name: "flag", Type: "u32", Offset: 4, Size: 4, BitOffset: 3, BitSize: 5},
			{Name: "grid", Type: "int[2][2]", Offset: 8, Size: 16},
			{Type: tpinfo.AnonUnion, Offset: 8, Size: 4, Anon: &tpinfo.Type{
				Kind: tpinfo.KindUnion, Size: 4,
				Members: []tpinfo.Member{{Name: "u", Type: "int", Offset: 0, Size: 4}},
			}},
		},
	}
}

func mode() tpinfo.Type {
	return tpinfo.Type{
		Kind: tpinfo.KindEnum, Name: "enum mode", Size: 4, Encoding: tpinfo.EncSigned,
		Enumerators: []tpinfo.Enumerator{{Name: "OFF", Value: -1}, {Name: "ON", Value: 1}},
	}
}

func alias() tpinfo.Type {
	return tpinfo.Type{Kind: tpinfo.KindTypedef, Name: "grid_t", Size: 24, Of: "char *[3][1]"}
}

func TestTypesDiffer(t *testing.T) {
	both := Limits{CharSign: true, EnumSign: true}
	for _, c := range []struct {
		name   string
		make   func() tpinfo.Type
		change func(*tpinfo.Type)
		limits Limits
		want   []Disagreement
	}{
		{"nothing", gadget, func(*tpinfo.Type) {}, Limits{}, nil},
		{"kind", gadget, func(t *tpinfo.Type) { t.Kind = tpinfo.KindUnion }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget: kind", "struct", "union", ""}}},
		{"size", gadget, func(t *tpinfo.Type) { t.Size = 32 }, both,
			[]Disagreement{{"struct gadget", "struct gadget: size", "24", "32", ""}}},
		{"unknown size", gadget, func(t *tpinfo.Type) { t.Size = tpinfo.Unknown }, Limits{}, nil},
		{"number of members", gadget, func(t *tpinfo.Type) { t.Members = t.Members[1:] }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget: number of members", "4", "3", ""}}},
		{"no members of a struct", gadget, func(t *tpinfo.Type) { t.Members = nil }, both,
			[]Disagreement{{"struct gadget", "struct gadget: number of members", "4", "0", ""}}},
		{"member's name", gadget, func(t *tpinfo.Type) { t.Members[0].Name, t.Members[0].Size = "nr", 8 }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget: name of member 1", "id", "nr", ""}}},
		{"every member's name", gadget, func(t *tpinfo.Type) {
			t.Size, t.Members = 16, []tpinfo.Member{{Name: "head", Type: "int", Size: 4}, {Name: "lock", Type: "int", Offset: 4, Size: 4}}
		}, Limits{}, []Disagreement{{"struct gadget", "struct gadget: members", "4", "2", namesake}}},
		{"every constant", mode, func(t *tpinfo.Type) {
			t.Enumerators = []tpinfo.Enumerator{{Name: "UP", Value: 1}}
		}, Limits{}, []Disagreement{{"enum mode", "enum mode: members", "2", "1", namesake}}},
		{"place", gadget, func(t *tpinfo.Type) { t.Members[0].Offset = 4 }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget.id: place", "byte 0", "byte 4", ""}}},
		{"place of a bitfield", gadget, func(t *tpinfo.Type) { t.Members[1].BitOffset = 2 }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget.flag: place", "bits 35 to 39", "bits 34 to 38", ""}}},
		{"width of a bitfield", gadget, func(t *tpinfo.Type) { t.Members[1].BitSize = 4 }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget.flag: place", "bits 35 to 39", "bits 35 to 38", ""}}},
		{"no bitfield there", gadget, func(t *tpinfo.Type) { t.Members[1].BitOffset, t.Members[1].BitSize = 0, 0 }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget.flag: place", "bits 35 to 39", "byte 4", ""}}},
		{"member's size", gadget, func(t *tpinfo.Type) { t.Members[0].Size = 8 }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget.id: size", "4", "8", ""}}},
		{"member's unknown size", gadget, func(t *tpinfo.Type) { t.Members[0].Size = tpinfo.Unknown }, Limits{}, nil},
		{"member's type", gadget, func(t *tpinfo.Type) { t.Members[0].Type = "pid_t" }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget.id: type", "int", "pid_t", ""}}},
		{"an array flattened", gadget, func(t *tpinfo.Type) { t.Members[2].Type = "int[4]" }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget.grid: type", "int[2][2]", "int[4]", flattened}}},
		{"another array", gadget, func(t *tpinfo.Type) { t.Members[2].Type = "int[5]" }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget.grid: type", "int[2][2]", "int[5]", ""}}},
		{"inside an unnamed union", gadget, func(t *tpinfo.Type) { t.Members[3].Anon.Members[0].Type = "u32" }, Limits{},
			[]Disagreement{{"struct gadget", "struct gadget..u: type", "int", "u32", ""}}},
		{"an unnamed union that is not told", gadget, func(t *tpinfo.Type) { t.Members[3].Anon = nil }, Limits{}, nil},

		{"number of constants", mode, func(t *tpinfo.Type) { t.Enumerators = t.Enumerators[:1] }, both,
			[]Disagreement{{"enum mode", "enum mode: number of constants", "2", "1", ""}}},
		{"constant", mode, func(t *tpinfo.Type) { t.Enumerators[1].Value = 2 }, both,
			[]Disagreement{{"enum mode", "enum mode: constant ON", "1", "2", ""}}},
		{"constant's name", mode, func(t *tpinfo.Type) { t.Enumerators[0].Name = "NO" }, both,
			[]Disagreement{{"enum mode", "enum mode: constant OFF", "-1", "-1", ""}}},
		{"enum sign", mode, func(t *tpinfo.Type) { t.Encoding, t.Enumerators[0].Value = tpinfo.EncUnsigned, 0xffffffff }, both,
			[]Disagreement{
				{"enum mode", "enum mode: encoding", "signed", "unsigned", noEnumSign},
				{"enum mode", "enum mode: constant OFF", "-1", "4294967295", noEnumSign},
			}},
		{"enum sign, told", mode, func(t *tpinfo.Type) { t.Encoding = tpinfo.EncUnsigned }, Limits{CharSign: true},
			[]Disagreement{{"enum mode", "enum mode: encoding", "signed", "unsigned", ""}}},

		{"typedef", alias, func(t *tpinfo.Type) { t.Of = "char *[4][1]" }, Limits{},
			[]Disagreement{{"grid_t", "grid_t: typedef of", "char *[3][1]", "char *[4][1]", ""}}},
		{"typedef flattened", alias, func(t *tpinfo.Type) { t.Of = "char *[3]" }, Limits{},
			[]Disagreement{{"grid_t", "grid_t: typedef of", "char *[3][1]", "char *[3]", flattened}}},

		{"char sign", func() tpinfo.Type { return base("char", tpinfo.EncSigned) },
			func(t *tpinfo.Type) { t.Encoding = tpinfo.EncUnsigned }, both,
			[]Disagreement{{"char", "char: encoding", "signed", "unsigned", noCharSign}}},
		{"int sign", func() tpinfo.Type { return base("int", tpinfo.EncSigned) },
			func(t *tpinfo.Type) { t.Encoding = tpinfo.EncUnsigned }, both,
			[]Disagreement{{"int", "int: encoding", "signed", "unsigned", ""}}},
		{"transparent union", func() tpinfo.Type {
			return tpinfo.Type{Kind: tpinfo.KindUnion, Name: "sockptr_t", Size: 8, Members: gadget().Members[:1]}
		}, func(t *tpinfo.Type) { t.Members = nil }, Limits{},
			[]Disagreement{{"sockptr_t", "sockptr_t: members", "1", "0",
				"gcc writes no members for a transparent union, and BTF is made from what it writes"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			oracle := c.make()
			c.change(&oracle)
			want := &Report{Compared: 1, Agreed: 1, Disagreements: c.want}
			for _, d := range c.want {
				if d.Explained == "" {
					want.Agreed = 0
				}
			}
			if diff := cmp.Diff(want, Types(types{c.make()}, types{oracle}, c.limits)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func base(name string, enc tpinfo.Encoding) tpinfo.Type {
	return tpinfo.Type{Kind: tpinfo.KindBase, Name: name, Size: 4, Encoding: enc}
}

// Sources of the kernel define private types of one name, and BTF keeps each.
func TestTypesOneOfSeveral(t *testing.T) {
	other, far := gadget(), gadget()
	other.Size = 16
	far.Size, far.Members = 8, nil
	for name, oracle := range map[string]types{
		"first": {gadget(), far, other}, "middle": {far, gadget(), other}, "last": {far, other, gadget()},
	} {
		if diff := cmp.Diff(&Report{Compared: 1, Agreed: 1}, Types(types{gadget()}, oracle, Limits{})); diff != "" {
			t.Errorf("the %s agrees, -want +got:\n%s", name, diff)
		}
	}
	// None agrees: the nearest is what a reader wants to see.
	r := Types(types{gadget()}, types{far, other}, Limits{})
	want := &Report{Compared: 1, Disagreements: []Disagreement{{"struct gadget", "struct gadget: size", "24", "16", ""}}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// A real difference weighs more than any number of explained ones.
	wide := mode()
	wide.Size = 8
	old := mode()
	old.Encoding, old.Enumerators[0].Value = tpinfo.EncUnsigned, 0xffffffff
	r = Types(types{mode()}, types{wide, old}, Limits{EnumSign: true})
	if r.Agreed != 1 || r.Unexplained() != 0 {
		t.Errorf("agreed %d, %v; one of the two agrees but for what is explained", r.Agreed, r.Disagreements)
	}
}

// A real difference is not hidden by a namesake.
func TestTypesNamesake(t *testing.T) {
	near, stranger := gadget(), gadget()
	near.Size = 32
	stranger.Members = []tpinfo.Member{{Name: "head", Type: "int", Size: 4}}
	got := Types(types{gadget()}, types{stranger, near}, Limits{})
	want := &Report{Compared: 1, Disagreements: []Disagreement{{"struct gadget", "struct gadget: size", "24", "32", ""}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTypesMatched(t *testing.T) {
	r := Types(types{base("z", ""), base("b", ""), base("a", "")}, types{base("b", ""), base("y", ""), base("c", ""), base("c", "")}, Limits{})
	want := &Report{Compared: 1, Agreed: 1, OnlyHave: []string{"a", "z"}, OnlyOracle: []string{"c", "y"}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFlat(t *testing.T) {
	for spelling, want := range map[string]string{
		"int":                "int",
		"int[4]":             "int[4]",
		"int[2][3]":          "int[6]",
		"int[2][3][4]":       "int[24]",
		"char *[2][3]":       "char *[6]",
		"int[][3]":           "int[]",
		"int[2][]":           "int[]",
		"int (*)[2][3]":      "int (*)[6]",
		"int (*[2])[3]":      "int (*[2])[3]",
		"int (*[2][2])(int)": "int (*[4])(int)",
		"not a [type":        "not a [type",
	} {
		if got := flat(spelling); got != want {
			t.Errorf("flat(%q) = %q, want %q", spelling, got, want)
		}
	}
}
