package symbols

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write the tables of system calls")

func TestSyscalls(t *testing.T) {
	x86, arm64, other := Syscalls("x86"), Syscalls("arm64"), Syscalls("vax")
	for _, c := range []struct {
		names  func(int64) string
		number int64
		want   string
	}{
		{x86, 0, "read"}, {x86, 1, "write"}, {x86, 59, "execve"}, {x86, 257, "openat"}, {x86, 424, "pidfd_send_signal"},
		{arm64, 0, "io_setup"}, {arm64, 63, "read"}, {arm64, 221, "execve"}, {arm64, 56, "openat"},
		{x86, -1, ""}, {x86, 1 << 40, ""}, {arm64, 244, ""}, {other, 0, ""},
	} {
		if got := c.names(c.number); got != c.want {
			t.Errorf("%d is %q, want %q", c.number, got, c.want)
		}
	}
	if got := Syscalls("x86")(unix.SYS_OPENAT2); got != "openat2" {
		t.Errorf("openat2 is %q", got)
	}
}

// The tables are those of the module that go.mod names.
func TestSyscallTablesAreFresh(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		t.Fatal(err)
	}
	for arch, goarch := range map[string]string{"x86": "amd64", "arm64": "arm64"} {
		want := tableOf(t, filepath.Join(strings.TrimSpace(string(dir)), "unix", "zsysnum_linux_"+goarch+".go"))
		name := "syscalls_" + arch + ".txt"
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what golang.org/x/sys says; go test -update makes it anew", name)
		}
	}
}

func tableOf(t *testing.T, path string) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[int]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		name, is := strings.CutPrefix(spec.Names[0].Name, "SYS_")
		number, err := strconv.Atoi(spec.Values[0].(*ast.BasicLit).Value)
		if !is || err != nil {
			t.Fatalf("%s: %s is no system call", path, spec.Names[0].Name)
		}
		if name != "ARCH_SPECIFIC_SYSCALL" { // where an architecture's own begin
			names[number] = strings.ToLower(name)
		}
		return false
	})
	if len(names) < 300 {
		t.Fatalf("%s has %d system calls", path, len(names))
	}
	var table strings.Builder
	for _, n := range slices.Sorted(maps.Keys(names)) {
		fmt.Fprintf(&table, "%d %s\n", n, names[n])
	}
	return table.String()
}
