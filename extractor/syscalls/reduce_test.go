package syscalls

import (
	"errors"
	"strings"
	"testing"
)

// show writes items one a line, what stands under a conditional further in.
func show(items []item, indent string) string {
	var b strings.Builder
	for _, it := range items {
		switch it.kind {
		case include:
			b.WriteString(indent + "include " + it.name + "\n")
		case conditional:
			for _, br := range it.branches {
				b.WriteString(indent + br.directive + "\n" + show(br.items, indent+"  "))
			}
		default:
			b.WriteString(indent + it.text + "\n")
		}
	}
	return b.String()
}

func TestReduce(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a call over lines", "int x;\nSYSCALL_DEFINE3(open, const char __user *, filename,\n\t\tint, flags, umode_t, mode)\n{\n\treturn 0;\n}\n",
			"SYSCALL_DEFINE3(open, const char __user *, filename, int, flags, umode_t, mode)\n"},
		{"every definer", "SYSCALL_DEFINE0(fork) {}\nCOMPAT_SYSCALL_DEFINE2(a, int, x, int, y) {}\nSYSCALL32_DEFINE6(f, int, x) {}\nCOND_SYSCALL(z);\n",
			"SYSCALL_DEFINE0(fork)\nCOMPAT_SYSCALL_DEFINE2(a, int, x, int, y)\nSYSCALL32_DEFINE6(f, int, x)\n"},
		{"two in a line", "SYSCALL_DEFINE0(a) { } SYSCALL_DEFINE0(b) { }", "SYSCALL_DEFINE0(a)\nSYSCALL_DEFINE0(b)\n"},
		{"comments and strings", "/* SYSCALL_DEFINE0(no) */ // SYSCALL_DEFINE0(no)\nchar *s = \"SYSCALL_DEFINE0(no)\\\"\"; char c = '\"';\nSYSCALL_DEFINE1(yes, int /* why */, x)\n",
			"SYSCALL_DEFINE1(yes, int , x)\n"},
		{"brackets in a type", "SYSCALL_DEFINE2(s, int, sig, void (*)(int), f)\n{}", "SYSCALL_DEFINE2(s, int, sig, void (*)(int), f)\n"},
		{"no use of it", "see SYSCALL_DEFINE0(\n{ x }\nSYSCALL_DEFINEx\nSYSCALL_DEFINE0(y)\n", "SYSCALL_DEFINE0(y)\n"},
		{"conditionals", "#ifdef A\n# if B \\\n  > 1\nSYSCALL_DEFINE0(a)\n# elif C\n#else\nSYSCALL_DEFINE0(b)\n#endif\n#endif\nSYSCALL_DEFINE0(c)\n",
			"#ifdef A\n  #if B    > 1\n    SYSCALL_DEFINE0(a)\n  #elif C\n  #else\n    SYSCALL_DEFINE0(b)\nSYSCALL_DEFINE0(c)\n"},
		{"empty ones go", "#ifdef A\nint x;\n#ifdef B\n#endif\n#else\n#endif\nSYSCALL_DEFINE0(a)\n", "SYSCALL_DEFINE0(a)\n"},
		{"the macros that a conditional asks for, and those they ask for",
			"#define Z 1\n#ifdef X\n#define Y Z\n#endif\n#define USED(n) u32, n##_lo\n#undef Z\n#if defined(Y)\nSYSCALL_DEFINE2(a, USED(x))\n#endif\n#ifdef Q\n#define Y 2\n#endif\n",
			"#define Z 1\n#ifdef X\n  #define Y Z\n#define USED(n) u32, n##_lo\n#undef Z\n#if defined(Y)\n  SYSCALL_DEFINE2(a, USED(x))\n#ifdef Q\n  #define Y 2\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, err := reduce(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(pruned(items), ""); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
	items, err := reduce("# include \"membarrier.c\"\n#include \"x.h\"\n#include <y.c>\n")
	if got := show(items, ""); err != nil || got != "include membarrier.c\n" {
		t.Errorf("includes: %q, %v", got, err)
	}
	for _, text := range []string{"#endif\n", "#if 1\n", "#else\n", "#if 1\n#endif\n#elif 2\n"} {
		if _, err := reduce(text); !errors.Is(err, errUnbalanced) {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

// FuzzReduce holds that what is kept reads as it is written: reduced once
// more, it is the same.
func FuzzReduce(f *testing.F) {
	f.Add("#ifdef A\n# if B\nSYSCALL_DEFINE0(a)\n#elif C\n#else\nSYSCALL_DEFINE1(b, int, x)\n#endif\n#endif\n")
	f.Add("#define A \"x\\\"\" /* */\nSYSCALL_DEFINE2(s, int, sig, void (*)(int), f) '\n#if A // \\\nSYSCALL_DEFINE0(\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 || strings.ContainsAny(text, "\r\v\f\x00") {
			return
		}
		items, err := reduce(text)
		if err != nil {
			return
		}
		u := &unit{}
		kept := pruned(items)
		u.write(kept, "f.c", nil)
		written := u.text.String()
		again, err := reduce(written)
		if err != nil {
			t.Fatalf("%q: %v", written, err)
		}
		if a, b := count(kept), count(again); a != b {
			t.Fatalf("%d calls, then %d in\n%s", a, b, written)
		}
	})
}

func count(items []item) (n int) {
	for _, it := range items {
		if it.kind == call {
			n++
		}
		for _, b := range it.branches {
			n += count(b.items)
		}
	}
	return n
}
