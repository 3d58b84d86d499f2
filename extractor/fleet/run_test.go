package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
)

// results is a queue that has every answer ready, in its own order.
type results []Result

func (r results) Run(_ context.Context, _ []Task, done func(Result) error) error {
	for _, res := range r {
		if err := done(res); err != nil {
			return err
		}
	}
	return nil
}

// task is one of a package of its own.
func task(release string) Task {
	return Task{Key: "key " + release, Set: kpkg.Set{
		Release: release, Arch: "amd64",
		Headers: []kpkg.Package{{Path: "/packages/" + release + ".deb", Digest: release}},
	}}
}

// built is a task's kernel of one event.
func built(t Task) Result {
	return Result{
		Task: t, Origin: tpinfo.Origin{Key: t.Key, Headers: "headers " + t.Set.Release}, Seconds: 1,
		Snapshot: &tpinfo.Snapshot{
			Kernel: tpinfo.Kernel{ID: "id " + t.Set.Release, Release: t.Set.Release, Arch: "x86", Compiler: "gcc 12", Problems: []tpinfo.Problem{
				{Code: tpinfo.HeaderFailed, Subject: "a.h", Message: "does not compile"},
			}},
			Events: []tpinfo.Tracepoint{{System: "s", Name: "e", Args: []tpinfo.Arg{}}},
		},
	}
}

// summary is an entry without what the others do not look at.
func summary(r *Report) []string {
	var out []string
	for _, e := range r.Kernels {
		s := e.Release + " " + string(e.Status) + " " + e.ID
		if e.Failure != nil {
			s += e.Failure.Reason
		}
		out = append(out, s)
	}
	return out
}

