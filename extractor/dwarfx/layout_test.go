package dwarfx

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

const prelude = `
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;
typedef unsigned long long u64; typedef int pid_t; typedef u32 gfp_t;
struct page; union slab; struct pair { char a; int b; };
enum mode { OFF, ON, AUTO }; enum sign { MINUS = -1, PLUS = 1 };
enum small { S0, S1 } __attribute__((packed));
`

var layouts = []layout{
	{"struct plain", `struct plain { char c; short s; int i; long l; long long ll; _Bool b; float f; double d; signed char sc; unsigned char uc; };`,
		[]member{{"c", "char"}, {"s", "short"}, {"i", "int"}, {"l", "long"}, {"ll", "long long"}, {"b", "_Bool"},
			{"f", "float"}, {"d", "double"}, {"sc", "signed char"}, {"uc", "unsigned char"}}},
	{"struct plain_unsigned", `struct plain_unsigned { unsigned short s; unsigned u; unsigned long l; unsigned long long ll; };`,
		[]member{{"s", "unsigned short"}, {"u", "unsigned int"}, {"l", "unsigned long"}, {"ll", "unsigned long long"}}},
	{"struct wide", `struct wide { char c; long double ld; char d; };`,
		[]member{{"c", "char"}, {"ld", "long double"}, {"d", "char"}}},
	{"struct typedefs", `struct typedefs { u8 a; pid_t pid; gfp_t gfp; enum mode m; enum sign n; enum small s; struct pair p; };`,
		[]member{{"a", "u8"}, {"pid", "pid_t"}, {"gfp", "gfp_t"}, {"m", "enum mode"}, {"n", "enum sign"},
			{"s", "enum small"}, {"p", "struct pair"}}},
	{"struct pointers", `struct pointers {
		void *v; const void *cv; char *const fixed; const char *text; volatile int *reg; const volatile u32 *both;
		struct page *page; union slab *slab; const struct page *const *pages; struct pointers *next, **prev;
		void (*done)(void); int (*call)(const char *fmt, ...); u64 (*make[2])(struct pair, enum mode);
		int (*grid)[4]; void (*(*chain)(int))(long); char *volatile spin; const int ci; volatile char vc; };`,
		[]member{{"v", "void *"}, {"cv", "const void *"}, {"fixed", "char *const"}, {"text", "const char *"},
			{"reg", "volatile int *"}, {"both", "const volatile u32 *"}, {"page", "struct page *"},
			{"slab", "union slab *"}, {"pages", "const struct page *const *"}, {"next", "struct pointers *"},
			{"prev", "struct pointers **"}, {"done", "void (*)(void)"}, {"call", "int (*)(const char *, ...)"},
			{"make", "u64 (*[2])(struct pair, enum mode)"}, {"grid", "int (*)[4]"},
			{"chain", "void (*(*)(int))(long)"}, {"spin", "char *volatile"}, {"ci", "const int"}, {"vc", "volatile char"}}},
	{"struct arrays", `struct arrays { char one[5]; short two[2][3]; int three[2][3][4]; struct pair p[2]; void *ptrs[3];
		const char names[4][8]; long rest[]; };`,
		[]member{{"one", "char[5]"}, {"two", "short[2][3]"}, {"three", "int[2][3][4]"}, {"p", "struct pair[2]"},
			{"ptrs", "void *[3]"}, {"names", "const char[4][8]"}, {"rest", "long[]"}}},
	// The kernel's way to mark a place: an array that takes none.
	{"struct marks", `struct marks { int begin[0]; char c; long mid[0]; char d; u8 rows[][4]; };`,
		[]member{{"begin", "int[]"}, {"c", "char"}, {"mid", "long[]"}, {"d", "char"}, {"rows", "u8[][4]"}}},
	// delve's reader makes [0] of the first member.
	{"struct array_first", `struct array_first { int a[2]; u32 b : 1, c : 31; int d[3]; u8 e : 3; };`,
		[]member{{"a", "int[2]"}, {"b", "u32:1"}, {"c", "u32:31"}, {"d", "int[3]"}, {"e", "u8:3"}}},
	{"struct nested", `struct nested { int a; struct { char b; union { long c; struct { short d; u8 e : 2, f : 6; }; }; }; int g;
		struct { int x, y; u16 z : 9; } named; union { u64 all; u8 part[8]; } u; struct { int q; } several[3], *far; };`,
		[]member{{"a", "int"}, {"b", "char"}, {"c", "long"}, {"d", "short"}, {"e", "u8:2"}, {"f", "u8:6"}, {"g", "int"},
			{"named", "struct {...}"}, {"named.x", "int"}, {"named.y", "int"}, {"named.z", "u16:9"},
			{"u", "union {...}"}, {"u.all", "u64"}, {"u.part", "u8[8]"}, {"several", "struct {...}[3]"}, {"far", "struct {...} *"}}},
	{"struct tagged_inside", `struct tagged_inside { struct inner { int x; char y; } in; union deep { int i; float f; } un; };`,
		[]member{{"in", "struct inner"}, {"un", "union deep"}}},
	{"union choice", `union choice { char c; int i[3]; struct { u16 lo, hi; }; u32 bit : 7; const void *p; };`,
		[]member{{"c", "char"}, {"i", "int[3]"}, {"lo", "u16"}, {"hi", "u16"}, {"bit", "u32:7"}, {"p", "const void *"}}},
	{"struct packed", `struct packed { char c; int i; u64 q; u8 a : 3; u32 b : 13; short s; } __attribute__((packed));`,
		[]member{{"c", "char"}, {"i", "int"}, {"q", "u64"}, {"a", "u8:3"}, {"b", "u32:13"}, {"s", "short"}}},
	{"struct part_packed", `struct part_packed { char c; int i __attribute__((packed)); long l; };`,
		[]member{{"c", "char"}, {"i", "int"}, {"l", "long"}}},
	{"struct aligned", `struct aligned { char c; int i __attribute__((aligned(32))); char d; } __attribute__((aligned(128)));`,
		[]member{{"c", "char"}, {"i", "int"}, {"d", "char"}}},
	{"struct empty", `struct empty { };`, nil},
	{"struct holds_empty", `struct holds_empty { int a; struct empty e; struct { } none; int b; };`,
		[]member{{"a", "int"}, {"e", "struct empty"}, {"none", "struct {...}"}, {"b", "int"}}},
}

