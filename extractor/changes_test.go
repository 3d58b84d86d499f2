package extractor

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// copyTiny copies the tiny tree to where a test may change it.
func copyTiny(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	if err := os.CopyFS(dir, os.DirFS(tinyTree)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// edit replaces text in a file and sets its time back.
func edit(t *testing.T, path, before, after string) {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(text, []byte(before), []byte(after), 1)
	if bytes.Equal(changed, text) {
		t.Fatalf("%s has no %q", path, before)
	}
	if err := os.WriteFile(path, changed, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, st.ModTime(), st.ModTime()); err != nil {
		t.Fatal(err)
	}
}

func TestUnchanged(t *testing.T) {
	const events = "include/trace/events/"
	for _, test := range []struct {
		name   string
		change func(t *testing.T, dir string)
		want   bool
	}{
		{"nothing", func(*testing.T, string) {}, true},
		{"a file that nobody reads", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "README.md"), "tiny", "tidy")
		}, true},
		{"a trace header, same size and time", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, events, "wrapped.h"), "TP_PROTO(int vector)", "TP_PROTO(int vectar)")
		}, false},
		{"a header that a repair included", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "include/linux/gadget.h"), "typedef u16", "typedef u32")
		}, false},
		{"the configuration", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "include/generated/autoconf.h"), "CONFIG_TINY 1", "CONFIG_TINY 2")
		}, false},
		{"a new trace header", func(t *testing.T, dir string) {
			text, err := os.ReadFile(filepath.Join(dir, events, "silent.h"))
			if err != nil {
				t.Fatal(err)
			}
			text = bytes.ReplaceAll(text, []byte("SILENT"), []byte("LOUD"))
			if err := os.WriteFile(filepath.Join(dir, events, "loud.h"), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"a trace header that is gone", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, events, "guard_b.h")); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"a header read that is gone", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "include/linux/gadget.h")); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := copyTiny(t)
			snap := extractTiny(t, dir, "gcc")
			test.change(t, dir)
			got, err := Unchanged(context.Background(), Request{Tree: dir}, snap.Inputs)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("unchanged: %v, want %v", got, test.want)
			}
		})
	}
}

// One kernel is one identity, wherever its tree lies and whatever compiled it.
func TestIdentity(t *testing.T) {
	first := extractTiny(t, tinyTree, "gcc")
	dir := copyTiny(t)
	second := extractTiny(t, dir, "gcc")
	third := extractTiny(t, dir, "clang")
	if first.Kernel.ID != second.Kernel.ID || second.Kernel.ID != third.Kernel.ID {
		t.Errorf("one content, three ids: %s, %s in another place, %s with clang",
			first.Kernel.ID, second.Kernel.ID, third.Kernel.ID)
	}
	edit(t, filepath.Join(dir, "include/linux/module.h"), "char name[56]", "char name[60]")
	if changed := extractTiny(t, dir, "gcc"); changed.Kernel.ID == first.Kernel.ID {
		t.Error("a kernel with another struct module has the same id")
	}
}

// A request that names a compiler or a BTF wants that one.
func TestUnchangedAsks(t *testing.T) {
	snap := extractTiny(t, tinyTree, "gcc")
	tier.NeedTool(t, "clang", "clang")
	for _, test := range []struct {
		cc   string
		want bool
	}{{"", true}, {"gcc", true}, {"clang", false}} {
		got, err := Unchanged(context.Background(), Request{Tree: tinyTree, CC: test.cc}, snap.Inputs)
		if err != nil || got != test.want {
			t.Errorf("compiler %q: unchanged %v (%v), want %v", test.cc, got, err, test.want)
		}
	}
	_, err := Unchanged(context.Background(), Request{Tree: tinyTree, BTF: "no such file"}, snap.Inputs)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a BTF file that is not there: %v", err)
	}
}

