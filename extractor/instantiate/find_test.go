package instantiate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	found, err := Find(context.Background(), "../../fixtures/source", "x86")
	if err != nil {
		t.Fatal(err)
	}
	want := &Found{
		Sources: []string{
			"arch/x86/kernel/irq.c", "drivers/absent/absent.c", "drivers/gizmo/main.c", "drivers/gizmo/other.c",
			"drivers/gizmo/part/part.c", "drivers/needy/needy.c", "fs/hidden/super.c",
		},
		Headers: []string{
			"drivers/absent/absent_trace.h", "drivers/gizmo/gizmo_trace.h", "drivers/gizmo/nested.h", "drivers/gizmo/orphan_trace.h",
			"drivers/gizmo/other_trace.h", "drivers/gizmo/part/part_trace.h", "drivers/gizmo/sub/sub_trace.h", "drivers/needy/needy_trace.h",
		},
		Foreign: []string{"arch/toy/kernel/toy_trace.h"},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	toy, err := Find(context.Background(), "../../fixtures/source", "toy")
	if err != nil {
		t.Fatal(err)
	}
	// The vectors of x86 are public there, and another architecture's here.
	if want := []string{"arch/x86/include/asm/trace/vectors.h"}; !cmp.Equal(toy.Foreign, want) {
		t.Errorf("foreign to toy: %v, want %v", toy.Foreign, want)
	}
	if want := "arch/toy/kernel/toy_trace.h"; toy.Headers[0] != want {
		t.Errorf("headers of toy start with %s, want %s", toy.Headers[0], want)
	}
}

// What is no part of a kernel, and what is too large to be looked into, is not
// found; a link out of the tree is not followed.
func TestFindSkips(t *testing.T) {
	dir := t.TempDir()
	const text = "#define CREATE_TRACE_POINTS\n#define TRACE_SYSTEM x\n"
	for name, text := range map[string]string{
		"drivers/a.c": text, "drivers/a.h": text, "tools/a.c": text, "include/trace/events/a.h": text, ".git/a.c": text,
		"drivers/tools/b.c": text, "drivers/a.S": text, "Documentation/a.c": text,
		"drivers/large.h": text + strings.Repeat("\n", largest), "arch/arm/a.c": text, "arch/x86/a.c": text, "empty.c": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link.c")); err != nil {
		t.Fatal(err)
	}
	found, err := Find(context.Background(), dir, "x86")
	if err != nil {
		t.Fatal(err)
	}
	want := &Found{Sources: []string{"arch/x86/a.c", "drivers/a.c", "drivers/tools/b.c"}, Headers: []string{"drivers/a.h"}}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := Find(context.Background(), filepath.Join(dir, "not", "there"), "x86"); err == nil {
		t.Error("a folder that is not there is looked through")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Find(ctx, dir, "x86"); err == nil {
		t.Error("a cancelled search goes on")
	}
}
