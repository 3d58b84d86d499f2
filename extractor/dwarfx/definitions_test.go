package dwarfx

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

const definitions = `
enum plain { P0, P1 = 5, P2 };
enum negative { N0 = -3, N1 = 4 };
enum large { L0 = 0x80000000 };
enum huge { H0 = 1, H1 = 0x123456789abcdef0 };
enum whole { W0 = 0, W1 = 0xffffffffffffffffULL };
enum least { Q0 = -0x7fffffffffffffffLL - 1 };
enum byte { B0, B1 = 200 } __attribute__((packed));
enum moded { M0, M1 = 3 } __attribute__((mode(byte)));
enum later;
typedef enum { A0, A1 } unnamed_t;
struct has_unnamed { enum { IN0 = 7 } e; };

typedef unsigned int u32;
typedef u32 gfp_t;
typedef gfp_t const_chain_t;
typedef struct list { struct list *next, **prev; } list_t;
typedef struct { int counter; } atomic_t;
typedef union { u32 v; struct { unsigned short lo, hi; }; } *half_t;
typedef int (*handler_t)(int irq, void *data);
typedef int function_t(u32);
typedef char name_t[16];
typedef struct later_struct opaque_t;
typedef void nothing_t;
typedef const volatile char *cv_t;

struct later_struct;
struct uses_later { struct later_struct *p; opaque_t *q; handler_t h; function_t *f; name_t names[2]; nothing_t *n; unnamed_t u; };
_Bool b; float f; double d; long double ld;
union either { int i; char c[6]; };
`

