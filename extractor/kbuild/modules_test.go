package kbuild

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/fixtures/kernels"
)

// A kernel's package tells what kbuild made of the same source: the modules,
// each at its folder's place, and what would be modules and is built in.
func TestAgainstModules(t *testing.T) {
	for _, flavour := range []string{"cloud-amd64", "arm64"} {
		t.Run(flavour, func(t *testing.T) {
			spec := kernels.Spec{Series: "6.1", Flavour: flavour}
			k := kernels.Get(t, spec, kernels.Headers, kernels.Image)
			tree, err := Find(k.Build)
			if err != nil {
				t.Fatal(err)
			}
			s, err := OpenSource(kernels.Source(t, spec, k), tree)
			if err != nil {
				t.Fatal(err)
			}
			s.File("Makefile")
			modules, builtin := map[string]bool{}, map[string]bool{}
			for _, b := range s.rules.built {
				if b.module {
					modules[b.into] = true
				} else {
					builtin[b.into] = true
				}
			}
			if diff := cmp.Diff(packaged(t, k.Modules), modules); diff != "" {
				t.Errorf("modules, -package +Makefiles:\n%s", diff)
			}
			text, err := os.ReadFile(filepath.Join(k.Modules, "modules.builtin"))
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Fields(string(text))
			for _, line := range lines {
				object := strings.TrimSuffix(strings.TrimPrefix(line, "kernel/"), ".ko")
				if !builtin[object] {
					t.Errorf("%s is built in and was not found: %+v", object, s.File(object+".c"))
				}
			}
			if len(modules) < 1000 || len(lines) < 100 {
				t.Errorf("only %d modules and %d built in", len(modules), len(lines))
			}
			if _, unsure := s.BuiltIn(); len(unsure) > 0 {
				t.Errorf("unclear: %q", unsure)
			}
			unknown := 0
			for key := range s.rules.built {
				if f := s.File(key + ".c").Flags; len(f.Unknown) > 0 {
					unknown++
					t.Logf("%s: %q", key, f.Unknown)
				}
			}
			if unknown > 10 {
				t.Errorf("flags of %d objects are not known", unknown)
			}
			t.Logf("%s: %d modules, %d built in of modules.builtin, %d folders, %d objects, flags of %d unknown",
				k.Release, len(modules), len(lines), len(s.rules.folders), len(s.rules.built), unknown)
		})
	}
}

// packaged lists the modules of a kernel's package.
func packaged(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	root := filepath.Join(dir, "kernel")
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if at := strings.LastIndex(path, ".ko"); err == nil && at > 0 {
			rel, rerr := filepath.Rel(root, path[:at])
			found[filepath.ToSlash(rel)] = true
			return rerr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
