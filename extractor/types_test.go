package extractor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// named is the type of a name.
func named(t *testing.T, types []tpinfo.Type, name string) *tpinfo.Type {
	t.Helper()
	for i := range types {
		if types[i].Name == name {
			return &types[i]
		}
	}
	t.Fatalf("%d types, none of them %s", len(types), name)
	return nil
}

func TestTypesOfHeaders(t *testing.T) {
	tree := filepath.Join(t.TempDir(), "tree")
	if err := os.CopyFS(tree, os.DirFS(tinyTree)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"part.h":   "typedef unsigned short weight_t;\n",
		"widget.h": "struct widget { weight_t weight; unsigned int a:3, b:5; };\n",
		"bad.h":    "struct bad {\n\tnothing_t x;\n};\n",
	} {
		if err := os.WriteFile(filepath.Join(tree, "include/linux", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, cc := range []string{"gcc", "clang"} {
		t.Run(cc, func(t *testing.T) {
			tier.NeedTool(t, cc, cc)
			req := Request{Tree: tree, CC: cc, Scratch: t.TempDir()}
			nowhere := Request{Tree: tree, CC: cc, Scratch: filepath.Join(tree, "nowhere")}
			if _, err := Types(context.Background(), nowhere, []string{"linux/part.h"}); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("in a scratch folder that is not there: %v", err)
			}
			// Included in this order: the second needs the first.
			types, err := Types(context.Background(), req, []string{"linux/part.h", "linux/widget.h"})
			if err != nil {
				t.Fatal(err)
			}
			w := named(t, types, "struct widget")
			if w.Size != 4 || len(w.Members) != 3 || w.Members[0].Type != "weight_t" || w.Members[2].BitSize != 5 {
				t.Errorf("%+v", w)
			}
			for _, c := range []struct{ header, want string }{
				{"linux/bad.h", "<linux/bad.h> does not compile: include/linux/bad.h:2: unknown type name 'nothing_t'"},
				{"linux/nowhere.h", "<linux/nowhere.h> does not compile: "},
				{"../x.h", `"../x.h" is not a header of the kernel, as linux/sched.h is`},
				{"/etc/hosts", `"/etc/hosts" is not a header of the kernel`},
				{"x.h>\n#include <y.h", "is not a header of the kernel"},
			} {
				if _, err := Types(context.Background(), req, []string{c.header}); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v, want %s", c.header, err, c.want)
				}
			}
		})
	}
}

// A header of a real kernel that no trace header includes.
func TestTypesOfRealHeaders(t *testing.T) {
	tier.Need(t, tier.Trees)
	tier.NeedTool(t, "gcc", "gcc")
	for _, series := range kernels.Series() {
		k := kernels.Get(t, kernels.Spec{Series: series}, kernels.Headers)
		types, err := Types(context.Background(), Request{Tree: k.Build}, []string{"linux/cdev.h"})
		if err != nil {
			t.Errorf("%s: %v", k.Release, err)
			continue
		}
		cdev := named(t, types, "struct cdev")
		names := ""
		for _, m := range cdev.Members {
			names += m.Name + " "
		}
		if names != "kobj owner ops list dev count " {
			t.Errorf("%s: struct cdev has %s", k.Release, names)
		}
	}
}
