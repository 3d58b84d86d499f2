package cc

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var amd64 = &kbuild.Arch{
	Name: "x86", WordSize: 8, Order: tpinfo.LittleEndian,
	GNU: "x86_64-linux-gnu", LLVM: "x86_64-linux-gnu", Host: []string{"amd64"},
}

// script makes a program.
func script(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, text string, limits Limits) (*Result, error) {
	t.Helper()
	dir := t.TempDir()
	return Run(context.Background(), Command{Path: script(t, dir, "cc", text), Dir: dir, Limits: limits})
}

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name, text          string
		limits              Limits
		status              int
		stdout, stderr, err string
	}{
		{name: "well", text: "echo out; echo err >&2", stdout: "out\n", stderr: "err\n"},
		{name: "errors in the input", text: "echo 'x.c:1:1: error: no' >&2; exit 1", status: 1, stderr: "x.c:1:1: error: no\n"},
		{name: "killed", text: "kill -SEGV $$", err: "the compiler crashed"},
		{name: "gcc's internal error", text: "echo 'internal compiler error: Segmentation fault' >&2; exit 4", err: "internal compiler error: Segmentation fault"},
		{name: "clang's crash", text: "echo 'PLEASE submit a bug report' >&2; exit 139", err: "PLEASE submit"},
		{name: "never ends", text: "sleep 1000", limits: Limits{Time: 200 * time.Millisecond}, err: "did not finish in time"},
		{name: "says too much", text: "yes | head -c 1000000", limits: Limits{Output: 1000}, stdout: strings.Repeat("y\n", 500)},
		{name: "writes too much", text: "head -c 1000000 /dev/zero >big; test $(wc -c <big) -lt 1000000", limits: Limits{File: 10240}, stderr: "File size limit exceeded\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			res, err := run(t, test.text, test.limits)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Stdout) > 2000 {
				t.Fatalf("%d bytes of output are kept", len(res.Stdout))
			}
			if res.ExitCode != test.status || res.Stdout != test.stdout || res.Stderr != test.stderr {
				t.Errorf("status %d, %q, %q; want %d, %q, %q", res.ExitCode, res.Stdout, res.Stderr, test.status, test.stdout, test.stderr)
			}
		})
	}
	if _, err := Run(context.Background(), Command{Path: "/no/such/cc", Dir: t.TempDir()}); err == nil {
		// The shell says that it is not there, with status 127.
		t.Error("a program that is not there runs")
	}
}

// The user's environment does not reach the compiler.
func TestEnvironment(t *testing.T) {
	for _, name := range []string{"CPATH", "C_INCLUDE_PATH", "GCC_EXEC_PREFIX", "CCACHE_DIR", "LANG", "LC_MESSAGES", "SOME_SECRET"} {
		t.Setenv(name, "evil")
	}
	res, err := run(t, "env", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(res.Stdout, "evil") {
		t.Errorf("it sees:\n%s", res.Stdout)
	}
	for _, want := range []string{"LC_ALL=C\n", "PATH="} {
		if !strings.Contains(res.Stdout, want) {
			t.Errorf("it lacks %q:\n%s", want, res.Stdout)
		}
	}
}

// What runs out of time, or is given up, is ended with all it started.
func TestEverythingEnds(t *testing.T) {
	for _, name := range []string{"time", "context"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			pids := filepath.Join(dir, "pids")
			path := script(t, dir, "cc", "sleep 1000 & echo $! $$ >"+pids+"; wait")
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			limits := Limits{}
			if name == "time" {
				limits.Time = 300 * time.Millisecond
			} else {
				time.AfterFunc(300*time.Millisecond, cancel)
			}
			_, err := Run(ctx, Command{Path: path, Dir: dir, Limits: limits})
			if name == "time" && !errors.Is(err, ErrTimeout) || name == "context" && !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			text, err := os.ReadFile(pids)
			if err != nil {
				t.Fatal(err)
			}
			for _, pid := range strings.Fields(string(text)) {
				if !gone(pid) {
					t.Errorf("process %s still runs", pid)
				}
			}
		})
	}
}

