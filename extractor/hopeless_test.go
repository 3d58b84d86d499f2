package extractor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/fault"
	"github.com/tpinfo/tpinfo/extractor/traceheaders"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// rounds counts how often units of a tree are compiled before the extraction
// ends with an error.
func rounds(t *testing.T, tree, compiler string) (n int, err error) {
	t.Helper()
	tier.NeedTool(t, compiler, compiler)
	_, err = Extract(context.Background(), Request{Tree: tree, CC: compiler, Report: func(p Progress) { n = max(n, p.Round) }})
	if err == nil {
		t.Fatal("it is extracted")
	}
	return n, err
}

// plant adds trace headers to a tree; the first so many of them do not compile.
func plant(t *testing.T, tree string, good, bad int) {
	t.Helper()
	for i := range good + bad {
		junk := ""
		if i < bad {
			junk = fmt.Sprintf("struct junk%d { what_is_this field; };\n", i)
		}
		text := fmt.Sprintf(`#undef TRACE_SYSTEM
#define TRACE_SYSTEM planted%d
#if !defined(_TRACE_PLANTED%[1]d_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_PLANTED%[1]d_H
#include <linux/tracepoint.h>
%s
TRACE_EVENT(planted%[1]d, TP_PROTO(int number), TP_ARGS(number),
	TP_STRUCT__entry(__field(int, number)), TP_fast_assign(), TP_printk("%%d", __entry->number));
#endif
#include <trace/define_trace.h>
`, i, junk)
		if err := os.WriteFile(filepath.Join(tree, fmt.Sprintf("include/trace/events/planted%d.h", i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A tree of which most trace headers fail is given up at once, with the
// compiler's words; as long as most are fit, those that are not are named.
func TestMostFail(t *testing.T) {
	for _, compiler := range []string{"gcc", "clang"} {
		t.Run(compiler, func(t *testing.T) {
			tree := copyTiny(t)
			plant(t, tree, 0, 60)
			n, err := rounds(t, tree, compiler)
			if !errors.Is(err, traceheaders.ErrMostFail) || n != 1 {
				t.Errorf("after %d rounds: %v", n, err)
			}
			if !strings.Contains(err.Error(), "do not compile with "+compiler) ||
				!strings.Contains(err.Error(), " 65 of 75: include/trace/events/planted") || !strings.HasSuffix(fault.Reason(err), ".h:6: unknown type name 'what_is_this'") {
				t.Errorf("%v, want the compiler's words", err)
			}
			tree = copyTiny(t)
			plant(t, tree, 40, 30)
			snap := extractTiny(t, tree, compiler)
			found := 0
			for _, e := range snap.Events {
				if strings.HasPrefix(e.System, "planted") && e.Complete() {
					found++
				}
			}
			if found < 40 {
				t.Errorf("%d events of the 40 headers that compile", found)
			}
		})
	}
}

// Where what all units begin with does not compile, no trace header is
// repaired for it, also when some have faults of their own.
func TestPrefixFails(t *testing.T) {
	for _, compiler := range []string{"gcc", "clang"} {
		t.Run(compiler, func(t *testing.T) {
			tree := copyTiny(t)
			edit(t, filepath.Join(tree, "include/linux/module.h"), "struct module {\n", "struct module {\n\twhat_is_this field;\n")
			n, err := rounds(t, tree, compiler)
			if n != 1 || !strings.Contains(err.Error(), "the kernel's headers do not compile with "+compiler) ||
				!strings.Contains(err.Error(), "include/linux/module.h:") || !strings.Contains(err.Error(), "'what_is_this'") {
				t.Errorf("after %d rounds: %v", n, err)
			}
		})
	}
}
