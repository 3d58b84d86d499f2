package dwarfx

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

const spellings = `
typedef unsigned int u32;
typedef const char *name_t;
typedef struct { int low, high; } pair_t;
typedef union { int i; float f; } either_t[2];
typedef int (*handler_t)(struct thing *, void *);
enum sign { MINUS = -1, PLUS = 1 };
enum wide { WIDE = 1ULL << 40 };
enum small { SMALL } __attribute__((packed));
enum { LONELY = 7, SECOND };
struct thing;
struct list { struct list *next; };
struct first_array { int a[2]; unsigned b:3; };
struct odd {
	int grid[2][3][4];
	int none[0];
	const volatile u32 *const where;
	char *const *names[3];
	int (*calls[2])(int, ...);
	int (*(*chooser)(void))(u32);
	_Bool yes;
	signed char tiny;
	enum { HERE, THERE } place;
	struct { int x; } named;
	struct { int y; } array[2];
	struct list;
	char rest[];
};
void probe_all(_Bool yes, const char *text, struct thing *thing, enum sign sign, int (*call)(struct thing *, u32), u32 number, pair_t *pair, unsigned long long big, char letter, int array[4], void *any) { }
void probe_none(void) { }
void other(int x) { }
int keep = LONELY; struct odd *o; struct first_array *f; name_t n; either_t *e; handler_t h; enum wide w; enum small s;
`

// The spelling of types is the kernel's, whatever the compiler's DWARF says.
func TestDefinitions(t *testing.T) {
	for _, c := range compilers[1:] {
		t.Run(c.name, func(t *testing.T) {
			tier.NeedTool(t, c.args[0], c.args[0])
			c.args = append(slices.Clone(c.args), "-fms-extensions")
			obj := c.read(t, spellings, Options{FunctionPrefix: "probe_"})
			odd := obj.Type("struct odd")
			if odd == nil {
				t.Fatal("no struct odd")
			}
			got := map[string]string{}
			for _, m := range odd.Members {
				got[m.Name] = m.Type
			}
			// gcc does not tell int[0] from int[], and so nor do we.
			want := map[string]string{
				"grid": "int[2][3][4]", "none": "int[]", "where": "const volatile u32 *const", "names": "char *const *[3]",
				"calls": "int (*[2])(int, ...)", "chooser": "int (*(*)(void))(u32)", "yes": "_Bool", "tiny": "signed char",
				"place": "enum {HERE}", "named": "struct {...}", "array": "struct {...}[2]", "": "struct list", "rest": "char[]",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("members of struct odd (-want +got):\n%s", diff)
			}
			if first := obj.Type("struct first_array"); first.Members[0].Type != "int[2]" || first.Members[0].Size != 8 || first.Members[1].Offset != 8 || first.Members[1].BitSize != 3 {
				t.Errorf("an array before a bitfield: %+v", first.Members)
			}
			for _, want := range []tpinfo.Type{
				{Kind: tpinfo.KindTypedef, Name: "name_t", Size: 8, Of: "const char *"},
				{Kind: tpinfo.KindTypedef, Name: "handler_t", Size: 8, Of: "int (*)(struct thing *, void *)"},
				{Kind: tpinfo.KindEnum, Name: "enum sign", Size: 4, Encoding: tpinfo.EncSigned, Enumerators: []tpinfo.Enumerator{{Name: "MINUS", Value: -1}, {Name: "PLUS", Value: 1}}},
				{Kind: tpinfo.KindEnum, Name: "enum wide", Size: 8, Encoding: tpinfo.EncUnsigned, Enumerators: []tpinfo.Enumerator{{Name: "WIDE", Value: 1 << 40}}},
				{Kind: tpinfo.KindEnum, Name: "enum small", Size: 1, Encoding: tpinfo.EncUnsigned, Enumerators: []tpinfo.Enumerator{{Name: "SMALL"}}},
				{Kind: tpinfo.KindEnum, Name: "enum {LONELY}", Size: 4, Encoding: tpinfo.EncUnsigned, Enumerators: []tpinfo.Enumerator{{Name: "LONELY", Value: 7}, {Name: "SECOND", Value: 8}}},
				{Kind: tpinfo.KindStruct, Name: "struct list", Size: 8, Members: []tpinfo.Member{{Name: "next", Type: "struct list *", Size: 8}}},
			} {
				def := obj.Type(want.Name)
				if def == nil {
					t.Errorf("no %s", want.Name)
				} else if diff := cmp.Diff(want, *def); diff != "" {
					t.Errorf("%s (-want +got):\n%s", want.Name, diff)
				}
			}
			if pair := obj.Type("pair_t"); pair == nil || pair.Anon == nil || pair.Of != "struct {...}" || len(pair.Anon.Members) != 2 {
				t.Errorf("pair_t: %+v", pair)
			}
			if either := obj.Type("either_t"); either == nil || either.Of != "union {...}[2]" || either.Size != 8 {
				t.Errorf("either_t: %+v", either)
			}
			if thing := obj.Type("struct thing"); thing != nil {
				t.Errorf("a struct that is only declared has a definition: %+v", thing)
			}
			wantFunctions := []Function{
				{Name: "probe_all", Params: []tpinfo.Arg{
					{Name: "yes", Type: "_Bool", Offset: 0, Size: 1},
					{Name: "text", Type: "const char *", Offset: 8, Size: 8},
					{Name: "thing", Type: "struct thing *", Offset: 16, Size: 8},
					{Name: "sign", Type: "enum sign", Offset: 24, Size: 4, Signed: true},
					{Name: "call", Type: "int (*)(struct thing *, u32)", Offset: 32, Size: 8},
					{Name: "number", Type: "u32", Offset: 40, Size: 4},
					{Name: "pair", Type: "pair_t *", Offset: 48, Size: 8},
					{Name: "big", Type: "unsigned long long", Offset: 56, Size: 8},
					{Name: "letter", Type: "char", Offset: 64, Size: 1, Signed: true},
					{Name: "array", Type: "int *", Offset: 72, Size: 8},
					{Name: "any", Type: "void *", Offset: 80, Size: 8},
				}},
				{Name: "probe_none", Params: []tpinfo.Arg{}},
			}
			slices.SortFunc(obj.Functions, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
			if diff := cmp.Diff(wantFunctions, obj.Functions); diff != "" {
				t.Errorf("functions (-want +got):\n%s", diff)
			}
			for _, test := range []struct {
				spelling string
				size     tpinfo.Bytes
				signed   bool
				ok       bool
			}{
				{"u32", 4, false, true}, {"u32[3]", 12, false, true}, {"enum sign", 4, true, true}, {"struct thing *", 8, false, true},
				{"struct thing", tpinfo.Unknown, false, false}, {"pair_t", 8, false, true}, {"int (int)", tpinfo.Unknown, false, false}, {"(", tpinfo.Unknown, false, false},
			} {
				size, signed, ok := obj.Resolve(test.spelling)
				if size != test.size || signed != test.signed || ok != test.ok {
					t.Errorf("%s: size %s, signed %v, %v; want %s, %v, %v", test.spelling, size, signed, ok, test.size, test.signed, test.ok)
				}
			}
		})
	}
}
