package dwarfx

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// compiler is one way to make an object.
type compiler struct {
	name string
	args []string // program first
}

// compilers write the same for this machine in five ways. DWARF 2 and 3
// describe bitfields by their storage unit, 4 by either, 5 by the first bit.
var compilers = []compiler{
	{"gcc, DWARF 2", []string{"gcc", "-gdwarf-2", "-gstrict-dwarf"}},
	{"gcc, DWARF 4", []string{"gcc", "-gdwarf-4"}},
	{"gcc, DWARF 5", []string{"gcc", "-gdwarf-5"}},
	{"clang, DWARF 4", []string{"clang", "-gdwarf-4"}},
	{"clang, DWARF 5", []string{"clang", "-gdwarf-5"}},
}

// targets are machines of other word sizes and byte orders. clang has them
// all built in. Its DWARF 5 for big-endian machines is out: while debug/dwarf
// looks for the base of .debug_str_offsets it takes that section's header for
// offsets, which are out of range when read in that byte order. DWARF 4 for
// lldb has bitfields the same way.
var targets = []compiler{
	{"i386", []string{"gcc", "-m32", "-gdwarf-4"}},
	{"arm", []string{"clang", "--target=arm-linux-gnueabihf", "-gdwarf-5"}},
	{"aarch64", []string{"clang", "--target=aarch64-linux-gnu", "-gdwarf-4"}},
	{"s390x, DWARF 4", []string{"clang", "--target=s390x-linux-gnu", "-gdwarf-4"}},
	{"s390x, DWARF 4 for lldb", []string{"clang", "--target=s390x-linux-gnu", "-gdwarf-4", "-glldb"}},
	{"s390x, DWARF 2", []string{"clang", "--target=s390x-linux-gnu", "-gdwarf-2"}},
	{"mips", []string{"clang", "--target=mips-linux-gnu", "-gdwarf-4"}},
	{"powerpc64", []string{"clang", "--target=powerpc64-linux-gnu", "-gdwarf-4"}},
}

// each runs f once for every compiler of list that is installed.
func each(t *testing.T, list []compiler, f func(t *testing.T, cc compiler)) {
	for _, cc := range list {
		t.Run(cc.name, func(t *testing.T) {
			t.Parallel()
			tier.NeedTool(t, cc.args[0], cc.args[0])
			f(t, cc)
		})
	}
}

// compile makes an object of source and returns its path.
func (cc compiler) compile(t testing.TB, source string) string {
	t.Helper()
	dir := t.TempDir()
	object := filepath.Join(dir, "unit.o")
	// Unused types are kept: nothing in these units uses them.
	args := append(slices.Clone(cc.args[1:]),
		"-fno-eliminate-unused-debug-types", "-w", "-x", "c", "-c", "-o", object, "-")
	cmd := exec.Command(cc.args[0], args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cc.args, " "), err, out)
	}
	return object
}

// read reads what compile makes of source.
func (cc compiler) read(t testing.TB, source string, opts Options) *Object {
	t.Helper()
	obj, err := Read(context.Background(), cc.compile(t, source), opts)
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

// smallObject is a small object's bytes, for tests that damage it.
func smallObject(t testing.TB, args ...string) []byte {
	t.Helper()
	tier.NeedTool(t, args[0], args[0])
	data, err := os.ReadFile(compiler{args: args}.compile(t, smallSource))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// smallSource has one of each kind of entry.
const smallSource = `
enum mode { OFF = -1, ON = 1 };
typedef unsigned int u32;
struct page;
union word { u32 whole; unsigned char bytes[4]; };
struct gadget {
	int first[2];
	u32 flags : 3, rest : 29;
	struct { enum mode mode; struct gadget *next; };
	int (*call)(const struct page *page, volatile char *text, ...);
	long grid[2][3][4];
	union word tail[];
};
void tp_gadget(struct gadget *g, enum mode mode, const char *name) { }
`
