package ctypes

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

// The left column is what gcc, clang and pahole write for one C type; every
// one of them has to come out as the kernel's sources spell it.
func TestBaseName(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"short int", "short"},
		{"signed short", "short"},
		{"short", "short"},
		{"short unsigned int", "unsigned short"},
		{"unsigned short", "unsigned short"},
		{"int", "int"},
		{"signed int", "int"},
		{"unsigned int", "unsigned int"},
		{"unsigned", "unsigned int"},
		{"long int", "long"},
		{"signed long", "long"},
		{"long", "long"},
		{"long unsigned int", "unsigned long"},
		{"unsigned long", "unsigned long"},
		{"long long int", "long long"},
		{"signed long long", "long long"},
		{"long long", "long long"},
		{"long long unsigned int", "unsigned long long"},
		{"unsigned long long", "unsigned long long"},
		{"__int128", "__int128"},
		{"__int128 unsigned", "unsigned __int128"},
		{"unsigned __int128", "unsigned __int128"},
		{"bool", "_Bool"},
		{"_Bool", "_Bool"},
		{"char", "char"},
		{"signed char", "signed char"},
		{"unsigned char", "unsigned char"},
		{"float", "float"},
		{"double", "double"},
		{"long double", "long double"},
		{"__ARRAY_SIZE_TYPE__", "unsigned long"},
		{"sizetype", "unsigned long"},
		{"ssizetype", "long"},
		{"", ""},
	} {
		got := BaseName(c.written)
		if got != c.want {
			t.Errorf("BaseName(%q) = %q, want %q", c.written, got, c.want)
		}
		if again := BaseName(got); again != got {
			t.Errorf("BaseName(%q) = %q: a spelling of ours is not kept", got, again)
		}
	}
}

// A spelling that another package reads back has to be one that it can read.
func TestBaseNamesParse(t *testing.T) {
	for written, name := range spellings {
		e, err := tpinfo.ParseExpr(name)
		if err != nil {
			t.Errorf("%q, for %q: %v", name, written, err)
			continue
		}
		if want := (&tpinfo.Expr{Name: name}); !cmp.Equal(e, want) {
			t.Errorf("%q reads as %+v, want a plain name", name, e)
		}
	}
}

func TestQualify(t *testing.T) {
	for _, c := range []struct {
		spelling string
		isConst  bool
		want     string
	}{
		{"int", true, "const int"},
		{"int", false, "volatile int"},
		{"const int", false, "const volatile int"},
		{"volatile int", true, "const volatile int"},
		{"const int", true, "const int"},
		{"void", true, "const void"},
		{"struct page", true, "const struct page"},
		// The pointer is qualified, not what it points to.
		{"char *", true, "char *const"},
		{"const char *", false, "const char *volatile"},
		{"char **", true, "char **const"},
		// Of an array, the elements are: through every dimension, and
		// through no pointer.
		{"char[16]", true, "const char[16]"},
		{"int[2][3]", false, "volatile int[2][3]"},
		{"char *[4]", true, "char *const[4]"},
		{"char (*)[4]", true, "char (*const)[4]"},
		{"u8[]", true, "const u8[]"},
		// A function has no qualifiers, a pointer to one does.
		{"int (int)", true, "int (int)"},
		{"int (*)(int)", true, "int (*const)(int)"},
	} {
		e, err := tpinfo.ParseExpr(c.spelling)
		if err != nil {
			t.Fatal(err)
		}
		want, err := tpinfo.ParseExpr(c.want)
		if err != nil {
			t.Fatal(err)
		}
		got := Qualify(e, c.isConst)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Qualify(%q, const %v) is not %q:\n%s", c.spelling, c.isConst, c.want, diff)
		}
		if got.String() != want.String() {
			t.Errorf("Qualify(%q, const %v) = %q, want %q", c.spelling, c.isConst, got, want)
		}
		if before, _ := tpinfo.ParseExpr(c.spelling); !cmp.Equal(before, e) {
			t.Errorf("Qualify(%q) changed its argument to %q; other spellings share it", c.spelling, e)
		}
	}
}

func TestUnnamed(t *testing.T) {
	for _, c := range []struct {
		kind tpinfo.Kind
		want string
	}{
		{tpinfo.KindStruct, tpinfo.AnonStruct},
		{tpinfo.KindUnion, tpinfo.AnonUnion},
	} {
		if got := Unnamed(&tpinfo.Type{Kind: c.kind}); got != c.want {
			t.Errorf("Unnamed(%s) = %q, want %q", c.kind, got, c.want)
		}
	}
}
