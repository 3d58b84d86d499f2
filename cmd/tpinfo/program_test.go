package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/inspect"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/process"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// program builds tpinfo, for the tests that need a process of its own.
func program(t *testing.T) string {
	t.Helper()
	tier.Need(t, tier.Trees)
	tier.NeedTool(t, "gcc", "gcc")
	path := filepath.Join(t.TempDir(), "tpinfo")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// held is what a cache says it holds, after a check of all that is in it.
func held(t *testing.T, file string) []inspect.KernelJSON {
	t.Helper()
	var out, errs bytes.Buffer
	ask := func(args ...string) {
		t.Helper()
		out.Reset()
		if status := run(context.Background(), append(args, "--cache", file), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); status != exitDone {
			t.Fatalf("tpinfo %v: status %d: %s%s", args, status, out.String(), errs.String())
		}
	}
	if db, err := cache.Open(context.Background(), file, cache.ReadOnly()); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err == nil {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ask("cache", "verify")
	ask("kernels", "-f", "json")
	var found []inspect.KernelJSON
	for d := json.NewDecoder(&out); d.More(); {
		var k inspect.KernelJSON
		if err := d.Decode(&k); err != nil {
			t.Fatal(err)
		}
		found = append(found, k)
	}
	return found
}

// Killed with SIGKILL at any moment, an extraction leaves a cache that opens
// and shows no half kernel, and no compiler that goes on.
func TestProgramKilled(t *testing.T) {
	const rounds = 100
	tpinfo := program(t)
	file := filepath.Join(t.TempDir(), "cache.db")
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	extract := func() *exec.Cmd {
		return exec.Command(tpinfo, "extract", "-q", "--force", "--cache", file, tinyTree)
	}
	start := time.Now()
	if out, err := extract().CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	moments := process.Until(time.Since(start))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	finished := 0
	made := 0
	for round := range rounds {
		cmd := extract()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(moments.Next())
		if err := cmd.Process.Kill(); err != nil {
			t.Logf("round %d: it had ended", round)
		}
		whole := cmd.Wait() == nil
		moments.Came(whole)
		if whole {
			finished++
		}
		if _, err := os.Stat(file); err != nil {
			continue // before it was even made
		}
		for _, k := range held(t, file) {
			made++
			if k.Events != 41 || k.Types != 56 {
				t.Fatalf("round %d: a kernel of %d events and %d types", round, k.Events, k.Types)
			}
		}
		if round%10 == 9 {
			// From an empty cache again.
			for _, name := range []string{"", "-wal", "-shm"} {
				if err := os.Remove(file + name); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
		}
	}
	t.Logf("%d of %d extractions finished before they were killed; %d times a kernel was there afterwards, whole", finished, rounds, made)
	if finished == 0 || finished == rounds || made == 0 {
		t.Error("the kills came too early, or too late, to mean anything")
	}
	if out, err := extract().CombinedOutput(); err != nil {
		t.Fatalf("the next extraction: %v\n%s", err, out)
	}
	if k := held(t, file); len(k) != 1 || k[0].Events != 41 {
		t.Errorf("the next extraction: %+v", k)
	}
	if running, err := exec.Command("pgrep", "-f", regexp.QuoteMeta(scratch)).Output(); err == nil {
		t.Errorf("compilers that go on: %s", running)
	}
}

// Two extractions of one tree at once give one kernel.
func TestProgramTwice(t *testing.T) {
	tpinfo := program(t)
	file := filepath.Join(t.TempDir(), "cache.db")
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if out, err := exec.Command(tpinfo, "extract", "-q", "--cache", file, tinyTree).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	both.Wait()
	if k := held(t, file); len(k) != 1 || k[0].Events != 41 || k[0].Types != 56 {
		t.Errorf("%+v, want one kernel", k)
	}
}

const tinyTree = "../../fixtures/tree"

// No process of an extraction takes more than 300 MiB, the compilers included.
func TestProgramMemory(t *testing.T) {
	const most = 300 // MiB
	tpinfo := program(t)
	// A process counts the size of the one that started it as its own, and
	// this one is large: something small starts them.
	peak := filepath.Join(t.TempDir(), "peak")
	if out, err := exec.Command("go", "build", "-o", peak, "../../fixtures/cmd/peak").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said := regexp.MustCompile(`one process (\d+) MiB`)
	for _, series := range []string{"6.1", "7"} {
		k := kernels.Get(t, kernels.Spec{Series: series}, kernels.Headers)
		for _, compiler := range []string{"gcc", "clang"} {
			tier.NeedTool(t, compiler, compiler)
			cmd := exec.Command(peak, tpinfo, "extract", "-q", "--cache", filepath.Join(t.TempDir(), "cache.db"), "--cc", compiler, k.Build)
			out, err := cmd.CombinedOutput()
			match := said.FindSubmatch(out)
			if err != nil || match == nil {
				t.Fatalf("%v\n%s", err, out)
			}
			held, err := strconv.Atoi(string(match[1]))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s with %s: %d MiB", k.Release, compiler, held)
			if held > most {
				t.Errorf("%s with %s: %d MiB, at most %d", k.Release, compiler, held, most)
			}
		}
	}
}

// A kernel fits in 2 MB of the cache, and a neighbour of its series adds no
// more than 40 KB.
func TestProgramSize(t *testing.T) {
	tier.Need(t, tier.Trees)
	tier.NeedTool(t, "gcc", "gcc")
	extract := func(file, tree string) int64 {
		t.Helper()
		var out, errs bytes.Buffer
		for _, args := range [][]string{{"extract", "-q", tree}, {"cache", "gc", "-q"}} {
			if status := run(context.Background(), append(args, "--cache", file), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); status != exitDone {
				t.Fatalf("status %d: %s", status, errs.String())
			}
		}
		st, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return st.Size()
	}
	for _, series := range kernels.Series() {
		k := kernels.Get(t, kernels.Spec{Series: series}, kernels.Headers)
		file := filepath.Join(t.TempDir(), "cache.db")
		first := extract(file, k.Build)
		t.Logf("%s: %d bytes", k.Release, first)
		if first > 2_000_000 {
			t.Errorf("%s takes %d bytes", k.Release, first)
		}
		if series != "6.1" {
			continue
		}
		n := kernels.Get(t, kernels.Spec{Series: series, Neighbour: true}, kernels.Headers)
		grown := extract(file, n.Build) - first
		t.Logf("%s beside it: %d bytes more", n.Release, grown)
		if grown > 40_000 {
			t.Errorf("%s adds %d bytes", n.Release, grown)
		}
	}
}
