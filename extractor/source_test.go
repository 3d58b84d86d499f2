package extractor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// tinySource is the full source of the tiny tree.
const tinySource = "../fixtures/source"

func extractSource(t *testing.T, req Request) *tpinfo.Snapshot {
	t.Helper()
	snap, err := Extract(context.Background(), req)
	if err != nil {
		t.Fatalf("extracting with %s: %v", req.CC, err)
	}
	return snap
}

func eventNamed(t *testing.T, snap *tpinfo.Snapshot, name string) *tpinfo.Tracepoint {
	t.Helper()
	i := slices.IndexFunc(snap.Events, func(e tpinfo.Tracepoint) bool { return e.FullName() == name })
	if i < 0 {
		t.Fatalf("no event %s", name)
	}
	return &snap.Events[i]
}

// Everything that a full source tells of the tiny kernel, from gcc and from
// clang.
func TestTinySource(t *testing.T) {
	for _, cc := range []string{"gcc", "clang"} {
		t.Run(cc, func(t *testing.T) {
			tier.NeedTool(t, cc, cc)
			snap := extractSource(t, Request{Tree: tinyTree, Source: tinySource, CC: cc})
			var got []string
			for i := range snap.Events {
				e := &snap.Events[i]
				if !e.Built() {
					continue
				}
				if !e.Complete() || len(e.Problems) > 0 {
					t.Errorf("%s: complete %v, problems %v", e.FullName(), e.Complete(), e.Problems)
				}
				got = append(got, e.FullName()+" "+e.Header)
			}
			want := []string{
				"gizmo:gizmo_bare_tp drivers/gizmo/gizmo_trace.h",
				"gizmo:gizmo_off drivers/gizmo/gizmo_trace.h",
				"gizmo:gizmo_on drivers/gizmo/gizmo_trace.h",
				"gizmo-sub:sub_event drivers/gizmo/sub/sub_trace.h",
				"nested:nested_event drivers/gizmo/nested.h",
				"other:other_event drivers/gizmo/other_trace.h",
				"part:part_event drivers/gizmo/part/part_trace.h",
				"private:private_length include/trace/events/private.h",
				"private:private_pointer include/trace/events/private.h",
				"private:private_value include/trace/events/private.h",
				"x86-second:x86_second_system arch/x86/include/asm/trace/vectors.h",
				"x86-vectors:x86_vector arch/x86/include/asm/trace/vectors.h",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events that are built (-want +got):\n%s", diff)
			}
			for name, why := range map[string]string{
				"absent:absent_event": "not built: CONFIG_ABSENT is not set",
				"fields:all_fields":   "not built: no source of this architecture instantiates it",
			} {
				e := eventNamed(t, snap, name)
				if want := []tpinfo.Problem{{Code: tpinfo.NotBuilt, Message: why}}; !cmp.Equal(e.Problems, want) {
					t.Errorf("%s: problems %v, want %v", name, e.Problems, want)
				}
			}
			if i := slices.IndexFunc(snap.Events, func(e tpinfo.Tracepoint) bool { return e.Name == "gizmo_absent" }); i >= 0 {
				t.Error("an event under an option that is off is there")
			}

			value := eventNamed(t, snap, "private:private_value")
			if a := value.Args[1]; a != (tpinfo.Arg{Name: "secret", Type: "hidden_t", Offset: 8, Size: 2}) {
				t.Errorf("argument of a private type: %+v", a)
			}
			if r := value.Record; r.Size != 20 || r.Fields[6].Name != "after" || r.Fields[6].Offset != 16 {
				t.Errorf("record with a private type: %+v", r)
			}
			if r := eventNamed(t, snap, "private:private_length").Record; r.Size != 36 || r.Fields[5].Type != "char[24]" {
				t.Errorf("record whose size needs a private constant: %+v", r)
			}
			if a := eventNamed(t, snap, "gizmo:gizmo_bare_tp").Args[0]; a != (tpinfo.Arg{Name: "by_value", Type: "struct gizmo", Size: 24}) {
				t.Errorf("argument whose size follows from a flag of the Makefile: %+v", a)
			}
			// Each source has a struct priv of its own.
			if a := eventNamed(t, snap, "gizmo-sub:sub_event").Args[1]; a.Size != 4 {
				t.Errorf("struct priv of drivers/gizmo/main.c: %+v", a)
			}
			if a := eventNamed(t, snap, "other:other_event").Args[0]; a.Size != 16 {
				t.Errorf("struct priv of drivers/gizmo/other.c: %+v", a)
			}
			if e := eventNamed(t, snap, "part:part_event"); e.Args[0].Size != 8 || e.Record.Size != 16 {
				t.Errorf("an event of a source that is part of another: %+v", e)
			}
			sizes := map[string]tpinfo.Bytes{}
			for i := range snap.Types {
				sizes[snap.Types[i].Name] = snap.Types[i].Size
			}
			if sizes["struct priv"] != 4 || sizes["struct gizmo"] != 24 {
				t.Errorf("struct priv has %s bytes, want 4, those of the first source; struct gizmo %s, want 24", sizes["struct priv"], sizes["struct gizmo"])
			}
			if _, ok := sizes["struct absent"]; ok {
				t.Error("a type of a source that is not built is there")
			}
		})
	}
}