func TestDefinitions(t *testing.T) {
	enum := func(name string, size tpinfo.Bytes, enc tpinfo.Encoding, list ...tpinfo.Enumerator) *tpinfo.Type {
		return &tpinfo.Type{Kind: tpinfo.KindEnum, Name: name, Size: size, Encoding: enc, Enumerators: list}
	}
	typedef := func(name, of string, size tpinfo.Bytes) *tpinfo.Type {
		return &tpinfo.Type{Kind: tpinfo.KindTypedef, Name: name, Of: of, Size: size}
	}
	base := func(name string, size tpinfo.Bytes, enc tpinfo.Encoding) *tpinfo.Type {
		return &tpinfo.Type{Kind: tpinfo.KindBase, Name: name, Size: size, Encoding: enc}
	}
	const s, u = tpinfo.EncSigned, tpinfo.EncUnsigned
	atomic := typedef("atomic_t", tpinfo.AnonStruct, 4)
	atomic.Anon = &tpinfo.Type{Kind: tpinfo.KindStruct, Size: 4, Members: []tpinfo.Member{{Name: "counter", Type: "int", Size: 4}}}
	half := typedef("half_t", "union {...} *", 8)
	half.Anon = &tpinfo.Type{Kind: tpinfo.KindUnion, Size: 4, Members: []tpinfo.Member{
		{Name: "v", Type: "u32", Size: 4},
		{Type: tpinfo.AnonStruct, Size: 4, Anon: &tpinfo.Type{Kind: tpinfo.KindStruct, Size: 4, Members: []tpinfo.Member{
			{Name: "lo", Type: "unsigned short", Size: 2}, {Name: "hi", Type: "unsigned short", Offset: 2, Size: 2},
		}}},
	}}
	want := map[string]*tpinfo.Type{
		"enum plain":    enum("enum plain", 4, u, tpinfo.Enumerator{Name: "P0"}, tpinfo.Enumerator{Name: "P1", Value: 5}, tpinfo.Enumerator{Name: "P2", Value: 6}),
		"enum negative": enum("enum negative", 4, s, tpinfo.Enumerator{Name: "N0", Value: -3}, tpinfo.Enumerator{Name: "N1", Value: 4}),
		"enum large":    enum("enum large", 4, u, tpinfo.Enumerator{Name: "L0", Value: 0x80000000}),
		"enum huge":     enum("enum huge", 8, u, tpinfo.Enumerator{Name: "H0", Value: 1}, tpinfo.Enumerator{Name: "H1", Value: 0x123456789abcdef0}),
		"enum whole":    enum("enum whole", 8, u, tpinfo.Enumerator{Name: "W0"}, tpinfo.Enumerator{Name: "W1", Value: -1}),
		"enum least":    enum("enum least", 8, s, tpinfo.Enumerator{Name: "Q0", Value: -1 << 63}),
		"enum byte":     enum("enum byte", 1, u, tpinfo.Enumerator{Name: "B0"}, tpinfo.Enumerator{Name: "B1", Value: 200}),
		"enum moded":    enum("enum moded", 1, u, tpinfo.Enumerator{Name: "M0"}, tpinfo.Enumerator{Name: "M1", Value: 3}),
		"enum later":    nil,
		"enum {A0}":     enum("enum {A0}", 4, u, tpinfo.Enumerator{Name: "A0"}, tpinfo.Enumerator{Name: "A1", Value: 1}),
		"enum {IN0}":    enum("enum {IN0}", 4, u, tpinfo.Enumerator{Name: "IN0", Value: 7}),

		"u32":           typedef("u32", "unsigned int", 4),
		"gfp_t":         typedef("gfp_t", "u32", 4),
		"const_chain_t": typedef("const_chain_t", "gfp_t", 4),
		"list_t":        typedef("list_t", "struct list", 16),
		"atomic_t":      atomic,
		"half_t":        half,
		"handler_t":     typedef("handler_t", "int (*)(int, void *)", 8),
		"function_t":    typedef("function_t", "int (u32)", tpinfo.Unknown),
		"name_t":        typedef("name_t", "char[16]", 16),
		"opaque_t":      typedef("opaque_t", "struct later_struct", tpinfo.Unknown),
		"nothing_t":     typedef("nothing_t", "void", tpinfo.Unknown),
		"cv_t":          typedef("cv_t", "const volatile char *", 8),
		"unnamed_t":     typedef("unnamed_t", "enum {A0}", 4),

		"struct later_struct": nil,
		"struct list": {Kind: tpinfo.KindStruct, Name: "struct list", Size: 16, Members: []tpinfo.Member{
			{Name: "next", Type: "struct list *", Size: 8}, {Name: "prev", Type: "struct list **", Offset: 8, Size: 8},
		}},
		"struct uses_later": {Kind: tpinfo.KindStruct, Name: "struct uses_later", Size: 80, Members: []tpinfo.Member{
			{Name: "p", Type: "struct later_struct *", Size: 8}, {Name: "q", Type: "opaque_t *", Offset: 8, Size: 8},
			{Name: "h", Type: "handler_t", Offset: 16, Size: 8}, {Name: "f", Type: "function_t *", Offset: 24, Size: 8},
			{Name: "names", Type: "name_t[2]", Offset: 32, Size: 32}, {Name: "n", Type: "nothing_t *", Offset: 64, Size: 8},
			{Name: "u", Type: "unnamed_t", Offset: 72, Size: 4},
		}},
		"union either": {Kind: tpinfo.KindUnion, Name: "union either", Size: 8, Members: []tpinfo.Member{
			{Name: "i", Type: "int", Size: 4}, {Name: "c", Type: "char[6]", Size: 6},
		}},

		"_Bool": base("_Bool", 1, tpinfo.EncBool), "float": base("float", 4, tpinfo.EncFloat),
		"double": base("double", 8, tpinfo.EncFloat), "long double": base("long double", 16, tpinfo.EncFloat),
		"int": base("int", 4, s), "unsigned int": base("unsigned int", 4, u), "char": base("char", 1, s),
		"unsigned short": base("unsigned short", 2, u),
		// Nothing of a compiler's own comes through.
		"__ARRAY_SIZE_TYPE__": nil, "": nil,
	}
	each(t, compilers, func(t *testing.T, cc compiler) {
		obj := cc.read(t, definitions, Options{})
		for name, def := range want {
			got := obj.Type(name)
			if got != nil && cc.args[0] == "gcc" && name == "struct uses_later" {
				// gcc writes an array of a typedef of an array as one of two
				// dimensions. No header of a kernel has one.
				flat := *got
				flat.Members = slices.Clone(got.Members)
				if m := &flat.Members[4]; m.Type == "char[2][16]" {
					m.Type = "name_t[2]"
				}
				got = &flat
			}
			if cc.name == "gcc, DWARF 2" && name == "enum whole" {
				continue // DWARF 2 has no type under an enum to tell its sign
			}
			if diff := cmp.Diff(def, got); diff != "" {
				t.Errorf("%s, -want +got:\n%s", name, diff)
			}
		}
		for i := 1; i < len(obj.Types); i++ {
			if obj.Types[i-1].Name >= obj.Types[i].Name {
				t.Errorf("%s before %s", obj.Types[i-1].Name, obj.Types[i].Name)
			}
		}
		if len(obj.Problems) > 0 {
			t.Errorf("problems %v", obj.Problems)
		}
	})
}