// fakeCompiler is a compiler that answers what it is, and then does what
// script says instead of compiling. It sees its arguments; "$out" is the object.
func fakeCompiler(t *testing.T, script string) string {
	t.Helper()
	tier.NeedTool(t, "gcc", "gcc")
	path := filepath.Join(t.TempDir(), "cc")
	text := `#!/bin/sh
case " $* " in *" -dM "*) exec gcc "$@" ;; esac
for a; do last=$a; done
out=$last
` + script + "\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// A compiler that misbehaves is an error that says so, and leaves no scratch
// folder.
func TestBadCompiler(t *testing.T) {
	for _, test := range []struct{ name, script, want string }{
		{"crashes", "kill -SEGV $$", "the compiler crashed"},
		{"internal error", "echo 'unit1.c:1: internal compiler error: in foo' >&2; exit 4", "the compiler crashed"},
		{"has no room for its object", "echo '{standard input}: Assembler messages:' >&2; echo '{standard input}: Fatal error: unit1.o: No space left on device' >&2; exit 1", "no space left on device"},
		{"has no room for its text", "echo 'linux/module.h:1:1: fatal error: error writing to /tmp/cc1.s: No space left on device' >&2; exit 1", "no space left on device"},
		{"is over its quota", "echo 'cc: fatal error: cannot write: Disk quota exceeded' >&2; exit 4", "disk quota exceeded"},
		{"fails without a word", "exit 1", "it says nothing"},
		{"writes nothing", `gcc "$@"; rm -f "$out"`, "no such file"},
		{"writes an empty object", `gcc "$@"; : >"$out"`, "object of unit"},
		{"writes half an object", `gcc "$@"; head -c 4000 "$out" >"$out.x"; mv "$out.x" "$out"`, "object of unit"},
		{"writes no debug information", `gcc "$@" -g0`, "object of unit"},
		{"writes something else", `gcc "$@"; echo hello >"$out"`, "object of unit"},
		{"cannot read the prefix", "echo 'linux/module.h:1:1: error: no good' >&2; exit 1", "do not compile"},
	} {
		t.Run(test.name, func(t *testing.T) {
			scratch := t.TempDir()
			cc := fakeCompiler(t, test.script)
			t.Setenv("TMPDIR", scratch)
			_, err := Extract(context.Background(), Request{Tree: tinyTree, CC: cc})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			empty(t, scratch)
		})
	}
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("%s is left in the scratch folder", e.Name())
	}
}

// ^C while the compiler runs ends it and cleans up.
func TestCancelled(t *testing.T) {
	scratch := t.TempDir()
	started := filepath.Join(t.TempDir(), "started")
	cc := fakeCompiler(t, "echo $$ >"+started+"; sleep 1000")
	t.Setenv("TMPDIR", scratch)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for range 1000 {
			if text, err := os.ReadFile(started); err == nil && len(text) > 0 {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	_, err := Extract(ctx, Request{Tree: tinyTree, CC: cc})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	empty(t, scratch)
	pid, err := os.ReadFile(started)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid))); err == nil {
		t.Errorf("the compiler, process %s, still runs", pid)
	}
}

// The environment of whoever runs the extraction has no say in it.
func TestEnvironment(t *testing.T) {
	want := extractTiny(t, tinyTree, "gcc")
	evil := t.TempDir()
	if err := os.MkdirAll(filepath.Join(evil, "linux"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(evil, "linux/gadget.h"), []byte("#error included\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"CPATH", "C_INCLUDE_PATH", "GCC_EXEC_PREFIX", "COMPILER_PATH", "CCC_OVERRIDE_OPTIONS", "CFLAGS", "SOURCE_DATE_EPOCH"} {
		t.Setenv(name, evil)
	}
	got := extractTiny(t, tinyTree, "gcc")
	if ids(got.Events) != ids(want.Events) {
		t.Error("with CPATH and the like set, other events come out")
	}
}

// ids joins the content ids of events, for comparison.
func ids(events []tpinfo.Tracepoint) string {
	var s strings.Builder
	for i := range events {
		s.WriteString(events[i].ContentID().String() + "\n")
	}
	return s.String()
}
