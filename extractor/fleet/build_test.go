package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/fixtures/packed"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fleetOf packs kernels and plans them.
func fleetOf(t *testing.T, store Store, kernels ...packed.Kernel) []Task {
	t.Helper()
	tier.NeedTool(t, "gcc", "gcc")
	dir := t.TempDir()
	for _, k := range kernels {
		packed.Write(t, dir, k)
	}
	return planOf(t, &Planner{Store: store, Tools: tools("gcc 12")}, dir).Tasks
}

func planOf(t *testing.T, p *Planner, paths ...string) *Plan {
	t.Helper()
	ctx := context.Background()
	sets, skipped, err := kpkg.Find(ctx, paths)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.Plan(ctx, sets, skipped)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func tools(name string) func(context.Context, string) string {
	return func(_ context.Context, arch string) string { return name + " for " + arch }
}

// scratch is where a test's packages are opened; nothing may stay in it, nor
// in TMPDIR.
func scratch(t *testing.T) *kpkg.Opener {
	t.Helper()
	dir, tmp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Cleanup(func() {
		for _, d := range []string{dir, tmp} {
			left, err := os.ReadDir(d)
			if err != nil {
				t.Error(err)
			}
			for _, e := range left {
				t.Errorf("%s is left in the scratch folder", e.Name())
			}
		}
	})
	return kpkg.NewOpener(dir, archive.Limits{})
}

func TestBuild(t *testing.T) {
	tasks := fleetOf(t, newMemory(), packed.Kernel{ABI: "6.17.0-1", Flavour: "tiny"})
	if len(tasks) != 1 {
		t.Fatalf("%d tasks", len(tasks))
	}
	var stages []extractor.Stage
	b := &Builder{Opener: scratch(t)}
	res := b.Build(context.Background(), tasks[0], func(p extractor.Progress) { stages = append(stages, p.Stage) })
	if res.Failure != nil {
		t.Fatalf("%+v", res.Failure)
	}
	s := res.Snapshot
	if len(s.Events) != 41 || len(s.Types) != 56 || s.Kernel.Release != "6.17.0-1-tiny" || s.Kernel.Arch != "x86" {
		t.Errorf("%d events, %d types, %+v", len(s.Events), len(s.Types), s.Kernel)
	}
	if got, want := s.Kernel.Tree, tasks[0].Set.Headers[0].Path; got != want {
		t.Errorf("tree %s, want the package %s", got, want)
	}
	if res.Origin.Key != tasks[0].Key || len(res.Origin.Key) != 64 || len(res.Origin.Headers) != 64 || res.Seconds <= 0 {
		t.Errorf("origin %+v in %v s", res.Origin, res.Seconds)
	}
	if !slices.Contains(stages, extractor.StageCompile) || stages[len(stages)-1] != extractor.StageCheck {
		t.Errorf("stages %v", stages)
	}
	for _, p := range s.Kernel.Problems {
		if strings.Contains(p.Message, "/tmp") || strings.Contains(p.Subject, "/tmp") {
			t.Errorf("a problem names the scratch folder: %v", p)
		}
	}
}

// What the packages are called takes no part in what the headers are; what is
// in them does.
func TestSameHeaders(t *testing.T) {
	tiny := packed.Kernel{ABI: "6.17.0-1", Flavour: "tiny"}
	renamed := packed.Kernel{ABI: "6.17.0-2", Flavour: "tiny"}
	edited := packed.Kernel{ABI: "6.17.0-3", Flavour: "tiny", Replace: []string{"char name[56]", "char name[60]"}}
	tasks := fleetOf(t, newMemory(), tiny, renamed, edited)
	slices.SortFunc(tasks, func(a, b Task) int { return strings.Compare(a.Set.Release, b.Set.Release) })
	asked := map[string]int{}
	b := &Builder{Opener: scratch(t), Known: func(_ context.Context, headers string) (string, error) {
		asked[headers]++
		return "", nil
	}}
	ctx := context.Background()
	first, same, other := b.Build(ctx, tasks[0], nil), b.Build(ctx, tasks[1], nil), b.Build(ctx, tasks[2], nil)
	if first.Snapshot == nil || other.Snapshot == nil || same.Snapshot != nil || same.Failure != nil {
		t.Fatalf("%+v\n%+v\n%+v", first.Failure, same, other.Failure)
	}
	if same.Same != first.Snapshot.Kernel.ID || same.Origin.Headers != first.Origin.Headers || same.Origin.Key == first.Origin.Key {
		t.Errorf("same %q with %+v, want %q with %+v and another key", same.Same, same.Origin, first.Snapshot.Kernel.ID, first.Origin)
	}
	if other.Snapshot.Kernel.ID == first.Snapshot.Kernel.ID || other.Origin.Headers == first.Origin.Headers {
		t.Errorf("an edited struct makes no other kernel: %+v", other.Origin)
	}
	if asked[first.Origin.Headers] != 2 || asked[other.Origin.Headers] != 1 {
		t.Errorf("asked for %v", asked)
	}
	// With a full source more is known of the same headers.
	sourced := tasks[1]
	sourced.Source = "digest of a source"
	if res := b.Build(ctx, sourced, nil); res.Same != "" || res.Snapshot == nil || res.Origin.Headers == first.Origin.Headers {
		t.Errorf("a source adds nothing: %q %+v", res.Same, res.Origin)
	}
	// One that somebody knew before is not compiled at all.
	b = &Builder{Opener: scratch(t), CC: "/no/such/compiler", Known: func(context.Context, string) (string, error) { return "id of old", nil }}
	if res := b.Build(ctx, tasks[0], nil); res.Same != "id of old" {
		t.Errorf("%+v", res)
	}
}

// Two with the same headers at once: one is compiled, the other waits.
func TestSameAtOnce(t *testing.T) {
	var kernels []packed.Kernel
	for i := range 4 {
		kernels = append(kernels, packed.Kernel{ABI: fmt.Sprintf("6.17.0-%d", i), Flavour: "tiny"})
	}
	store := newMemory()
	tasks := fleetOf(t, store, kernels...)
	b := &Builder{Opener: scratch(t), Known: store.SameHeaders}
	report, err := (&Run{Store: store, Queue: &Local{Builder: b, Jobs: 4}, Start: time.Now()}).Do(context.Background(), &Plan{Tasks: tasks})
	if err != nil {
		t.Fatal(err)
	}
	if report.Totals.Built != 1 || report.Totals.Same != 3 || store.puts != 1 || len(store.kernels) != 1 {
		t.Errorf("%+v, %d puts", report.Totals, store.puts)
	}
	for id, releases := range store.releases {
		slices.Sort(releases)
		if got := strings.Join(releases, " "); got != "6.17.0-0-tiny 6.17.0-1-tiny 6.17.0-2-tiny 6.17.0-3-tiny" {
			t.Errorf("%s is %s", id, got)
		}
	}
}

// broken is an opener that fails, or worse.
type broken struct {
	err   error
	panic any
	wait  bool
}

func (o broken) Open(ctx context.Context, _ kpkg.Set) (*kpkg.Opened, error) {
	if o.panic != nil {
		panic(o.panic)
	}
	if o.wait {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return nil, o.err
}

// Whatever goes wrong is explained: what is at fault, why, and what to do.
func TestFailures(t *testing.T) {
	tiny := task("6.17.0-1-tiny")
	damaged := &archive.Error{Kind: archive.ErrDamaged, Path: "/x/common.deb", Entry: "data", Reason: "it ends too early", Supply: []string{"fetch the file again"}}
	for _, test := range []struct {
		name   string
		opener broken
		limit  time.Duration
		want   tpinfo.Failure
	}{
		{name: "a damaged package", opener: broken{err: fmt.Errorf("opening: %w", damaged)},
			want: tpinfo.Failure{Subject: "common.deb", Reason: `damaged: entry "data": it ends too early`, Supply: []string{"fetch the file again"}, Tools: "gcc 12 for amd64"}},
		{name: "a full disk", opener: broken{err: &os.PathError{Op: "write", Path: "/tmp/x", Err: syscall.ENOSPC}},
			want: tpinfo.Failure{Subject: "6.17.0-1-tiny.deb", Reason: "write /tmp/x: no space left on device", Supply: []string{"TMPDIR=DIR, a folder with more room"}}},
		{name: "a panic", opener: broken{panic: "index out of range"},
			want: tpinfo.Failure{Subject: "6.17.0-1-tiny.deb", Reason: "tpinfo itself failed: index out of range at fleet/build_test.go:LINE", Supply: []string{"a report of this fault to tpinfo's authors, with the package"}, Tools: "gcc 12 for amd64"}},
		{name: "no end", opener: broken{wait: true}, limit: 20 * time.Millisecond,
			want: tpinfo.Failure{Subject: "6.17.0-1-tiny.deb", Reason: "it takes too long: it was given up after 20ms", Supply: []string{"--retry on a machine with less to do"}, Tools: "gcc 12 for amd64"}},
		{name: "something else", opener: broken{err: errors.New("odd\nindeed")},
			want: tpinfo.Failure{Subject: "6.17.0-1-tiny.deb", Reason: "odd; indeed", Supply: []string{"--cc with another compiler, gcc or clang", "--retry"}, Tools: "gcc 12 for amd64"}},
	} {
		b := &Builder{Opener: test.opener, Limit: test.limit, Tools: tools("gcc 12")}
		res := b.Build(context.Background(), tiny, nil)
		if res.Failure == nil {
			t.Errorf("%s: no failure", test.name)
			continue
		}
		got := *res.Failure
		if time.Since(got.When) > time.Minute || got.Tries != 1 || got.Key != tiny.Key || got.Release != tiny.Set.Release || got.Arch != "x86" {
			t.Errorf("%s: %+v", test.name, got)
		}
		got = tpinfo.Failure{Subject: got.Subject, Reason: regexp.MustCompile(`go:\d+`).ReplaceAllString(got.Reason, "go:LINE"), Supply: got.Supply, Tools: got.Tools}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", test.want) {
			t.Errorf("%s:\n %+v, want\n %+v", test.name, got, test.want)
		}
	}
}

// A compiler that is not there is named by its package.
func TestNoCompiler(t *testing.T) {
	tasks := fleetOf(t, newMemory(), packed.Kernel{ABI: "6.17.0-1", Flavour: "tiny"})
	opener := scratch(t)
	t.Setenv("PATH", t.TempDir())
	res := (&Builder{Opener: opener, Tools: tools("none")}).Build(context.Background(), tasks[0], nil)
	if f := res.Failure; f == nil || f.Reason != "no C compiler for x86" ||
		strings.Join(f.Supply, ", ") != "apt-get install gcc, apt-get install clang" || f.Tools != "none for amd64" {
		t.Errorf("%+v", f)
	}
}

// ^C ends the compilers and leaves nothing; what was not through is as if it
// had never begun.
func TestCancelled(t *testing.T) {
	tasks := fleetOf(t, newMemory(), packed.Kernel{ABI: "6.17.0-1", Flavour: "tiny"},
		packed.Kernel{ABI: "6.17.0-2", Flavour: "tiny", Replace: []string{"char name[56]", "char name[60]"}})
	dir := t.TempDir()
	started := filepath.Join(dir, "started")
	compiler := filepath.Join(dir, "cc")
	script := "#!/bin/sh\ncase \" $* \" in *\" -dM \"*) exec gcc \"$@\" ;; esac\necho $$ >>" + started + "\nsleep 1000\n"
	if err := os.WriteFile(compiler, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for range 1000 {
			if text, err := os.ReadFile(started); err == nil && strings.Count(string(text), "\n") == 2 {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	store := newMemory()
	b := &Builder{Opener: scratch(t), CC: compiler}
	report, err := (&Run{Store: store, Queue: &Local{Builder: b, Jobs: 2}, Start: time.Now()}).Do(ctx, &Plan{Tasks: tasks})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if len(report.Kernels) != 2 || report.Kernels[0].Status != Waiting || report.Totals.Waiting != 2 || !report.Interrupted || len(store.failures) != 0 {
		t.Errorf("%+v, %+v", report, store.failures)
	}
	pids, err := os.ReadFile(started)
	if err != nil {
		t.Fatal(err)
	}
	for pid := range strings.FieldsSeq(string(pids)) {
		if _, err := os.Stat("/proc/" + pid); err == nil {
			t.Errorf("the compiler, process %s, still runs", pid)
		}
	}
}

// counting notes how many kernels are being built.
type counting struct {
	mu        sync.Mutex
	now, most int
	order     []string
}

func (c *counting) Began(t Task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now++
	c.most = max(c.most, c.now)
	c.order = append(c.order, t.Set.Release)
}

func (c *counting) Step(Task, extractor.Progress) {}

func (c *counting) Ended(Task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now--
}

// One bad kernel among good ones costs none of them; a second run builds
// nothing again, and tries what failed only when something changed.
func TestFleet(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	dir := t.TempDir()
	kernel := func(abi, flavour, size string) packed.Kernel {
		return packed.Kernel{ABI: abi, Flavour: flavour, Replace: []string{"char name[56]", "char name[" + size + "]"}}
	}
	packed.Write(t, dir, kernel("6.17.0-1", "tiny", "56"))
	packed.Write(t, dir, kernel("6.17.0-1", "cloud", "56"))
	packed.Write(t, dir, kernel("6.17.0-2", "tiny", "60"))
	// Its common part does not compile.
	packed.Write(t, dir, packed.Kernel{ABI: "6.17.0-3", Flavour: "tiny", Replace: []string{"struct module {", "struct module { junk"}})
	// A package with a hole, one without its common part, and one of an architecture
	// that is not known.
	own, _ := packed.Write(t, dir, kernel("6.17.0-4", "tiny", "64"))
	text, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	copy(text[len(text)-300:], bytes.Repeat([]byte{0xff}, 100))
	if err := os.WriteFile(own, text, 0o644); err != nil {
		t.Fatal(err)
	}
	_, common := packed.Write(t, dir, kernel("6.17.0-5", "tiny", "68"))
	if err := os.Remove(common); err != nil {
		t.Fatal(err)
	}
	packed.Write(t, dir, packed.Kernel{ABI: "6.17.0-6", Flavour: "power", Arch: "ppc64el", Replace: []string{"CONFIG_X86_64", "CONFIG_PPC64"}})

	store := newMemory()
	run := func(planner *Planner) *Report {
		t.Helper()
		planner.Store = store
		plan := planOf(t, planner, dir)
		watch := &counting{}
		b := &Builder{Opener: scratch(t), Known: store.SameHeaders, Tools: planner.Tools}
		report, err := (&Run{Store: store, Queue: &Local{Builder: b, Jobs: 2, Report: watch}, Start: time.Now()}).Do(context.Background(), plan)
		if err != nil {
			t.Fatal(err)
		}
		sumsUp(t, report)
		if watch.most > 2 || watch.now != 0 {
			t.Errorf("%d kernels at once, %d at the end", watch.most, watch.now)
		}
		return report
	}
	states := func(r *Report) string {
		var out []string
		for _, e := range r.Kernels {
			s := e.Release + " " + string(e.Status)
			if e.Untried {
				s += " untried"
			}
			out = append(out, s)
		}
		return strings.Join(out, "\n")
	}
	first := run(&Planner{Tools: tools("gcc 12")})
	// Both flavours of the first have one configuration, and so one content.
	want := "6.17.0-1-cloud built\n6.17.0-1-tiny same\n6.17.0-2-tiny built\n6.17.0-3-tiny failed\n6.17.0-4-tiny failed\n6.17.0-6-power failed"
	if alt := strings.Replace(strings.Replace(want, "cloud built", "cloud same", 1), "1-tiny same", "1-tiny built", 1); states(first) != want && states(first) != alt {
		t.Errorf("first:\n%s\nwant\n%s", states(first), want)
	}
	if first.Totals.Failed != 3 || first.Totals.FailedInputs != 1 || first.Totals.Skipped != 1 || first.Totals.Events != 3*41 {
		t.Errorf("%+v\n%+v", first.Totals, first.Skipped)
	}
	for _, e := range first.Kernels {
		switch e.Release {
		case "6.17.0-3-tiny":
			if !strings.Contains(e.Failure.Reason, "junk") || e.Failure.Subject != "linux-headers-6.17.0-3-tiny_6.17.0-3.1_amd64.deb" || len(e.Failure.Supply) == 0 {
				t.Errorf("%+v, want the compiler's words", e.Failure)
			}
		case "6.17.0-4-tiny":
			if !strings.HasPrefix(e.Failure.Reason, "damaged: ") || e.Failure.Subject != "linux-headers-6.17.0-4-tiny_6.17.0-4.1_amd64.deb" {
				t.Errorf("%+v, want the damaged package", e.Failure)
			}
		case "6.17.0-6-power":
			if !strings.Contains(e.Failure.Reason, "unknown architecture") || len(e.Failure.Supply) == 0 {
				t.Errorf("%+v, want the architecture", e.Failure)
			}
		}
	}
	for _, s := range first.Skipped {
		if s.Failed && (s.Reason == "" || len(s.Supply) == 0) {
			t.Errorf("%+v is not explained", s)
		}
	}

	again := run(&Planner{Tools: tools("gcc 12")})
	want = "6.17.0-1-cloud known\n6.17.0-1-tiny known\n6.17.0-2-tiny known\n6.17.0-3-tiny failed untried\n6.17.0-4-tiny failed untried\n6.17.0-6-power failed untried"
	if states(again) != want || again.Totals.Events != 3*41 || again.Totals.Failed != 3 {
		t.Errorf("again:\n%s\n%+v", states(again), again.Totals)
	}
	want = strings.ReplaceAll(want, " untried", "")
	if later := run(&Planner{Tools: tools("gcc 14")}); states(later) != want {
		t.Errorf("with another compiler:\n%s", states(later))
	}
	later := run(&Planner{Tools: tools("gcc 14"), Retry: true})
	if states(later) != want {
		t.Errorf("asked to try again:\n%s", states(later))
	}
	for _, e := range later.Kernels {
		if e.Failure != nil && e.Failure.Tries != 3 {
			t.Errorf("%s: %d tries, want 3", e.Release, e.Failure.Tries)
		}
	}
	if store.puts != 2 {
		t.Errorf("%d kernels stored, want 2", store.puts)
	}
	forced := run(&Planner{Tools: tools("gcc 14"), Force: true})
	if forced.Totals.Known != 0 || forced.Totals.Failed != 3 {
		t.Errorf("forced:\n%s", states(forced))
	}

	// All parts together are the whole, and no kernel is in two.
	count := 0
	for i := 1; i <= 3; i++ {
		plan := planOf(t, &Planner{Store: newMemory(), Tools: tools(""), Shard: Shard{i, 3}}, dir)
		count += len(plan.Tasks) + len(plan.Settled)*100
	}
	if count != 6 {
		t.Errorf("three parts have %d kernels, want 6", count)
	}
}
