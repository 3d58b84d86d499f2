package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/inspect"
	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/packed"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// tinyFleet packs so many kernels of different content, each under two
// releases.
func tinyFleet(t *testing.T, kernels int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for i := range kernels {
		for _, flavour := range []string{"tiny", "cloud"} {
			packed.Write(t, dir, packed.Kernel{ABI: fmt.Sprintf("6.17.0-%d", i), Flavour: flavour, Replace: []string{
				"char name[56]", fmt.Sprintf("char name[%d]", 64+8*i),
			}})
		}
	}
	return dir
}

// content is the digest of what a cache knows, after a check of all in it.
func content(t *testing.T, file string) string {
	t.Helper()
	held(t, file)
	ctx := context.Background()
	db, err := cache.Open(ctx, file, cache.ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	sum, err := db.Content(ctx)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return sum
}

// reported reads a report.
func reported(t *testing.T, path string) *fleet.Report {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := &fleet.Report{}
	if err := json.Unmarshal(text, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func emptyFolder(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("%s is left in the scratch folder", e.Name())
	}
}

// Killed with SIGKILL at random moments and started again until it is through,
// a prebuild gives what one gives that was left alone, builds nothing twice
// that was kept, and cleans up after those that were killed.
func TestPrebuildKilled(t *testing.T) {
	tpinfo := program(t)
	packages, scratch := tinyFleet(t, 5), t.TempDir()
	t.Setenv("TMPDIR", scratch)
	dir := t.TempDir()
	file, report := filepath.Join(dir, "killed.db"), filepath.Join(dir, "report.json")
	prebuild := func(file string) *exec.Cmd {
		return exec.Command(tpinfo, "prebuild", "-q", "--cache", file, "--report", report, packages)
	}
	start := time.Now()
	alone := filepath.Join(dir, "alone.db")
	if out, err := prebuild(alone).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whole := time.Since(start)
	if r := reported(t, report); r.Totals.Built != 5 || r.Totals.Same != 5 {
		t.Fatalf("%+v", r.Totals)
	}
	const rounds = 10
	killed := 0
	for round := range rounds {
		cmd := prebuild(file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(whole / 6))))
		if err := cmd.Process.Kill(); err != nil {
			t.Logf("round %d: it had ended", round)
		}
		if cmd.Wait() != nil {
			killed++
		}
	}
	there := map[string]bool{}
	if _, err := os.Stat(file); err == nil {
		for _, k := range held(t, file) {
			if k.Events != 41 || k.Types != 56 {
				t.Fatalf("a kernel of %d events and %d types", k.Events, k.Types)
			}
			there[k.ID] = true
		}
	}
	if out, err := prebuild(file).CombinedOutput(); err != nil {
		t.Fatalf("the last run: %v\n%s", err, out)
	}
	r := reported(t, report)
	t.Logf("%d of %d killed in the middle; %d kernels were there, %+v", killed, rounds, len(there), r.Totals)
	if killed == 0 {
		t.Error("no kill came in time to mean anything")
	}
	if r.Totals.Built != 5-len(there) {
		t.Errorf("%d kernels were there, and %d of 5 are built again", len(there), r.Totals.Built)
	}
	if got, want := content(t, file), content(t, alone); got != want {
		t.Errorf("content %s, undisturbed %s", got, want)
	}
	if running, err := exec.Command("pgrep", "-f", scratch).Output(); err == nil {
		t.Errorf("compilers that go on: %s", running)
	}
	emptyFolder(t, scratch)
}

// Two prebuilds of the same on one cache at once are as good as one.
func TestPrebuildTwice(t *testing.T) {
	tpinfo := program(t)
	packages, file := tinyFleet(t, 3), filepath.Join(t.TempDir(), "cache.db")
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if out, err := exec.Command(tpinfo, "prebuild", "-q", "--cache", file, packages).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	both.Wait()
	if k := held(t, file); len(k) != 3 {
		t.Errorf("%d kernels, want 3", len(k))
	}
}

