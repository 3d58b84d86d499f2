package cc

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// What gcc 12 and clang 14 print.
const gccSaid = `In file included from include/linux/module.h:22,
                 from unit1.c:3:
include/trace/events/afs.h:40:9: error: unknown type name 'afs_volid_t'
   40 |         afs_volid_t vid;
In file included from unit1.c:7:
include/trace/events/x.h: In function '__tpinfo_args_x':
include/trace/events/x.h:9:1: error: parameter 1 ('fid') has incomplete type
include/trace/stages.h:3:5: note: in expansion of macro 'TP_PROTO'
include/trace/events/x.h:12:1: note: in expansion of macro 'TRACE_EVENT'
unit1.c:9:10: fatal error: private.h: No such file or directory
compilation terminated.
cc1: error: unrecognized command-line option
`

const clangSaid = `In file included from unit1.c:3:
In file included from include/linux/module.h:22:
include/trace/events/afs.h:40:9: error: unknown type name 'afs_volid_t'
        afs_volid_t vid;
        ^
include/trace/define.h:3:5: note: expanded from macro 'TP_PROTO'
In file included from unit1.c:7:
include/trace/events/x.h:9:1: warning: never mind
include/trace/events/x.h:9:1: error: variable has incomplete type 'struct fid'
2 errors generated.
`

func TestDiagnostics(t *testing.T) {
	for _, test := range []struct {
		name, said string
		want       []Diagnostic
	}{
		{"nothing", "", nil},
		{"gcc", gccSaid, []Diagnostic{
			{
				Place: Place{"include/trace/events/afs.h", 40, 9}, Message: "unknown type name 'afs_volid_t'",
				Chain: []Place{{File: "include/linux/module.h", Line: 22}, {File: "unit1.c", Line: 3}},
			},
			{
				Place: Place{"include/trace/events/x.h", 9, 1}, Message: "parameter 1 ('fid') has incomplete type",
				Chain:     []Place{{File: "unit1.c", Line: 7}},
				Expansion: []Place{{"include/trace/stages.h", 3, 5}, {"include/trace/events/x.h", 12, 1}},
			},
			{
				Place: Place{"unit1.c", 9, 10}, Message: "private.h: No such file or directory", Fatal: true,
				Chain: []Place{{File: "unit1.c", Line: 7}},
			},
		}},
		{"clang", clangSaid, []Diagnostic{
			{
				Place: Place{"include/trace/events/afs.h", 40, 9}, Message: "unknown type name 'afs_volid_t'",
				Chain: []Place{{File: "include/linux/module.h", Line: 22}, {File: "unit1.c", Line: 3}},
			},
			{
				Place: Place{"include/trace/events/x.h", 9, 1}, Message: "variable has incomplete type 'struct fid'",
				Chain: []Place{{File: "unit1.c", Line: 7}},
			},
		}},
	} {
		if diff := cmp.Diff(test.want, Diagnostics(test.said)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// The compilers at hand, on an error two includes deep inside a macro.
func TestRealDiagnostics(t *testing.T) {
	for _, name := range []string{"gcc", "clang"} {
		t.Run(name, func(t *testing.T) {
			tier.NeedTool(t, name, name)
			dir := t.TempDir()
			for file, text := range map[string]string{
				"unit.c":  "#include \"outer.h\"\nint fine;\n",
				"outer.h": "\n#include \"inner.h\"\n",
				"inner.h": "#define FIELD(type, item) type item;\nstruct s {\n\tFIELD(missing_t, x)\n};\n",
			} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			res, err := Run(context.Background(), Command{Path: name, Args: []string{"-c", filepath.Join(dir, "unit.c"), "-o", filepath.Join(dir, "unit.o")}, Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			got := Diagnostics(res.Stderr)
			if res.ExitCode != 1 || len(got) != 1 {
				t.Fatalf("status %d, %d errors:\n%s", res.ExitCode, len(got), res.Stderr)
			}
			d := got[0]
			if d.File != filepath.Join(dir, "inner.h") || d.Line != 3 || !strings.Contains(d.Message, "missing_t") {
				t.Errorf("%+v", d)
			}
			want := []Place{{File: filepath.Join(dir, "outer.h"), Line: 2}, {File: filepath.Join(dir, "unit.c"), Line: 1}}
			if diff := cmp.Diff(want, d.Chain); diff != "" {
				t.Errorf("chain (-want +got):\n%s\n%s", diff, res.Stderr)
			}
		})
	}
}

func FuzzDiagnostics(f *testing.F) {
	f.Add(gccSaid)
	f.Add(clangSaid)
	f.Fuzz(func(t *testing.T, said string) {
		for _, d := range Diagnostics(said) {
			if d.File == "" || strings.Contains(d.Message, "\n") {
				t.Fatalf("%+v", d)
			}
		}
	})
}
