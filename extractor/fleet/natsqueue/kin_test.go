package natsqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/fixtures/natsserver"
)

// Kernels with the same headers are compiled once, by whichever worker.
func TestSameHeaders(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 6)
	headers := sum([]byte("all the same"))
	var compiled atomic.Int32
	build := func(ctx context.Context, task fleet.Task, at Building) fleet.Result {
		id, err := at.Known(ctx, headers)
		if err != nil {
			panic(err)
		}
		res := (&builder{}).Build(ctx, task, at)
		res.Origin.Headers = headers
		if id != "" {
			res.Same, res.Snapshot = id, nil
			return res
		}
		compiled.Add(1)
		res.Snapshot = snapshotOf(task.Set.Release, "one")
		return res
	}
	for range 3 {
		work(t, &Worker{Queue: connect(t, s.URL), Build: build})
	}
	enough := errors.New("enough")
	collect := func(tasks []fleet.Task, limit int) map[string]string {
		got := map[string]string{}
		err := (&Coordinator{Queue: connect(t, s.URL)}).Run(context.Background(), tasks, func(res fleet.Result) error {
			if len(got) == limit {
				return enough
			}
			if res.Origin.Key != res.Task.Key || res.Origin.Headers != headers {
				return fmt.Errorf("result %+v", res)
			}
			got[res.Task.Set.Release] = res.Same
			if res.Snapshot != nil {
				got[res.Task.Set.Release] = "built " + res.Snapshot.Kernel.ID + " " + res.Snapshot.Kernel.Tree
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			t.Fatal(err)
		}
		return got
	}
	got := collect(tasks, 3)
	// A coordinator that was not handed the kernel itself is given it whole.
	rest := slices.DeleteFunc(slices.Clone(tasks), func(task fleet.Task) bool { return got[task.Set.Release] != "" })
	for part, results := range []map[string]string{got, collect(rest, -1)} {
		whole := 0
		for release, result := range results {
			if strings.HasPrefix(result, "built one /") {
				whole++
			} else if result != "one" {
				t.Errorf("%s: %q", release, result)
			}
		}
		if whole != 1 || len(results) != 3 {
			t.Errorf("coordinator %d has %d results, the kernel itself %d times", part, len(results), whole)
		}
	}
	if n := compiled.Load(); n != 1 {
		t.Errorf("compiled %d times", n)
	}
}

// Whoever removes a record leaves alone what another wrote in its place.
func TestForget(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	q, ctx := connect(t, s.URL), t.Context()
	key := kinKey(sum([]byte("headers")))
	at := func() (k kin, revision uint64) {
		t.Helper()
		_, revision, err := q.load(ctx, key, &k)
		if err != nil {
			t.Fatal(err)
		}
		return k, revision
	}
	if err := q.swap(ctx, key, kin{Worker: "one"}, 0); err != nil {
		t.Fatal(err)
	}
	_, first := at()
	if err := q.swap(ctx, key, kin{Worker: "another"}, first); err != nil {
		t.Fatal(err)
	}
	if err := q.forget(ctx, key, first); err != nil {
		t.Fatal(err)
	}
	k, second := at()
	if k.Worker != "another" {
		t.Errorf("left is %+v", k)
	}
	if err := q.forget(ctx, key, second); err != nil {
		t.Fatal(err)
	}
	if k, _ := at(); k != (kin{}) {
		t.Errorf("still there: %+v", k)
	}
}

// A kernel is the same as another one whoever built it, as without a queue: as
// one handed over before it, and as one that the coordinator had already.
func TestHandsOverSame(t *testing.T) {
	r := &run{ready: make(chan ready, 8), Coordinator: &Coordinator{
		Known: func(_ context.Context, headers string) (string, error) {
			switch headers {
			case "old":
				return "kept", nil
			case "odd":
				return "", errors.New("nobody can say")
			}
			return "", nil
		},
	}}
	snap := func(id string) *tpinfo.Snapshot { return &tpinfo.Snapshot{Kernel: tpinfo.Kernel{ID: id}} }
	given := []fleet.Result{
		{Origin: tpinfo.Origin{Headers: "new"}, Snapshot: snap("first")},
		{Origin: tpinfo.Origin{Headers: "new"}, Snapshot: snap("first")},
		{Origin: tpinfo.Origin{Headers: "new"}, Same: "first"},
		{Origin: tpinfo.Origin{Headers: "old"}, Snapshot: snap("built again")},
		{Origin: tpinfo.Origin{Headers: "odd"}, Snapshot: snap("odd")},
		{Origin: tpinfo.Origin{}, Snapshot: snap("unknown")},
		{Origin: tpinfo.Origin{}, Snapshot: snap("unknown")},
		{Origin: tpinfo.Origin{Headers: "new"}, Failure: &tpinfo.Failure{Reason: "lost"}},
	}
	for _, res := range given {
		r.ready <- ready{res: res}
	}
	var got []string
	if err := r.hand(t.Context(), len(given), func(res fleet.Result) error {
		switch {
		case res.Snapshot != nil && res.Same == "":
			got = append(got, "built "+res.Snapshot.Kernel.ID)
		case res.Same != "" && res.Snapshot == nil:
			got = append(got, "same as "+res.Same)
		default:
			got = append(got, "failed")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"built first", "same as first", "same as first", "same as kept", "built odd", "built unknown", "built unknown", "failed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
