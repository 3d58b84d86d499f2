package tpinfo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Spellings of the kernel, that must come back as they are.
var kernelSpellings = []string{
	"void", "int", "unsigned long long", "u32", "struct task_struct", "struct task_struct *", "const char *",
	"const char *const *", "char *const", "volatile void *", "const volatile void *", "struct page **", "char[16]",
	"char[]", "int[2][3]", "struct list_head *[4]", "char (*)[16]", "int (*)(unsigned int)", "void (*)(void)",
	"int (*)(const char *, ...)", "void (*(*)(int))(struct work_struct *)", "int (*[3])(struct device *)",
	"int (*const)(void)", "enum {HRTIMER_NORESTART}", "enum hrtimer_restart (*)(struct hrtimer *)", "struct {...}",
	"union {...}[2]", "struct {...} *", "int (*(*)[2])(char (*)[4])", "unsigned __int128", "const struct itimerspec64 *const",
}

func TestSpellings(t *testing.T) {
	for _, want := range kernelSpellings {
		e, err := ParseExpr(want)
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if got := e.String(); got != want {
			t.Errorf("%s comes back as %s", want, got)
		}
	}
}

func TestParseExpr(t *testing.T) {
	for _, test := range []struct {
		spelling string
		want     *Expr
	}{
		{"char*[ 4 ]", &Expr{Shape: ShapeArray, Count: 4, Elem: &Expr{Shape: ShapePointer, Elem: &Expr{Name: "char"}}}},
		{"char const", &Expr{Name: "char", Const: true}},
		{"char (*)[4]", &Expr{Shape: ShapePointer, Elem: &Expr{Shape: ShapeArray, Count: 4, Elem: &Expr{Name: "char"}}}},
		{"int (void)", &Expr{Shape: ShapeFunc, Elem: &Expr{Name: "int"}}},
		{"int (*)(int,...)", &Expr{Shape: ShapePointer, Elem: &Expr{Shape: ShapeFunc, Elem: &Expr{Name: "int"}, Params: []*Expr{{Name: "int"}}, Variadic: true}}},
		{"struct page *const", &Expr{Shape: ShapePointer, Const: true, Elem: &Expr{Name: "struct page"}}},
	} {
		got, err := ParseExpr(test.spelling)
		if err != nil {
			t.Errorf("%s: %v", test.spelling, err)
		} else if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.spelling, diff)
		}
	}
	for _, test := range []struct{ spelling, want string }{
		{"", "column 1: expected a type name, found the end"},
		{"*", `column 1: expected a type name, found "*"`},
		{"int x[", `column 7: expected an element count, found the end`},
		{"int[-1]", `column 5: expected an element count, found "-"`},
		{"int[4", `column 6: expected "]", found the end`},
		{"int (*", `expected ")", found the end`},
		{"int (*)(", "expected a type name, found the end"},
		{"int (*)(int", `expected "," or ")", found the end`},
		{"int ]", `column 5: expected the end, found "]"`},
		{strings.Repeat("int (*)(", 100), "nested more than 64 deep"},
		{"int" + strings.Repeat("[1]", 100), "nested more than 64 deep"},
	} {
		_, err := ParseExpr(test.spelling)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %s", test.spelling, err, test.want)
		}
	}
}

func TestDeclare(t *testing.T) {
	for _, test := range []struct{ spelling, want string }{
		{"int", "int x"}, {"struct page *", "struct page *x"}, {"char *const", "char *const x"}, {"char[16]", "char x[16]"},
		{"int (*)(struct device *)", "int (*x)(struct device *)"}, {"int (*[3])(void)", "int (*x[3])(void)"},
		{"char (*)[4]", "char (*x)[4]"}, {"void (*(*)(int))(char)", "void (*(*x)(int))(char)"},
	} {
		e, err := ParseExpr(test.spelling)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Declare("x"); got != test.want {
			t.Errorf("%s: %s, want %s", test.spelling, got, test.want)
		}
	}
}

func TestBase(t *testing.T) {
	for spelling, want := range map[string]string{
		"struct page *[4]": "struct page", "u32": "u32", "enum hrtimer_restart (*)(struct hrtimer *)": "enum hrtimer_restart",
	} {
		e, err := ParseExpr(spelling)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Base().Name; got != want {
			t.Errorf("%s: %s, want %s", spelling, got, want)
		}
	}
}

// anyExpr makes what C allows: no arrays of functions, no functions that
// return arrays or functions.
func anyExpr(depth int) *rapid.Generator[*Expr] {
	return rapid.Custom(func(t *rapid.T) *Expr {
		shape := ShapeName
		if depth > 0 {
			shape = rapid.SampledFrom([]Shape{ShapeName, ShapePointer, ShapeArray, ShapeFunc}).Draw(t, "shape")
		}
		qualified := func(e *Expr) *Expr {
			e.Const = rapid.Bool().Draw(t, "const")
			e.Volatile = rapid.Bool().Draw(t, "volatile")
			return e
		}
		inner := func(forbidden ...Shape) *Expr {
			e := anyExpr(depth-1).Draw(t, "elem")
			for _, s := range forbidden {
				if e.Shape == s {
					return &Expr{Shape: ShapePointer, Elem: e}
				}
			}
			return e
		}
		switch shape {
		case ShapePointer:
			return qualified(&Expr{Shape: ShapePointer, Elem: inner()})
		case ShapeArray:
			return &Expr{Shape: ShapeArray, Count: rapid.Int64Range(-1, 99).Draw(t, "count"), Elem: inner(ShapeFunc)}
		case ShapeFunc:
			f := &Expr{Shape: ShapeFunc, Elem: inner(ShapeFunc, ShapeArray)}
			for range rapid.IntRange(0, 3).Draw(t, "params") {
				f.Params = append(f.Params, inner())
			}
			f.Variadic = rapid.Bool().Draw(t, "variadic")
			if len(f.Params) == 1 && !f.Variadic && f.Params[0].isVoid() {
				f.Params = nil
			}
			return f
		}
		return qualified(&Expr{Name: rapid.SampledFrom([]string{"int", "unsigned long", "struct page", "enum {FIRST}", "void", "u8", AnonStruct}).Draw(t, "name")})
	})
}

func TestSpellingRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyExpr(4).Draw(t, "type")
		got, err := ParseExpr(want.String())
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", want, diff)
		}
	})
}

func FuzzParseExpr(f *testing.F) {
	for _, s := range kernelSpellings {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseExpr(text)
		if err != nil {
			return
		}
		again, err := ParseExpr(e.String())
		if err != nil {
			t.Fatalf("%q is spelled %q, which does not parse: %v", text, e, err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatalf("%q (-first +again):\n%s", text, diff)
		}
	})
}

func TestFlat(t *testing.T) {
	for spelling, want := range map[string]string{
		"int": "int", "char[4]": "char[4]", "int[2][3]": "int[6]", "int[2][3][4]": "int[24]",
		"int[][3]": "int[]", "int (*)[2][3]": "int (*)[6]", "char *[2][2]": "char *[4]", "int (*[2])(int)": "int (*[2])(int)",
	} {
		e, err := ParseExpr(spelling)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Flat().String(); got != want {
			t.Errorf("%s is %s when flat, want %s", spelling, got, want)
		}
		if e.String() != spelling {
			t.Errorf("%s became %s", spelling, e)
		}
	}
}
