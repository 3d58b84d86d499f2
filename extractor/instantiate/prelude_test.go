package instantiate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPreludeOf(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Prelude
	}{
		{"plain", "#include <a.h>\n#define CREATE_TRACE_POINTS\n#include \"trace.h\"\n\nint f(void);\n",
			Prelude{Text: "#include <a.h>\n#define CREATE_TRACE_POINTS\n#include \"trace.h\"\n", Instantiated: []string{"trace.h"}}},
		{"none", "#include <a.h>\nint f(void);\n", Prelude{}},
		{"defined and not used", "#include <a.h>\n#define CREATE_TRACE_POINTS\nint f(void);\n", Prelude{}},
		{"no line's end", "#define CREATE_TRACE_POINTS\n#include <trace/events/a.h>",
			Prelude{Text: "#define CREATE_TRACE_POINTS\n#include <trace/events/a.h>\n", Instantiated: []string{"trace/events/a.h"}}},
		{"open conditions are closed", "#ifdef A\n#if B\n#define CREATE_TRACE_POINTS\n#include \"t.h\"\n#endif\n#else\n#endif\n",
			Prelude{Text: "#ifdef A\n#if B\n#define CREATE_TRACE_POINTS\n#include \"t.h\"\n#endif\n#endif\n", Instantiated: []string{"t.h"}}},
		// net/core/net-traces.c
		{"code between headers", "#define CREATE_TRACE_POINTS\n#include <a.h>\n#if B\n#include <b.h>\nEXPORT(x);\n#endif\n#include <c.h>\nint f;\n",
			Prelude{Text: "#define CREATE_TRACE_POINTS\n#include <a.h>\n#if B\n#include <b.h>\nEXPORT(x);\n#endif\n#include <c.h>\n", Instantiated: []string{"a.h", "b.h", "c.h"}}},
		{"undefined again", "#define CREATE_TRACE_POINTS\n#include \"a.h\"\n#undef CREATE_TRACE_POINTS\n#include \"b.h\"\n",
			Prelude{Text: "#define CREATE_TRACE_POINTS\n#include \"a.h\"\n", Instantiated: []string{"a.h"}}},
		// kernel/cgroup/cgroup.c, arch/x86/kvm/x86.c
		{"inside of code", "#define CREATE_TRACE_POINTS\n#include \"a.h\"\nint list[] = {\n#include \"list.h\"\n};\nvoid f(void) {\n\tif (x) {\n#include \"ops.h\"\n\t}\n}\n",
			Prelude{Text: "#define CREATE_TRACE_POINTS\n#include \"a.h\"\n", Instantiated: []string{"a.h"}}},
		{"a brace in each branch", "#define CREATE_TRACE_POINTS\n#ifdef A\nvoid f(int a) {\n#else\nvoid f(void) {\n#endif\n}\n#include \"a.h\"\nint x;\n",
			Prelude{Text: "#define CREATE_TRACE_POINTS\n#ifdef A\nvoid f(int a) {\n#else\nvoid f(void) {\n#endif\n}\n#include \"a.h\"\n", Instantiated: []string{"a.h"}}},
		{"comments and texts", "/*\n#define CREATE_TRACE_POINTS\n#include \"no.h\"\n*/\nchar *s = \"/* {\"; // {\nchar c = '{'; /* { */ char d = '\\'';\n# define  CREATE_TRACE_POINTS /* here\n */\n# include \"a.h\" // b\nint x;\n",
			Prelude{Text: "/*\n#define CREATE_TRACE_POINTS\n#include \"no.h\"\n*/\nchar *s = \"/* {\"; // {\nchar c = '{'; /* { */ char d = '\\'';\n# define  CREATE_TRACE_POINTS /* here\n */\n# include \"a.h\" // b\n", Instantiated: []string{"a.h"}}},
		{"lines that go on", "#define OTHER \\\n#define CREATE_TRACE_POINTS\n#include \"no.h\"\n#define CREATE_TRACE_POINTS\r\n#include \\\r\n <a.h>\r\nint x;\r\n",
			Prelude{Text: "#define OTHER \\\n#define CREATE_TRACE_POINTS\n#include \"no.h\"\n#define CREATE_TRACE_POINTS\r\n#include \\\r\n <a.h>\r\n", Instantiated: []string{"a.h"}, Bent: true}},
		{"macros that headers look for", "#define pr_fmt(fmt) fmt\n#undef _FORTIFY\n#include <a.h>\n#define CREATE_TRACE_POINTS\n#include <b.h>\n",
			Prelude{Text: "#define pr_fmt(fmt) fmt\n#undef _FORTIFY\n#include <a.h>\n#define CREATE_TRACE_POINTS\n#include <b.h>\n", Instantiated: []string{"b.h"}, Bent: true}},
		{"macros that no header looks for", "#define pr_fmt(fmt) fmt\n#include <a.h>\n#define X\n#define CREATE_TRACE_POINTS\n#include <b.h>\n",
			Prelude{Text: "#define pr_fmt(fmt) fmt\n#include <a.h>\n#define X\n#define CREATE_TRACE_POINTS\n#include <b.h>\n", Instantiated: []string{"b.h"}}},
		{"another name", "#define CREATE_TRACE_POINTS_NOT\n#include \"a.h\"\n", Prelude{}},
		{"more closed than opened", "#endif\n}\n#define CREATE_TRACE_POINTS\n#include \"a.h\"\n",
			Prelude{Text: "#endif\n}\n#define CREATE_TRACE_POINTS\n#include \"a.h\"\n", Instantiated: []string{"a.h"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, PreludeOf(c.text)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestUntil(t *testing.T) {
	const text = "#include \"sched.h\"\n/* #include \"ext.c\" */\n#if A\n#endif\n#ifdef B\n#if C\n#include \"idle.c\"\n# include \"ext/ext.c\"\n#endif\n#endif\n#include \"../up.c\"\n"
	for _, c := range []struct {
		included, after string
		open            int
		ok              bool
	}{
		{"kernel/sched/idle.c", "#if C\n", 2, true},
		{"kernel/sched/ext/ext.c", "#include \"idle.c\"\n", 2, true},
		{"kernel/up.c", "#endif\n#endif\n", 0, true},
		{"kernel/sched/ext.c", "", 0, false},
		{"ext/ext.c", "", 0, false},
	} {
		start, open, ok := Until(text, "kernel/sched/build_policy.c", c.included)
		if ok != c.ok || open != c.open || !strings.HasPrefix(text, start) || !strings.HasSuffix(start, c.after) || (start == "") == ok {
			t.Errorf("%s: %q, %d open, %v; want all up to %q, %d open, %v", c.included, start, open, ok, c.after, c.open, c.ok)
		}
	}
}

// FuzzPreludeOf: a prelude is the start of the text with conditions closed,
// ends with one of the includes, and its own prelude is itself.
func FuzzPreludeOf(f *testing.F) {
	sources, err := filepath.Glob("../../fixtures/source/*/*/*.c")
	if err != nil || len(sources) == 0 {
		f.Fatal(sources, err)
	}
	for _, path := range sources {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("#if\n#define CREATE_TRACE_POINTS\n#include<x>")
	f.Add("#define CREATE_TRACE_POINTS\n/*\n\\\n\"'{")
	f.Fuzz(func(t *testing.T, text string) {
		if start, open, ok := Until(text, "a/b.c", "a/c.c"); !strings.HasPrefix(text, start) || open < 0 || ok && !strings.Contains(text[len(start):], "include") {
			t.Fatalf("up to %q, %d open, of %q", start, open, text)
		}
		p := PreludeOf(text)
		if (p.Text == "") != (len(p.Instantiated) == 0) {
			t.Fatalf("text %q with headers %q", p.Text, p.Instantiated)
		}
		if p.Text == "" {
			return
		}
		start := p.Text
		for strings.HasSuffix(start, "\n#endif\n") && !strings.HasPrefix(text+"\n", start) {
			start = strings.TrimSuffix(start, "#endif\n")
		}
		if !strings.HasPrefix(text+"\n", start) {
			t.Fatalf("%q is no start of %q", start, text)
		}
		last := p.Instantiated[len(p.Instantiated)-1]
		if !strings.Contains(start, last) {
			t.Fatalf("%q does not include %q", start, last)
		}
		again := PreludeOf(p.Text)
		if again.Text != p.Text || !slices.Equal(again.Instantiated, p.Instantiated) {
			t.Fatalf("prelude of the prelude: %+v, want %+v", again, p)
		}
	})
}