func TestRunKeeps(t *testing.T) {
	ctx := context.Background()
	store := newMemory()
	a, b, c, d := task("a"), task("b"), task("c"), task("d")
	fails := Result{Task: c, Origin: tpinfo.Origin{Key: c.Key}, Failure: &tpinfo.Failure{Key: c.Key, Release: "c", Reason: "broken", Tries: 1}}
	store.failures[c.Key] = tpinfo.Failure{Key: c.Key, Tries: 2}
	same := Result{Task: b, Origin: tpinfo.Origin{Key: b.Key, Headers: "headers a"}, Same: "id a"}
	known := entryOf(Result{Task: d, Same: "id d"})
	known.Status = Known

	var seen []string
	run := &Run{
		Store: store, Start: time.Now(),
		// b has the headers of a, and comes before it.
		Queue: results{same, fails, built(a)},
		Each:  func(e Entry) error { seen = append(seen, e.Release); return nil },
	}
	report, err := run.Do(ctx, &Plan{
		Tasks: []Task{a, b, c}, Settled: []Entry{known},
		Skipped: []Skipped{{Path: "/x", Reason: "no package"}, {Path: "/y", Reason: "no common part", Failed: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"d", "c", "a", "b"}, seen); diff != "" {
		t.Errorf("in the order of their ends (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a built id a", "b same id a", "c failed broken", "d known id d"}, summary(report)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	want := Totals{Kernels: 4, Built: 1, Known: 1, Same: 1, Failed: 1, Skipped: 2, FailedInputs: 1, Events: 2, Complete: 2, NewLayouts: 1}
	report.Totals.PerMinute = 0
	if diff := cmp.Diff(want, report.Totals); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	sumsUp(t, report)
	if report.Interrupted || report.Error != "" || cmp.Diff([]string{"gcc 12"}, report.Compilers) != "" {
		t.Errorf("report: %+v", report)
	}
	if diff := cmp.Diff([]string{"a", "b"}, store.releases["id a"]); diff != "" {
		t.Errorf("releases of a's kernel (-want +got):\n%s", diff)
	}
	if got := store.failures[c.Key]; got.Tries != 3 || got.Reason != "broken" {
		t.Errorf("the ledger: %+v, want the third try", got)
	}
	for _, e := range report.Kernels[:2] {
		if e.Events != 1 || e.Complete != 1 || len(e.Problems) != 1 {
			t.Errorf("%s: %+v, want one complete event and one problem", e.Release, e)
		}
	}
}

// sumsUp holds a report's totals against what they count: each kernel is in one
// of them, and each input.
func sumsUp(t *testing.T, r *Report) {
	t.Helper()
	is := r.Totals
	if sum := is.Built + is.Known + is.Same + is.Failed + is.Waiting + is.Planned; sum != is.Kernels || len(r.Kernels) != is.Kernels {
		t.Errorf("%+v: %d kernels in their statuses, %d listed", is, sum, len(r.Kernels))
	}
	failed, inputs := 0, 0
	for _, e := range r.Kernels {
		if e.Status == Failed {
			failed++
		}
	}
	for _, s := range r.Skipped {
		if s.Failed {
			inputs++
		}
	}
	if is.Failed != failed || is.FailedInputs != inputs || is.Skipped != len(r.Skipped) {
		t.Errorf("%+v: %d kernels and %d inputs failed, %d inputs skipped", is, failed, inputs, len(r.Skipped))
	}
}

// The report of a plan has every kernel once, as known or as planned.
func TestReportOfPlan(t *testing.T) {
	known := entryOf(Result{Task: task("d"), Same: "id d"})
	known.Status = Known
	fails := entryOf(Result{Task: task("c"), Failure: &tpinfo.Failure{Key: "key c", Reason: "broken"}})
	r := OfPlan(&Plan{
		Tasks: []Task{task("b"), task("a")}, Settled: []Entry{known, fails},
		Skipped: []Skipped{{Path: "/x", Reason: "no package"}, {Path: "/y", Reason: "no common part", Failed: true}},
	}, time.Now())
	if diff := cmp.Diff([]string{"a planned ", "b planned ", "c failed broken", "d known id d"}, summary(r)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Totals{Kernels: 4, Known: 1, Failed: 1, Planned: 2, Skipped: 2, FailedInputs: 1}, r.Totals); diff != "" || !r.DryRun || r.Interrupted {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	sumsUp(t, r)
}

// What ends a run early is in the report, with what was kept before.
func TestRunEnds(t *testing.T) {
	full := errors.New("no space left for the cache;\nfree some")
	a, b := task("a"), task("b")
	for _, test := range []struct {
		name    string
		queue   Queue
		refuse  bool
		each    error
		want    string
		through int
	}{
		{name: "the queue", queue: failing{full}, want: "no space left for the cache;; free some"},
		{name: "the store", queue: results{built(a)}, refuse: true, want: "no space left for the cache;; free some"},
		{name: "who is told", queue: results{built(a), built(b)}, each: errors.New("pipe"), want: "pipe", through: 1},
		{name: "a kernel that never comes", queue: results{built(a), {Task: b, Same: "id x", Origin: tpinfo.Origin{Key: b.Key, Headers: "headers x"}}},
			want: "the kernels whose headers these have did not arrive: b; run it again", through: 1},
	} {
		store := newMemory()
		if test.refuse {
			store.refuse = full
		}
		run := &Run{Store: store, Queue: test.queue, Start: time.Now(), Each: func(Entry) error { return test.each }}
		report, err := run.Do(context.Background(), &Plan{Tasks: []Task{a, b}})
		if err == nil {
			t.Errorf("%s: no error", test.name)
		}
		if !report.Interrupted || report.Error != test.want || len(report.Kernels) != 2 || report.Totals.Waiting != 2-test.through {
			t.Errorf("%s: interrupted %v, %q, %d kernels, %d waiting; want %q, 2 and %d",
				test.name, report.Interrupted, report.Error, len(report.Kernels), report.Totals.Waiting, test.want, 2-test.through)
		}
		sumsUp(t, report)
	}
}

type failing struct{ err error }

func (f failing) Run(context.Context, []Task, func(Result) error) error { return f.err }

// The keys of the report are what others read: they stay.
func TestReportForm(t *testing.T) {
	run := &Run{Store: newMemory(), Queue: results{built(task("a")), {Task: task("b"), Failure: &tpinfo.Failure{
		Key: "key b", Release: "b", Arch: "x86", Subject: "b.deb", Reason: "damaged", Supply: []string{"fetch it again"},
		Tools: "gcc 12", Tries: 1, When: time.Unix(0, 0).UTC(),
	}}}, Start: time.Unix(0, 0)}
	report, err := run.Do(context.Background(), &Plan{Tasks: []Task{task("a"), task("b")}, Skipped: []Skipped{{Path: "/x", Reason: "no package", Supply: []string{}}}})
	if err != nil {
		t.Fatal(err)
	}
	report.Seconds, report.Totals.PerMinute, report.Overrides = 2, 30, "f00d"
	report.Tpinfo, report.Cache, report.CacheBytes, report.Shard = "tpinfo 1", "/c.db", 4096, "1/2"
	var out bytes.Buffer
	if err := report.Write(&out); err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, out.Bytes()); err != nil {
		t.Fatal(err)
	}
	want := `{"schema":1,"tpinfo":"tpinfo 1","overrides":"f00d","compilers":["gcc 12"],"cache":"/c.db","cache_bytes":4096,"shard":"1/2",` +
		`"started":"1970-01-01T00:00:00Z","seconds":2,"dry_run":false,"interrupted":false,"error":"",` +
		`"totals":{"kernels":2,"built":1,"known":0,"same":0,"failed":1,"waiting":0,"planned":0,"skipped":1,"failed_inputs":0,"events":1,"complete":1,"new_layouts":1,"per_minute":30},` +
		`"kernels":[` +
		`{"schema":1,"release":"a","arch":"x86","package_arch":"amd64","status":"built","id":"id a","key":"key a","events":1,"complete":1,"types":0,"new_layouts":1,"seconds":1,` +
		`"packages":["a.deb"],"compiler":"gcc 12","worker":"","no_source":"",` +
		`"problems":[{"code":"header-failed","subject":"a.h","message":"does not compile"}],"failure":null,"untried":false},` +
		`{"schema":1,"release":"b","arch":"x86","package_arch":"amd64","status":"failed","id":"","key":"key b","events":0,"complete":0,"types":0,"new_layouts":0,"seconds":0,` +
		`"packages":["b.deb"],"compiler":"","worker":"","no_source":"","problems":[],"failure":{"key":"key b","release":"b","arch":"x86","subject":"b.deb","reason":"damaged","supply":["fetch it again"],` +
		`"tools":"gcc 12","tries":1,"when":"1970-01-01T00:00:00Z"},"untried":false}],` +
		`"skipped":[{"path":"/x","release":"","reason":"no package","supply":[],"failed":false}]}`
	if diff := cmp.Diff(strings.Split(want, ","), strings.Split(strings.TrimSpace(compact.String()), ",")); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}
