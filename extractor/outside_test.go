package extractor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// secretWord stands in a file of the machine that no kernel has any business
// with.
const secretWord = "hunter2_of_this_machine"

// Headers of a package can name any file of the machine. Whatever way they do,
// the kernel is refused, and no word of the file is in what is said about it.
func TestOutside(t *testing.T) {
	header := func(text string) func(*testing.T, string, string) {
		return func(t *testing.T, tree, secret string) {
			edit(t, filepath.Join(tree, "include/generated/autoconf.h"), "#define CONFIG_TINY 1\n", "#define CONFIG_TINY 1\n"+strings.ReplaceAll(text, "SECRET", secret)+"\n")
		}
	}
	traceHeader := func(text string) func(*testing.T, string, string) {
		return func(t *testing.T, tree, secret string) {
			edit(t, filepath.Join(tree, "include/trace/events/wrapped.h"), "#include <linux/tracepoint.h>\n", "#include <linux/tracepoint.h>\n"+strings.ReplaceAll(text, "SECRET", secret)+"\n")
		}
	}
	for _, test := range []struct {
		name  string
		plant func(t *testing.T, tree, secret string)
		only  string // a compiler; empty for both
		fails bool   // in another way, with nothing of the file
	}{
		{"in a complaint about it", header(`#include "SECRET"`), "", false},
		{"in a complaint of a trace header", traceHeader(`#include "SECRET"`), "", false},
		{"as the name of a type", traceHeader("struct leaked {\nint\n#include \"SECRET\"\n;\n};"), "", false},
		{"by a path that climbs", func(t *testing.T, tree, secret string) {
			up := strings.Repeat("../", strings.Count(tree, "/")+2)
			traceHeader("struct leaked { int\n#include \""+up+"SECRET\"\n; };")(t, tree, strings.TrimPrefix(secret, "/"))
		}, "", false},
		{"by a path that climbs behind a link", func(t *testing.T, tree, secret string) {
			// Seen as text, a/b/c/d/../../../../x stays in the tree.
			deep := filepath.Join(tree, "include/a/b/c/d/e/f/g/h/i/j/k/l")
			if err := os.MkdirAll(filepath.Dir(deep), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(tree, "include"), deep); err != nil {
				t.Fatal(err)
			}
			up := strings.Repeat("../", strings.Count(tree, "/")+1)
			traceHeader("struct leaked { int\n#include <a/b/c/d/e/f/g/h/i/j/k/l/"+up+"SECRET>\n; };")(t, tree, strings.TrimPrefix(secret, "/"))
		}, "", false},
		{"before an include that leads nowhere", traceHeader("extern int\n#include \"SECRET\"\n;\n#include <linux/no_such_header.h>"), "", true},
		{"quoted by a complaint elsewhere", traceHeader("extern struct undefined\n#include \"SECRET\"\n;\n" +
			"#define use_it(x) char use[sizeof(struct undefined)]; junk\nuse_it(1)\n"), "", false},
		{"as debugging information", traceHeader(`asm(".pushsection .debug_str; .incbin \"SECRET\"; .popsection");`), "gcc", false},
		{"in the assembler", traceHeader(`asm(".include \"SECRET\"");`), "gcc", true},
	} {
		for _, compiler := range []string{"gcc", "clang"} {
			if test.only != "" && compiler != test.only {
				continue
			}
			t.Run(test.name+"/"+compiler, func(t *testing.T) {
				tier.NeedTool(t, compiler, compiler)
				tree := copyTiny(t)
				secret := filepath.Join(t.TempDir(), "secret")
				if err := os.WriteFile(secret, []byte(secretWord+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				test.plant(t, tree, secret)
				snap, err := Extract(context.Background(), Request{Tree: tree, CC: compiler})
				text, jerr := json.Marshal(snap)
				if jerr != nil {
					t.Fatal(jerr)
				}
				if said := fmt.Sprint(err) + string(text); strings.Contains(said, secretWord) {
					t.Errorf("it gets out: %v", err)
				}
				if test.fails {
					if err == nil && !strings.Contains(string(text), `"header-failed"`) {
						t.Error("nothing fails")
					}
					return
				}
				if !errors.Is(err, compile.ErrOutside) || !strings.Contains(err.Error(), secret) {
					t.Errorf("%v, want %v", err, compile.ErrOutside)
				}
			})
		}
	}
}

// Links that a distribution's tree is made of are no way out: a flavour's
// folder whose headers are links to common ones, which include each other by
// paths that climb.
func TestLinkedTree(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	common, tree := copyTiny(t), filepath.Join(t.TempDir(), "flavour")
	edit(t, filepath.Join(common, "include/trace/events/wrapped.h"), "#include <linux/tracepoint.h>\n", "#include <linux/tracepoint.h>\n#include \"../../linux/gadget.h\"\n")
	for _, name := range []string{"include/linux", "include/trace", "include/ras", "arch"} {
		to := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(common, name), to); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"include/generated", "include/config"} {
		if err := os.CopyFS(filepath.Join(tree, name), os.DirFS(filepath.Join(common, name))); err != nil {
			t.Fatal(err)
		}
	}
	snap, complete := extractTiny(t, tree, "gcc"), 0
	for i := range snap.Events {
		if snap.Events[i].Complete() {
			complete++
		}
	}
	if len(snap.Events) != 41 || complete != 38 {
		t.Errorf("%d events, %d complete, want 41 and 38", len(snap.Events), complete)
	}
}

// What folders are called is no matter of what is said about the kernel: neither
// the tree's nor the scratch folder's, nor that of the source, as far as the
// kernel's own Makefiles bear it.
func TestUnusualPaths(t *testing.T) {
	want := extractSource(t, Request{Tree: tinyTree, Source: tinySource, CC: "gcc"})
	for _, compiler := range []string{"gcc", "clang"} {
		for _, name := range []string{"a,b", "a:b", "a$(b)", "a#b%c", "[a]*", "ä=ß"} {
			t.Run(compiler+"/"+name, func(t *testing.T) {
				tier.NeedTool(t, compiler, compiler)
				dir := filepath.Join(t.TempDir(), name)
				req := Request{Tree: filepath.Join(dir, "tree"), Source: filepath.Join(dir, "source"), Scratch: filepath.Join(dir, "scratch"), CC: compiler}
				for to, from := range map[string]string{req.Tree: tinyTree, req.Source: tinySource} {
					if err := os.CopyFS(to, os.DirFS(from)); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Mkdir(req.Scratch, 0o755); err != nil {
					t.Fatal(err)
				}
				snap, err := Extract(context.Background(), req)
				if err != nil {
					t.Fatal(err)
				}
				if d := differences(want.Events, snap.Events, (*tpinfo.Tracepoint).FullName, (*tpinfo.Tracepoint).ContentID); len(d) > 0 || snap.Kernel.ID != want.Kernel.ID {
					t.Errorf("kernel %s, want %s; events differ: %v", snap.Kernel.ID, want.Kernel.ID, d)
				}
				if diff := cmp.Diff(want.Inputs.Files, snap.Inputs.Files); diff != "" {
					t.Errorf("files:\n%s", diff)
				}
			})
		}
	}
}