var bitfields = []layout{
	{"struct bits_mixed", `struct bits_mixed { char a : 3; short b : 7; int c : 17; long long d : 33; _Bool e : 1; u8 f : 8; u16 g : 15; };`,
		[]member{{"a", "char:3"}, {"b", "short:7"}, {"c", "int:17"}, {"d", "long long:33"}, {"e", "_Bool:1"}, {"f", "u8:8"}, {"g", "u16:15"}}},
	{"struct bits_padded", `struct bits_padded { u32 a : 1; u32 : 5; u32 b : 2; u32 : 0; u32 c : 4; u64 : 0; u8 d : 1; int e; u16 : 3; u16 g : 13; };`,
		[]member{{"a", "u32:1"}, {"b", "u32:2"}, {"c", "u32:4"}, {"d", "u8:1"}, {"e", "int"}, {"g", "u16:13"}}},
	{"struct bits_between", `struct bits_between { char a; u32 b : 6; char c; u64 d : 40; char e; u16 f : 1; int g; u8 h : 1; };`,
		[]member{{"a", "char"}, {"b", "u32:6"}, {"c", "char"}, {"d", "u64:40"}, {"e", "char"}, {"f", "u16:1"}, {"g", "int"}, {"h", "u8:1"}}},
	{"struct bits_whole", `struct bits_whole { u8 a : 8; u16 b : 16; u32 c : 32; u64 d : 64; u32 e : 8; u32 f : 24; };`,
		[]member{{"a", "u8:8"}, {"b", "u16:16"}, {"c", "u32:32"}, {"d", "u64:64"}, {"e", "u32:8"}, {"f", "u32:24"}}},
	{"struct bits_signed", `struct bits_signed { signed int a : 2; unsigned b : 2; enum mode c : 2; int d : 31; enum sign e : 3; };`,
		[]member{{"a", "int:2"}, {"b", "unsigned int:2"}, {"c", "enum mode:2"}, {"d", "int:31"}, {"e", "enum sign:3"}}},
	{"struct bits_packed", `struct bits_packed { u8 a : 5; u16 b : 11; u32 c : 29; u64 d : 61; u8 e : 7; } __attribute__((packed));`,
		[]member{{"a", "u8:5"}, {"b", "u16:11"}, {"c", "u32:29"}, {"d", "u64:61"}, {"e", "u8:7"}}},
}