// The sign of char is a choice, of the machine or of a flag: the kernel has it
// unsigned from 6.2 on.
func TestCharSign(t *testing.T) {
	each(t, compilers, func(t *testing.T, cc compiler) {
		for flag, want := range map[string]tpinfo.Encoding{"-fsigned-char": tpinfo.EncSigned, "-funsigned-char": tpinfo.EncUnsigned} {
			obj := compiler{args: append(cc.args[:len(cc.args):len(cc.args)], flag)}.read(t, "char c; signed char s; unsigned char u;", Options{})
			for name, enc := range map[string]tpinfo.Encoding{"char": want, "signed char": tpinfo.EncSigned, "unsigned char": tpinfo.EncUnsigned} {
				if def := obj.Type(name); def == nil || def.Encoding != enc {
					t.Errorf("%s: %s is %+v, want %s", flag, name, def, enc)
				}
			}
		}
	})
}

func TestResolve(t *testing.T) {
	each(t, compilers, func(t *testing.T, cc compiler) {
		obj := cc.read(t, definitions, Options{})
		for _, c := range []struct {
			spelling   string
			size       tpinfo.Bytes
			signed, ok bool
		}{
			{"int", 4, true, true}, {"const_chain_t", 4, false, true}, {"int[3][2]", 24, true, true},
			{"enum negative", 4, true, true}, {"enum plain[2]", 8, false, true}, {"name_t", 16, true, true},
			{"name_t[2]", 32, true, true}, {"struct list", 16, false, true}, {"list_t", 16, false, true},
			{"atomic_t", 4, false, true}, {"half_t", 8, false, true}, {"handler_t", 8, false, true},
			{"struct nobody *", 8, false, true}, {"int (*)(struct nobody)", 8, false, true}, {"char[]", 0, true, true},
			{"struct nobody", tpinfo.Unknown, false, false}, {"opaque_t", tpinfo.Unknown, false, false},
			{"function_t", tpinfo.Unknown, false, false}, {"int (int)", tpinfo.Unknown, false, false},
			{"nobody_t[4]", tpinfo.Unknown, false, false}, {"int[", tpinfo.Unknown, false, false},
			{"nothing_t", tpinfo.Unknown, false, false},
		} {
			size, signed, ok := obj.Resolve(c.spelling)
			if size != c.size || signed != c.signed || ok != c.ok {
				t.Errorf("%q: %v, %v, %v; want %v, %v, %v", c.spelling, size, signed, ok, c.size, c.signed, c.ok)
			}
		}
	})
}

func TestFunctions(t *testing.T) {
	const source = `
typedef _Bool bool; typedef unsigned long ulong_t; struct task; enum sign { MINUS = -1 }; enum plain { PLAIN };
struct pair { int a, b; };
void tp_args(bool preempt, struct task *prev, const char *name, int nr, signed char c, ulong_t l, enum sign s,
	enum plain p, struct pair v, int (*cb)(void), int list[4], const volatile int q) { int local; { struct inner { int x; } y; } }
void tp_none(void) { }
static inline __attribute__((used)) int tp_more(const char *fmt, ...) { return 0; }
void other(int x) { }
void tp_declared(int);
`
	each(t, compilers, func(t *testing.T, cc compiler) {
		obj := cc.read(t, source, Options{FunctionPrefix: "tp_"})
		got := map[string][]tpinfo.Arg{}
		for _, f := range obj.Functions {
			got[f.Name] = f.Params
		}
		args := []tpinfo.Arg{
			{Name: "preempt", Type: "bool", Size: 1}, {Name: "prev", Type: "struct task *", Size: 8},
			{Name: "name", Type: "const char *", Size: 8}, {Name: "nr", Type: "int", Size: 4, Signed: true},
			{Name: "c", Type: "signed char", Size: 1, Signed: true}, {Name: "l", Type: "ulong_t", Size: 8},
			{Name: "s", Type: "enum sign", Size: 4, Signed: true}, {Name: "p", Type: "enum plain", Size: 4},
			{Name: "v", Type: "struct pair", Size: 8}, {Name: "cb", Type: "int (*)(void)", Size: 8},
			{Name: "list", Type: "int *", Size: 8}, {Name: "q", Type: "const volatile int", Size: 4, Signed: true},
		}
		for i := range args {
			args[i].Offset = tpinfo.Bytes(i * tpinfo.ArgSlot)
		}
		want := map[string][]tpinfo.Arg{"tp_args": args, "tp_none": {}, "tp_more": {{Name: "fmt", Type: "const char *", Size: 8}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		// What is inside a function is no type of the unit.
		if def := obj.Type("struct inner"); def != nil {
			t.Errorf("a function's own %+v", def)
		}
		if none := cc.read(t, source, Options{}); len(none.Functions) > 0 {
			t.Errorf("without a prefix: %+v", none.Functions)
		}
	})
}
