package compile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// A rule as gcc and clang write it, with what make has to have escaped.
func TestReadDeps(t *testing.T) {
	rule := "unit1.o: /s/unit1.c /b/include/a.h \\\n /s/include/with\\ blank.h\\\n\t/s/include/$$dollar.h /s/x/../include/up.h /sother/c.h /s/\\#hash.h\n"
	path := filepath.Join(t.TempDir(), "unit1.d")
	if err := os.WriteFile(path, []byte(rule), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := readDeps(path, []kbuild.Root{{Role: "build", Dir: "/b"}, {Role: "source", Dir: "/s"}})
	want := []string{
		"source:unit1.c", "build:include/a.h", "source:include/with blank.h", "source:include/$dollar.h", "source:include/up.h", "source:#hash.h",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v\n%s", err, diff)
	}
	if err := os.WriteFile(path, []byte("no rule"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readDeps(path, nil); err == nil {
		t.Error("a text that is no rule is one")
	}
}
