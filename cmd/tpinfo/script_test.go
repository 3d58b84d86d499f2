package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/fixtures/packed"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"tpinfo": main})
}

// leakless looks for goroutines that outlive the tests.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	status := l.m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, "goroutines that outlive the tests:", err)
		return 1
	}
	return status
}

// TestScripts runs the sessions under testdata/script. Each has a cache of its
// own, $TREE is the tiny tree of the fixtures, $GCC the version of the compiler.
func TestScripts(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	runScripts(t, "testdata/script")
}

// TestRunningKernel runs the sessions about this machine's own kernel.
func TestRunningKernel(t *testing.T) {
	tier.Need(t, tier.Machine)
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		tier.Skip(t, "the running kernel shows no BTF: %v", err)
	}
	if _, err := os.Stat(filepath.Join("/lib/modules", release(), "build")); err == nil {
		tier.Skip(t, "the running kernel has headers here, and the sessions are about one without")
	}
	runScripts(t, "testdata/running")
}

func runScripts(t *testing.T, dir string, setup ...func(*testscript.Env)) {
	tree, err := filepath.Abs("../../fixtures/tree")
	if err != nil {
		t.Fatal(err)
	}
	source, err := filepath.Abs("../../fixtures/source")
	if err != nil {
		t.Fatal(err)
	}
	version, err := exec.Command("gcc", "-dumpfullversion").Output()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           dir,
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("TREE", tree)
			env.Setenv("SOURCE", source)
			env.Setenv("GCC", strings.TrimSpace(string(version)))
			env.Setenv("TPINFO_CACHE", filepath.Join(env.WorkDir, "cache.db"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cachehome"))
			env.Setenv("TMPDIR", filepath.Join(env.WorkDir, ".tmp"))
			for _, more := range setup {
				more(env)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// pack DIR ABI FLAVOUR ARCH [OLD NEW]... packs a kernel as packages.
			"pack": func(ts *testscript.TestScript, _ bool, args []string) {
				dir := ts.MkAbs(args[0])
				ts.Check(os.MkdirAll(dir, 0o755))
				packed.Write(t, dir, packed.Kernel{ABI: args[1], Flavour: args[2], Arch: args[3], Replace: args[4:]})
			},
			// truncate FILE BYTES
			"truncate": func(ts *testscript.TestScript, _ bool, args []string) {
				size, err := strconv.ParseInt(args[1], 10, 64)
				ts.Check(err)
				ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
			},
		},
		Condition: func(name string) (bool, error) {
			if name == "clang" {
				_, err := exec.LookPath("clang")
				return err == nil, nil
			}
			return false, errors.New("unknown condition " + name)
		},
	})
}

func release() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// ^C while the compiler runs: one line, status 130, nothing left behind.
func TestInterrupted(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	dir := t.TempDir()
	scratch := filepath.Join(dir, "scratch")
	if err := os.Mkdir(scratch, 0o755); err != nil {
		t.Fatal(err)
	}
	started := filepath.Join(dir, "started")
	compiler := filepath.Join(dir, "cc")
	script := "#!/bin/sh\ncase \" $* \" in *\" -dM \"*) exec gcc \"$@\" ;; esac\necho >" + started + "\nsleep 1000\n"
	if err := os.WriteFile(compiler, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", scratch)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for range 1000 {
			if _, err := os.Stat(started); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	cache := filepath.Join(dir, "cache.db")
	var out, errs bytes.Buffer
	status := run(ctx, []string{"extract", "-q", "--cache", cache, "--cc", compiler, "../../fixtures/tree"},
		cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	if status != exitInterrupted {
		t.Errorf("status %d, want %d", status, exitInterrupted)
	}
	if got, want := errs.String(), "tpinfo: interrupted\n"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	if out.Len() > 0 {
		t.Errorf("it prints %q", out.String())
	}
	left, err := os.ReadDir(scratch)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("%s is left in the scratch folder", e.Name())
	}
	out.Reset()
	status = run(context.Background(), []string{"kernels", "-f", "json", "--cache", cache}, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	if status != exitDone || out.Len() > 0 {
		t.Errorf("the cache afterwards: status %d, %q; want it empty and whole", status, out.String())
	}
}