// Every header of which no event came is named with its reason.
func TestTinySourceProblems(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	snap := extractSource(t, Request{Tree: tinyTree, Source: tinySource, CC: "gcc"})
	golden(t, "tiny-source-problems.jsonl", snap.Kernel.Problems)
	var codes []string
	for _, p := range snap.Kernel.Problems {
		codes = append(codes, string(p.Code)+" "+p.Subject)
	}
	for _, want := range []string{
		"header-not-built arch/toy/kernel/toy_trace.h", "header-not-built drivers/gizmo/orphan_trace.h",
		"header-not-built drivers/needy/needy_trace.h", "type-conflict struct priv",
	} {
		if !slices.Contains(codes, want) {
			t.Errorf("no problem %s among %v", want, codes)
		}
	}
}

// The source tells more of the same kernel: its name stays, and a later look
// without the source does not want it back.
func TestSourceIdentity(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	ctx := context.Background()
	source := t.TempDir()
	if err := os.CopyFS(source, os.DirFS(tinySource)); err != nil {
		t.Fatal(err)
	}
	plain := Request{Tree: tinyTree, CC: "gcc"}
	full := Request{Tree: tinyTree, Source: source, CC: "gcc"}
	a, b := extractSource(t, plain), extractSource(t, full)
	if a.Kernel.ID != b.Kernel.ID {
		t.Errorf("the kernel is %s without its source, and %s with it", a.Kernel.ID, b.Kernel.ID)
	}
	for _, f := range []string{"full:drivers/gizmo/main.c", "full:drivers/gizmo/gizmo_trace.h", "full:fs/hidden/hidden.h", "source:include/linux/gadget.h"} {
		if !slices.Contains(b.Inputs.Files, f) {
			t.Errorf("%s is none of the inputs %v", f, b.Inputs.Files)
		}
	}
	unchanged := func(what string, req Request, inputs tpinfo.Inputs, want bool) {
		t.Helper()
		if got, err := Unchanged(ctx, req, inputs); err != nil || got != want {
			t.Errorf("%s: unchanged %v, error %v; want %v", what, got, err, want)
		}
	}
	unchanged("no source before, none now", plain, a.Inputs, true)
	unchanged("no source before, one now", full, a.Inputs, false)
	unchanged("a source before, none now", plain, b.Inputs, true)
	unchanged("the same source", full, b.Inputs, true)

	edit := func(name, old, with string) (back func()) {
		t.Helper()
		path := filepath.Join(source, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), old) {
			t.Fatalf("%s has no %q", name, old)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, with, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct{ name, old, with string }{
		{"drivers/gizmo/gizmo.h", "u32 lanes", "u16 lanes"},
		{"drivers/gizmo/main.c", "int of_main", "u16 of_main"},
		{"drivers/gizmo/whole.c", "u32 halves", "u16 halves"},
		{"drivers/gizmo/Makefile", "GIZMO_LANES=4", "GIZMO_LANES=8"},
		{"drivers/Makefile", "CONFIG_TINY", "CONFIG_ABSENT"},
		{"init/main.c", "/*", "#define CREATE_TRACE_POINTS\n/*"},
	} {
		back := edit(c.name, c.old, c.with)
		unchanged("edited "+c.name, full, b.Inputs, false)
		unchanged("edited "+c.name+", not asked for", plain, b.Inputs, true)
		back()
	}
	unchanged("all taken back", full, b.Inputs, true)
	if err := os.Remove(filepath.Join(source, "drivers/gizmo/gizmo.h")); err != nil {
		t.Fatal(err)
	}
	unchanged("a header is gone", full, b.Inputs, false)
}

// A source that is not the tree's is refused, whatever its version says.
func TestOtherSource(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	ctx := context.Background()
	source := t.TempDir()
	if err := os.CopyFS(source, os.DirFS(tinySource)); err != nil {
		t.Fatal(err)
	}
	extract := func() error {
		_, err := Extract(ctx, Request{Tree: tinyTree, Source: source, CC: "gcc"})
		return err
	}
	path := filepath.Join(source, "include/linux/types.h")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("typedef unsigned short u32;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := extract()
	if !errors.Is(err, ErrOtherSource) || !strings.Contains(err.Error(), "include/linux/types.h") {
		t.Errorf("a source with another header: %v, want ErrOtherSource and the header", err)
	}
	if err := os.WriteFile(filepath.Join(source, "Makefile"), []byte("VERSION = 6\nPATCHLEVEL = 18\nSUBLEVEL = 0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := extract(); !errors.Is(err, kbuild.ErrOtherVersion) || !strings.Contains(err.Error(), "6.18.0") || !strings.Contains(err.Error(), "6.17.0") {
		t.Errorf("a source of another version: %v, want ErrOtherVersion and both versions", err)
	}
	source = tinyTree
	if err := extract(); !errors.Is(err, kbuild.ErrNotSource) {
		t.Errorf("a tree of headers as the source: %v, want ErrNotSource", err)
	}
}

// Of several sources the one of the tree's version is taken.
func TestSourceAmong(t *testing.T) {
	target, err := Resolve(context.Background(), Request{Tree: tinyTree})
	if err != nil {
		t.Fatal(err)
	}
	if dir, err := target.SourceAmong([]string{tinyTree, tinySource}); err != nil || dir != tinySource {
		t.Errorf("chosen %q, error %v; want %s", dir, err, tinySource)
	}
	if dir, err := target.SourceAmong(nil); err != nil || dir != "" {
		t.Errorf("of none: %q, error %v", dir, err)
	}
	if _, err := target.SourceAmong([]string{tinyTree, "/nowhere"}); !errors.Is(err, kbuild.ErrNotSource) || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("of unfit ones: %v, want ErrNotSource for each", err)
	}
}

// A source in which the kernel was built is both trees.
func TestBuiltInItsSource(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	dir := t.TempDir()
	for _, from := range []string{tinyTree, tinySource} {
		err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(from, path)
			if err != nil {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(rel)), 0o755); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, rel), text, 0o644)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	req := Request{Tree: dir, Source: dir, CC: "gcc"}
	snap := extractSource(t, req)
	apart := extractSource(t, Request{Tree: tinyTree, Source: tinySource, CC: "gcc"})
	// The public header finds its private one by its relative path here; what
	// comes of it is the same.
	d := differences(apart.Events, snap.Events, (*tpinfo.Tracepoint).FullName, (*tpinfo.Tracepoint).ContentID)
	if len(d) > 0 {
		t.Errorf("events differ from those of two folders: %v", d)
	}
	if same, err := Unchanged(context.Background(), req, snap.Inputs); err != nil || !same {
		t.Errorf("unchanged %v, error %v", same, err)
	}
	if i := slices.IndexFunc(snap.Inputs.Files, func(f string) bool { return !strings.HasPrefix(f, "source:") }); i >= 0 {
		t.Errorf("input %s is of another role than source", snap.Inputs.Files[i])
	}
}
