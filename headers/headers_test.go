package headers

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// eventMacros and fieldMacros are all that trace headers from 5.10 to 7.3 use:
// include/linux/tracepoint.h, include/trace/stages and their likes before 5.19.
var eventMacros = []string{
	"TRACE_EVENT", "TRACE_EVENT_FN", "TRACE_EVENT_CONDITION", "TRACE_EVENT_FN_COND", "TRACE_EVENT_NOP", "TRACE_EVENT_SYSCALL",
	"TRACE_EVENT_MAP", "TRACE_EVENT_FLAGS", "TRACE_EVENT_PERF_PERM", "DECLARE_EVENT_CLASS", "DECLARE_EVENT_CLASS_NOP",
	"DECLARE_EVENT_SYSCALL_CLASS", "DECLARE_EVENT_NOP", "DEFINE_EVENT", "DEFINE_EVENT_FN", "DEFINE_EVENT_PRINT",
	"DEFINE_EVENT_CONDITION", "DEFINE_EVENT_WRITABLE", "DEFINE_EVENT_NOP", "DECLARE_TRACE", "DECLARE_TRACE_CONDITION",
	"DECLARE_TRACE_NOARGS", "DECLARE_TRACE_WRITABLE", "DECLARE_TRACE_EVENT", "DECLARE_TRACE_EVENT_CONDITION",
	"DECLARE_TRACE_SYSCALL", "DECLARE_TRACE_EVENT_SYSCALL", "TRACE_DEFINE_ENUM", "TRACE_DEFINE_SIZEOF",
	"TP_PROTO", "TP_ARGS", "TP_CONDITION", "TP_STRUCT__entry", "TP_fast_assign", "TP_perf_assign", "TP_printk", "PARAMS",
}

var fieldMacros = []string{
	"__field", "__field_ext", "__field_struct", "__field_struct_ext", "__field_desc", "__field_packed", "__array", "__array_desc",
	"__dynamic_array", "__string", "__string_len", "__vstring", "__bitmask", "__cpumask", "__sockaddr",
	"__rel_dynamic_array", "__rel_string", "__rel_string_len", "__rel_bitmask", "__rel_cpumask", "__rel_sockaddr",
}

func written(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A macro of ours that stays behind a trace header would define the events of
// the next at its first reading, and then again at its second.
func TestEveryMacroIsTakenBack(t *testing.T) {
	files := written(t)
	for _, m := range eventMacros {
		if !regexp.MustCompile(`^(DECLARE|DEFINE|TRACE)_`).MatchString(m) || strings.HasPrefix(m, "TRACE_DEFINE_") {
			continue // they mean the same to every reader, or nothing
		}
		if !regexp.MustCompile(`(?m)^#undef ` + m + `$`).MatchString(files["tpinfo_end.h"]) {
			t.Errorf("tpinfo_end.h does not take back %s", m)
		}
	}
	if files["trace/define_trace.h"] == "" {
		t.Error("trace/define_trace.h is not written")
	}
}

// A macro that is left to the kernel's own meaning loses events in silence.
func TestEveryMacro(t *testing.T) {
	files := written(t)
	for file, macros := range map[string][]string{Events: eventMacros, "tpinfo_fields.h": fieldMacros} {
		text, ok := files[file]
		if !ok {
			t.Fatalf("%s is not written; there are %v", file, len(files))
		}
		for _, m := range macros {
			if !regexp.MustCompile(`(?m)^#define ` + m + `\(`).MatchString(text) {
				t.Errorf("%s does not define %s", file, m)
			}
			if !regexp.MustCompile(`(?m)^#undef ` + m + `$`).MatchString(text) {
				t.Errorf("%s does not undefine the kernel's %s", file, m)
			}
		}
	}
	if files[Compiler] == "" {
		t.Errorf("%s is not written", Compiler)
	}
}

// And one that is defined must stand in the tiny tree, or nothing tries it.
func TestEveryMacroIsTried(t *testing.T) {
	var tried strings.Builder
	for _, name := range []string{"all_events.h", "all_fields.h"} {
		text, err := os.ReadFile(filepath.Join("../fixtures/tree/include/trace/events", name))
		if err != nil {
			t.Fatal(err)
		}
		tried.Write(text)
	}
	// They are for kernels before 5.10, or empty by definition.
	untried := []string{"DECLARE_EVENT_CLASS_NOP", "DECLARE_EVENT_NOP", "TP_perf_assign", "PARAMS"}
	for _, m := range slices.Concat(eventMacros, fieldMacros) {
		if !slices.Contains(untried, m) && !regexp.MustCompile(`\b`+m+`\(`).MatchString(tried.String()) {
			t.Errorf("%s is used nowhere in the tiny tree", m)
		}
	}
}

func TestDigest(t *testing.T) {
	first := Digest()
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(first) {
		t.Errorf("digest %q", first)
	}
	if Digest() != first {
		t.Error("the digest changes from call to call")
	}
}

func TestWriteFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(file); err == nil {
		t.Error("writing into a file as if it were a folder succeeds")
	}
}

func TestHints(t *testing.T) {
	seen := map[string]bool{}
	for i, h := range hints {
		if seen[h.Header] {
			t.Errorf("%s has two hints", h.Header)
		}
		seen[h.Header] = true
		if i > 0 && hints[i-1].Header > h.Header {
			t.Errorf("%s stands behind %s", h.Header, hints[i-1].Header)
		}
		if len(h.Includes)+len(h.Unknown)+len(h.Constants) == 0 {
			t.Errorf("%s: a hint that hints at nothing", h.Header)
		}
		if got, ok := HintFor(h.Header); !ok || got.Header != h.Header {
			t.Errorf("%s is not found", h.Header)
		}
	}
	if _, ok := HintFor("trace/events/sched.h"); ok {
		t.Error("a hint for a header that needs none")
	}
}