// gone waits a little for a process to be collected.
func gone(pid string) bool {
	for range 100 {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func TestMemoryLimit(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	dir := t.TempDir()
	// A header that includes itself over and over, with a wide name each time.
	source := filepath.Join(dir, "x.c")
	text := "int a[" + strconv.Itoa(1<<30) + "] = { [0 ... " + strconv.Itoa(1<<30-1) + "] = 1 };\n"
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := Run(context.Background(), Command{
		Path: "gcc", Args: []string{"-c", source, "-o", filepath.Join(dir, "x.o")}, Dir: dir,
		Limits: Limits{Memory: 300 << 20, File: 10 << 20, Time: time.Minute},
	})
	if err == nil && res.ExitCode == 0 {
		t.Error("four gigabytes of data compile within 300 MiB and a file of 10 MiB")
	}
	if res != nil && res.MaxRSS > 320<<20 {
		t.Errorf("it took %d MiB", res.MaxRSS>>20)
	}
}

func TestFind(t *testing.T) {
	ctx := context.Background()
	gcc := func(t *testing.T, dir, name string) {
		tier.NeedTool(t, "gcc", "gcc")
		script(t, dir, name, `exec gcc "$@"`)
	}
	path := os.Getenv("PATH")
	for _, test := range []struct {
		name, choice string
		setup        func(t *testing.T, dir string)
		arch         string
		want         string // family, or a part of the error
	}{
		{name: "gcc by itself", choice: "", want: "gcc "},
		{name: "by name", choice: "gcc", want: "gcc "},
		{name: "clang", choice: "clang", want: "clang "},
		{name: "by path", choice: "DIR/mycc", setup: func(t *testing.T, dir string) { gcc(t, dir, "mycc") }, want: "gcc "},
		{name: "a path to nothing", choice: "/no/such/cc", want: "no C compiler at /no/such/cc"},
		{name: "a name of nothing", choice: "no-such-cc", want: "no C compiler named no-such-cc on the PATH"},
		{name: "not a compiler", choice: "DIR/liar", setup: func(t *testing.T, dir string) { script(t, dir, "liar", "exit 0") }, want: "is neither gcc nor clang"},
		{name: "a broken one", choice: "DIR/broken", setup: func(t *testing.T, dir string) { script(t, dir, "broken", "echo 'cannot execute cc1' >&2; exit 1") }, want: "does not work: cannot execute cc1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if test.setup != nil {
				test.setup(t, dir)
			}
			if test.choice == "clang" {
				tier.NeedTool(t, "clang", "clang")
			} else if strings.HasPrefix(test.want, "gcc ") {
				tier.NeedTool(t, "gcc", "gcc")
			}
			c, err := Find(ctx, strings.Replace(test.choice, "DIR", dir, 1), amd64)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = c.String()
				if _, err := os.Stat(filepath.Join(c.Include, "stdarg.h")); err != nil {
					t.Error(err)
				}
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
	t.Run("only a versioned name", func(t *testing.T) {
		dir := t.TempDir()
		gcc(t, dir, "gcc-12")
		script(t, dir, "gcc-12", `PATH=`+path+` exec gcc "$@"`)
		t.Setenv("PATH", dir)
		c, err := Find(ctx, "", amd64)
		if err != nil || c.Path != filepath.Join(dir, "gcc-12") {
			t.Errorf("%+v (%v)", c, err)
		}
	})
	t.Run("of another machine", func(t *testing.T) {
		vax := *amd64
		vax.Name, vax.GNU, vax.Macros = "vax", "vax-linux-gnu", []string{"__vax__"}
		dir := t.TempDir()
		gcc(t, dir, "gcc")
		program := filepath.Join(dir, "gcc")
		_, err := Find(ctx, program, &vax)
		if !errors.Is(err, ErrNoCompiler) || !strings.Contains(err.Error(), "for vax: "+program+" compiles for another machine: apt-get install gcc-vax-linux-gnu") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("none at all", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		for choice, want := range map[string]string{"": "apt-get install gcc (or clang)", "gcc": "apt-get install gcc", "clang": "apt-get install clang"} {
			if _, err := Find(ctx, choice, amd64); !errors.Is(err, ErrNoCompiler) || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %s", choice, err, want)
			}
		}
		arm64 := &kbuild.Arch{Name: "arm64", GNU: "aarch64-linux-gnu", LLVM: "aarch64-linux-gnu", Host: []string{"none"}, WordSize: 8}
		if _, err := Find(ctx, "gcc", arm64); err == nil || !strings.Contains(err.Error(), "apt-get install gcc-aarch64-linux-gnu") {
			t.Errorf("a cross compiler: %v", err)
		}
	})
}