// everyWidth has a struct for each type, with a field of each width behind an
// odd start.
func everyWidth() []layout {
	var out []layout
	for typ, bits := range map[string]int{"u8": 8, "u16": 16, "u32": 32, "u64": 64, "int": 32, "long long": 64} {
		l := layout{name: "struct every_" + strings.ReplaceAll(typ, " ", "_")}
		var def strings.Builder
		fmt.Fprintf(&def, "%s { char start; ", l.name)
		l.members = append(l.members, member{"start", "char"})
		for n := 1; n <= bits; n++ {
			fmt.Fprintf(&def, "%s w%d : %d; ", typ, n, n)
			l.members = append(l.members, member{fmt.Sprintf("w%d", n), fmt.Sprintf("%s:%d", typ, n)})
		}
		l.def = def.String() + "};"
		out = append(out, l)
	}
	return out
}

func TestLayouts(t *testing.T) {
	each(t, compilers, func(t *testing.T, cc compiler) { compare(t, cc, prelude, layouts) })
}

func TestBitfields(t *testing.T) {
	each(t, compilers, func(t *testing.T, cc compiler) {
		compare(t, cc, prelude, bitfields)
		compare(t, cc, prelude, everyWidth())
	})
}

// Types of 128 bits exist on 64-bit machines only.
func TestInt128(t *testing.T) {
	each(t, compilers, func(t *testing.T, cc compiler) {
		obj := compare(t, cc, prelude, []layout{{"struct huge", `struct huge { char c; __int128 s; unsigned __int128 u; __int128_t st; __uint128_t ut; };`,
			[]member{{"c", "char"}, {"s", "__int128"}, {"u", "unsigned __int128"}, {"st", "__int128"}, {"ut", "unsigned __int128"}}}})
		for name, want := range map[string]tpinfo.Encoding{"__int128": tpinfo.EncSigned, "unsigned __int128": tpinfo.EncUnsigned} {
			def := obj.Type(name)
			if def == nil || def.Size != 16 || def.Encoding != want {
				t.Errorf("%s: %+v", name, def)
			}
		}
	})
}

func TestOtherMachines(t *testing.T) {
	words := map[string]int{"i386": 4, "arm": 4, "mips": 4}
	each(t, targets, func(t *testing.T, cc compiler) {
		obj := compare(t, cc, prelude, append(append(everyWidth(), layouts...), bitfields...))
		word := 8
		if n, ok := words[cc.name]; ok {
			word = n
		}
		order := tpinfo.LittleEndian
		if strings.HasPrefix(cc.name, "s390x") || cc.name == "mips" || cc.name == "powerpc64" {
			order = tpinfo.BigEndian
		}
		if obj.WordSize != word || obj.ByteOrder != order {
			t.Errorf("word size %d, %s-endian; want %d, %s", obj.WordSize, obj.ByteOrder, word, order)
		}
		if size, _, ok := obj.Resolve("struct page *"); !ok || size != tpinfo.Bytes(word) {
			t.Errorf("a pointer has %v bytes", size)
		}
	})
}

// Every compiler describes one source alike: a cache must not hold one layout
// twice because two compilers were used.
func TestCompilersAgree(t *testing.T) {
	_, small, _ := strings.Cut(smallSource, "struct page;")
	source, _ := withOracle(prelude+small, append(everyWidth(), append(layouts, bitfields...)...))
	source, _, _ = strings.Cut(source, "const unsigned long long oracle")
	all := map[string][]tpinfo.Type{}
	for _, cc := range compilers {
		t.Run(cc.name, func(t *testing.T) {
			all[cc.name] = cc.read(t, source, Options{}).Types
		})
	}
	first := all["gcc, DWARF 4"]
	if len(first) == 0 {
		tier.Skip(t, "no gcc to compare with: apt-get install gcc")
	}
	for name, types := range all {
		if diff := cmp.Diff(defined(first), defined(types)); diff != "" {
			t.Errorf("-gcc, DWARF 4 +%s:\n%s", name, diff)
		}
	}
}

// defined leaves out base types, of which each compiler writes those it finds
// use for.
func defined(types []tpinfo.Type) map[string]tpinfo.Type {
	out := map[string]tpinfo.Type{}
	for _, def := range types {
		if def.Kind != tpinfo.KindBase {
			out[def.Name] = def
		}
	}
	return out
}