// All parts of a fleet, each into a cache of its own, are the fleet.
func TestPrebuildShards(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	packages, dir := tinyFleet(t, 4), t.TempDir()
	seen := map[string]int{}
	for part := 1; part <= 2; part++ {
		report := filepath.Join(dir, "report.json")
		var out, errs bytes.Buffer
		status := run(context.Background(), []string{
			"prebuild", "-q", "--cache", filepath.Join(dir, fmt.Sprintf("%d.db", part)), "--report", report, "--shard", fmt.Sprintf("%d/2", part), packages,
		}, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		if status != exitDone {
			t.Fatalf("status %d: %s", status, errs.String())
		}
		r := reported(t, report)
		if r.Shard != fmt.Sprintf("%d/2", part) || r.Totals.Built != r.Totals.Same {
			t.Errorf("part %d is %q with %+v, want both releases of each content", part, r.Shard, r.Totals)
		}
		for _, k := range r.Kernels {
			seen[k.Release]++
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d kernels in both parts, want 8: %v", len(seen), seen)
	}
	for release, n := range seen {
		if n != 1 {
			t.Errorf("%s is in %d parts", release, n)
		}
	}
}

// ^C ends a prebuild with its report, and leaves nothing behind.
func TestPrebuildInterrupted(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	packages, dir, scratch := tinyFleet(t, 3), t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", scratch)
	// The second kernel never ends.
	count, compiler := filepath.Join(dir, "count"), filepath.Join(dir, "cc")
	script := "#!/bin/sh\ncase \" $* \" in *\" -dM \"*) exec gcc \"$@\" ;; *\"char\"*) ;; esac\n" +
		"for f; do case $f in */6.17.0-1-*|*headers-6.17.0-1-*) echo >" + count + "; exec sleep 1000 ;; esac; done\nexec gcc \"$@\"\n"
	if err := os.WriteFile(compiler, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for range 1000 {
			if _, err := os.Stat(count); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	file, report := filepath.Join(dir, "cache.db"), filepath.Join(dir, "report.json")
	var out, errs bytes.Buffer
	status := run(ctx, []string{"prebuild", "-j", "1", "--cache", file, "--cc", compiler, "--report", report, packages},
		cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	if status != exitInterrupted {
		t.Errorf("status %d, want %d: %s", status, exitInterrupted, errs.String())
	}
	if want := "note: 2 of 6 kernels are through and kept; the same command goes on from there\ntpinfo: interrupted\n"; errs.String() != want {
		t.Errorf("it says %q, want %q", errs.String(), want)
	}
	r := reported(t, report)
	if !r.Interrupted || r.Totals.Built != 1 || r.Totals.Same != 1 || r.Totals.Waiting != 4 || len(r.Kernels) != 6 {
		t.Errorf("%+v", r)
	}
	emptyFolder(t, scratch)
	if k := held(t, file); len(k) != 1 {
		t.Errorf("%d kernels in the cache, want the first", len(k))
	}
}

// A full disk, under the scratch folder or the cache, is named; nothing is
// entered into the ledger, and with room again all goes on.
func TestPrebuildFull(t *testing.T) {
	tier.Need(t, tier.Machine)
	tier.NeedTool(t, "gcc", "gcc")
	packages, disk := tinyFleet(t, 2), t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=160k"); err != nil {
		tier.Skip(t, "no tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	ask := func(file, scratch string) (int, string, *fleet.Report) {
		t.Helper()
		t.Setenv("TMPDIR", scratch)
		report := filepath.Join(t.TempDir(), "report.json")
		var out, errs bytes.Buffer
		status := run(context.Background(), []string{"prebuild", "-q", "--cache", file, "--report", report, packages},
			cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		return status, errs.String(), reported(t, report)
	}
	file := filepath.Join(dir, "cache.db")
	status, said, r := ask(file, disk)
	if status != exitFailed || r.Totals.Failed != 4 || !strings.Contains(said, "no space left on device; what helps: TMPDIR=DIR, a folder with more room") {
		t.Errorf("scratch: status %d, %+v, %s", status, r.Totals, said)
	}
	emptyFolder(t, disk)
	if status, said, r = ask(filepath.Join(disk, "cache.db"), dir); status != exitFailed || !r.Interrupted || !strings.Contains(said, "no space left for the cache") {
		t.Errorf("cache: status %d, %+v, %s", status, r.Totals, said)
	}
	if status, said, r = ask(file, dir); status != exitDone || r.Totals.Built != 2 || r.Totals.Same != 2 {
		t.Errorf("with room again: status %d, %+v, %s", status, r.Totals, said)
	}
}

// Real packages of two architectures, one with its image, give what extracting
// the same packages installed gives, and the image's BTF fills what headers
// leave open.
func TestPrebuildReal(t *testing.T) {
	tier.Need(t, tier.Trees)
	tier.NeedTool(t, "gcc", "gcc")
	tier.NeedTool(t, "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu")
	ctx, dir := context.Background(), t.TempDir()
	one, other := filepath.Join(dir, "prebuilt.db"), filepath.Join(dir, "extracted.db")
	prebuild := []string{"prebuild", "-q", "--cache", one, "--report", filepath.Join(dir, "report.json")}
	extract := func(args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		if status := run(ctx, args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); status != exitDone {
			t.Fatalf("tpinfo %v: status %d: %s", args, status, errs.String())
		}
	}
	for _, spec := range []kernels.Spec{{Series: "6.1"}, {Series: "6.1", Flavour: "arm64"}} {
		for _, part := range []kernels.Part{kernels.Headers, kernels.Image} {
			files, err := kernels.Packages(ctx, spec, part)
			if err != nil {
				t.Fatal(err)
			}
			prebuild = append(prebuild, files...)
		}
		k := kernels.Get(t, spec, kernels.Headers, kernels.Image)
		extract("extract", "-q", "--cache", other, "--btf", k.Image, k.Build)
	}
	extract(prebuild...)
	r := reported(t, filepath.Join(dir, "report.json"))
	if r.Totals.Built != 2 || r.Totals.Failed != 0 {
		t.Fatalf("%+v", r)
	}
	want := map[string]inspect.KernelJSON{}
	for _, k := range held(t, other) {
		want[k.Release] = k
	}
	for _, k := range held(t, one) {
		w := want[k.Release]
		if k.ID != w.ID || k.Events != w.Events || k.Complete != w.Complete || k.Types != w.Types || k.Events < 1500 || k.Types < 10_000 {
			t.Errorf("%s: id %s, %d events, %d complete, %d types; extracted %s, %d, %d, %d",
				k.Release, k.ID, k.Events, k.Complete, k.Types, w.ID, w.Events, w.Complete, w.Types)
		}
	}
	// Both hold the same layouts: adding one to the other adds none.
	if a, b := layoutsOf(t, one), layoutsOf(t, other); a != b {
		t.Errorf("%d layouts prebuilt, %d extracted", a, b)
	}
}

// layoutsOf counts the layouts of a cache.
func layoutsOf(t *testing.T, file string) int {
	t.Helper()
	ctx := context.Background()
	db, err := cache.Open(ctx, file, cache.ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Stats(ctx)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return s.Events + s.Types
}

// Kernels that differ in their release alone are one, with two names, however
// they came into the cache: together or apart, from whatever folder.
func TestTwins(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	dir := t.TempDir()
	both, one, two := filepath.Join(dir, "both"), filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for n, alone := range []string{one, two} {
		abi := fmt.Sprintf("6.17.0-%d", n+1)
		for _, folder := range []string{both, alone} {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			packed.Write(t, folder, packed.Kernel{ABI: abi, Flavour: "tiny", Replace: []string{
				"#define CONFIG_X86_64 1\n", "#define CONFIG_X86_64 1\n#define CONFIG_BUILD_SALT \"" + abi + "\"\n"}})
		}
	}
	built := func(name string, args ...string) string {
		db := filepath.Join(dir, name+".db")
		do(t, exitDone, append([]string{args[0], "-q", "--cache", db}, args[1:]...)...)
		return db
	}
	a, b := built("a", "prebuild", one), built("b", "prebuild", two)
	want := contentOf(t, built("together", "prebuild", both))
	for name, args := range map[string][]string{
		"one then two": {"cache", "merge", a, b}, "two then one": {"cache", "merge", b, a},
	} {
		db := filepath.Join(dir, name+".db")
		do(t, exitDone, append(args, "-q", "--cache", db)...)
		if got := contentOf(t, db); got != want {
			t.Errorf("%s: content %s, want %s", name, got, want)
		}
	}
}
