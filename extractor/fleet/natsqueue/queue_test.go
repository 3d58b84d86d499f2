package natsqueue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue/objects"
	"github.com/tpinfo/tpinfo/fixtures/natsserver"
)

func TestTwoWorkers(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 12)
	a, b := &builder{takes: 50 * time.Millisecond}, &builder{takes: 50 * time.Millisecond}
	work(t, &Worker{Queue: connect(t, s.URL), Build: a.Build})
	work(t, &Worker{Queue: connect(t, s.URL), Build: b.Build, Jobs: 2})
	q := connect(t, s.URL)
	runTasks(t, &Coordinator{Queue: q}, tasks)
	if a.total() == 0 || b.total() == 0 || a.total()+b.total() != len(tasks) {
		t.Errorf("%d tasks built %d and %d times", len(tasks), a.total(), b.total())
	}
	if left := leftovers(t, q); len(left) > 0 {
		t.Errorf("left on the queue: %q", left)
	}
}

// leftovers are the tasks, objects and records on a queue. Those of headers
// stay on purpose.
func leftovers(t testing.TB, q *Queue) []string {
	t.Helper()
	ctx := context.Background()
	var left []string
	info, err := q.tasks.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs > 0 {
		left = append(left, fmt.Sprintf("%d tasks", info.State.Msgs))
	}
	store, err := q.js.ObjectStore(ctx, bucket)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := store.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		t.Fatal(err)
	}
	for _, o := range objects {
		left = append(left, o.Name)
	}
	keys, err := q.keys.ListKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for key := range keys.Keys() {
		if !strings.HasPrefix(key, kinKey("")) {
			left = append(left, key)
		}
	}
	return left
}

// A coordinator that went away loses nothing: workers go on, and the next one
// collects what they built.
func TestCoordinatorRestarts(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 10)
	b := &builder{takes: 20 * time.Millisecond}
	work(t, &Worker{Queue: connect(t, s.URL), Build: b.Build})
	got, full := kept{}, errors.New("the disk is full")
	err := (&Coordinator{Queue: connect(t, s.URL)}).Run(context.Background(), tasks, func(res fleet.Result) error {
		if len(got) == 3 {
			return full
		}
		return got.done(res)
	})
	if !errors.Is(err, full) {
		t.Fatalf("error %v, want that of done", err)
	}
	rest := slices.DeleteFunc(slices.Clone(tasks), func(t fleet.Task) bool { return got[t.Key] != "" })
	if err := (&Coordinator{Queue: connect(t, s.URL)}).Run(context.Background(), rest, got.done); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(undisturbed(t, tasks), got); d != "" {
		t.Error(d)
	}
	if b.total() != len(tasks) {
		t.Errorf("%d tasks were built %d times", len(tasks), b.total())
	}
}

// A task whose result comes while its packages are uploaded does not stay on
// the queue.
func TestCollectedMeanwhile(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	q := connect(t, s.URL)
	r := &run{Coordinator: &Coordinator{Queue: q}, q: q, board: map[string]*entry{}, users: map[string]int{}, changed: make(chan struct{}, 1)}
	if _, err := r.enter(t.Context(), makeTasks(t, t.TempDir(), 1)); err != nil {
		t.Fatal(err)
	}
	e := r.order[0]
	e.state = collected
	if err := r.send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	r.letGo(t.Context(), e)
	if left := leftovers(t, q); len(left) > 0 {
		t.Errorf("left on the queue: %q", left)
	}
}

// Two coordinators share the workers and leave each other's results alone,
// those of tasks that both want among them.
func TestTwoCoordinators(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 12)
	b := &builder{takes: 10 * time.Millisecond}
	work(t, &Worker{Queue: connect(t, s.URL), Build: b.Build, Jobs: 2})
	var wg sync.WaitGroup
	for _, part := range [][]fleet.Task{tasks[:8], tasks[4:]} {
		wg.Go(func() { runTasks(t, &Coordinator{Queue: connect(t, s.URL)}, part) })
	}
	wg.Wait()
}

// What a worker says three times is why the task fails; others are not held up.
func TestPoisoned(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 6)
	b := &builder{}
	bad := tasks[2].Key
	build := func(ctx context.Context, task fleet.Task, at Building) fleet.Result {
		if task.Key == bad {
			panic("index out of range [3]")
		}
		return b.Build(ctx, task, at)
	}
	work(t, &Worker{Queue: connect(t, s.URL), Build: build})
	q := connect(t, s.URL)
	got := kept{}
	var f fleet.Result
	err := (&Coordinator{Queue: q}).Run(context.Background(), tasks, func(res fleet.Result) error {
		if res.Failure != nil {
			f = res
		}
		return got.done(res)
	})
	if err != nil {
		t.Fatal(err)
	}
	want := undisturbed(t, tasks)
	want[bad] = "failed: " + f.Failure.Reason
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if r := f.Failure.Reason; !strings.HasPrefix(r, "tried three times: ") || !strings.HasSuffix(r, ": tpinfo itself failed: index out of range [3]") {
		t.Errorf("reason %q", r)
	}
	if f.Failure.Tries != 3 || f.Failure.Release != "6.1.0-2-amd64" || f.Failure.Key != bad {
		t.Errorf("failure %+v", f.Failure)
	}
	if left := leftovers(t, q); len(left) > 0 {
		t.Errorf("left on the queue: %q", left)
	}
}

// A package that takes its worker along is set aside after the third.
func TestWorkersGoAway(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 3)
	bad := tasks[0].Key
	const short = 400 * time.Millisecond
	q := connectWith(t, Server{URL: s.URL, Patience: short})
	var deaths atomic.Int32
	for range 4 {
		queue := connectWith(t, Server{URL: s.URL, Patience: short})
		work(t, &Worker{Queue: queue, Build: func(ctx context.Context, task fleet.Task, at Building) fleet.Result {
			if task.Key == bad {
				deaths.Add(1)
				queue.Close() // for the others this is a process that is gone
			}
			return (&builder{}).Build(ctx, task, at)
		}})
	}
	got := kept{}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := (&Coordinator{Queue: q}).Run(ctx, tasks, got.done); err != nil {
		t.Fatal(err)
	}
	want := undisturbed(t, tasks)
	want[bad] = got[bad]
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if r := got[bad]; !strings.HasPrefix(r, "failed: its worker went away three times (") || strings.Count(r, ", ") != 2 {
		t.Errorf("the one that takes workers along: %q", r)
	}
	if n := deaths.Load(); n != 3 {
		t.Errorf("%d workers went away", n)
	}
}

// A worker that ends gives its task back at once, and it does not count.
func TestGiveBack(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 1)
	began := make(chan bool, 1)
	slow := work(t, &Worker{Queue: connect(t, s.URL), Build: func(ctx context.Context, t fleet.Task, at Building) fleet.Result {
		began <- true
		return (&builder{takes: time.Hour}).Build(ctx, t, at)
	}})
	q := connectWith(t, Server{URL: s.URL, Patience: time.Minute})
	finished := make(chan bool)
	go func() {
		defer close(finished)
		runTasks(t, &Coordinator{Queue: q}, tasks)
	}()
	<-began
	start := time.Now()
	if err := slow(); !errors.Is(err, context.Canceled) {
		t.Errorf("the worker ends with %v", err)
	}
	var r record
	if _, _, err := q.load(context.Background(), triesKey(idOf(tasks[0])), &r); err != nil || len(r.Tries) > 0 {
		t.Errorf("it counts as tried: %+v, %v", r, err)
	}
	work(t, &Worker{Queue: connect(t, s.URL), Build: (&builder{}).Build})
	<-finished
	if d := time.Since(start); d > patience/2 {
		t.Errorf("another worker had it after %v", d)
	}
}

// So does one that ends while it chooses.
func TestGiveBackUnbegun(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	q := connectWith(t, Server{URL: s.URL, Patience: time.Minute})
	ctx := t.Context()
	task := makeTasks(t, t.TempDir(), 1)[0]
	if _, err := q.js.Publish(ctx, taskSubject+idOf(task), encode(&offer{Version: version(), Task: task})); err != nil {
		t.Fatal(err)
	}
	tasks, err := q.js.Consumer(ctx, taskStream, consumer)
	if err != nil {
		t.Fatal(err)
	}
	w := &Worker{Queue: q, Build: (&builder{}).Build}
	w.choosing.Lock() // as long as another slot asks for a group
	end := work(t, w)
	for taken := false; !taken; time.Sleep(10 * time.Millisecond) {
		info, err := tasks.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		taken = info.NumAckPending == 1
	}
	time.AfterFunc(100*time.Millisecond, w.choosing.Unlock)
	if err := end(); !errors.Is(err, context.Canceled) {
		t.Errorf("the worker ends with %v", err)
	}
	if _, err := tasks.Next(jetstream.FetchMaxWait(2 * time.Second)); err != nil {
		t.Errorf("its task is not there for another: %v", err)
	}
}

// A worker without the compiler leaves a task to others, and when there are
// none it fails with what they lack.
func TestUnable(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 3)
	for i := range tasks {
		tasks[i].Set.Arch = "arm64"
	}
	lacks := errors.New("no C compiler for arm64: apt-get install gcc-aarch64-linux-gnu")
	poor := &builder{}
	work(t, &Worker{Queue: connectWith(t, Server{URL: s.URL, Patience: 500 * time.Millisecond}), Build: poor.Build, Able: func(context.Context, fleet.Task) error { return lacks }})
	rich := &builder{}
	stop := work(t, &Worker{Queue: connect(t, s.URL), Build: rich.Build})
	q := connectWith(t, Server{URL: s.URL, Patience: 500 * time.Millisecond})
	runTasks(t, &Coordinator{Queue: q}, tasks)
	if poor.total() != 0 || rich.total() != 3 {
		t.Errorf("built %d times without a compiler and %d times with one", poor.total(), rich.total())
	}
	_ = stop()
	got := kept{}
	if err := (&Coordinator{Queue: q}).Run(context.Background(), tasks, got.done); err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if r := got[task.Key]; !strings.HasPrefix(r, "failed: no worker can build it: ") || !strings.HasSuffix(r, lacks.Error()) {
			t.Errorf("%s: %q", task.Set.Release, r)
		}
	}
}

// A package that is gone from the server is brought again.
func TestLostPackage(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 4)
	q := connect(t, s.URL)
	var once sync.Once
	b := &builder{}
	work(t, &Worker{Queue: connect(t, s.URL), Build: b.Build, Store: 1, Able: func(ctx context.Context, task fleet.Task) error {
		once.Do(func() { q.objects.Drop(ctx, parcelOf(&task.Set.Headers[0]).object()) })
		return nil
	}})
	runTasks(t, &Coordinator{Queue: q}, tasks)
	if b.total() != len(tasks) {
		t.Errorf("%d tasks were built %d times", len(tasks), b.total())
	}
}

// Results that are none are asked for again, and three times are enough.
func TestHostileResults(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 3)
	q := connect(t, s.URL)
	ctx := context.Background()
	bad, once, garbage := tasks[0], tasks[1], tasks[2]
	if err := q.swap(ctx, resultKey(idOf(once)), outcome{Worker: "evil", Object: "result." + strings.Repeat("0", 64)}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := q.keys.PutString(ctx, resultKey(idOf(garbage)), "{"); err != nil {
		t.Fatal(err)
	}
	b := &builder{}
	work(t, &Worker{Queue: connect(t, s.URL), Build: func(ctx context.Context, task fleet.Task, at Building) fleet.Result {
		if task.Key == bad.Key {
			task.Key = "another"
		}
		return b.Build(ctx, task, at)
	}})
	got := kept{}
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	if err := (&Coordinator{Queue: q}).Run(ctx, tasks, got.done); err != nil {
		t.Fatal(err)
	}
	want := undisturbed(t, tasks)
	want[bad.Key] = got[bad.Key]
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if r := got[bad.Key]; !strings.HasPrefix(r, "failed: the result of worker ") || !strings.Contains(r, "built from") {
		t.Errorf("the hostile one: %q", r)
	}
}

// A package that changed since the run was planned costs its own kernel alone.
func TestChangedPackage(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 4)
	for i, change := range []func(path string) error{
		func(path string) error { return os.WriteFile(path, []byte("else"), 0o600) },
		os.Remove,
	} {
		if err := change(tasks[i].Set.Headers[0].Path); err != nil {
			t.Fatal(err)
		}
	}
	work(t, &Worker{Queue: connect(t, s.URL), Build: (&builder{}).Build})
	got := kept{}
	if err := (&Coordinator{Queue: connect(t, s.URL)}).Run(context.Background(), tasks, got.done); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"failed: package headers-000.deb: its content is another", "failed: package headers-001.deb: open "} {
		if r := got[tasks[i].Key]; !strings.HasPrefix(r, want) {
			t.Errorf("%q, want %q", r, want)
		}
	}
	want := undisturbed(t, tasks[2:])
	for key, s := range want {
		if got[key] != s {
			t.Errorf("another kernel: %q, want %q", got[key], s)
		}
	}
}

// heard is what a coordinator reports.
type heard struct {
	mu    sync.Mutex
	words []string
}

func (h *heard) say(task fleet.Task, what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.words = append(h.words, task.Set.Release+" "+what)
}
func (h *heard) Began(t fleet.Task)                      { h.say(t, "began") }
func (h *heard) Step(t fleet.Task, p extractor.Progress) { h.say(t, string(p.Stage)+" "+p.Detail) }
func (h *heard) Ended(t fleet.Task)                      { h.say(t, "ended") }

// Trees do not travel: they are built here, beside what workers build.
func TestHereAndProgress(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 2)
	tasks[1].Set.Tree, tasks[1].Set.Headers = t.TempDir(), nil
	work(t, &Worker{Queue: connect(t, s.URL), Build: func(ctx context.Context, task fleet.Task, at Building) fleet.Result {
		at.Report(extractor.Progress{Stage: extractor.StageMine, Detail: "far away"})
		return (&builder{}).Build(ctx, task, at)
	}})
	var h heard
	here := 0
	c := &Coordinator{Queue: connect(t, s.URL), Report: &h, Here: func(ctx context.Context, task fleet.Task, report func(extractor.Progress)) fleet.Result {
		here++
		report(extractor.Progress{Stage: extractor.StageMine, Detail: "here"})
		return (&builder{}).Build(ctx, task, Building{})
	}}
	runTasks(t, c, tasks)
	if here != 1 {
		t.Errorf("%d trees built here", here)
	}
	slices.SortStableFunc(h.words, func(a, b string) int { return strings.Compare(a[:8], b[:8]) })
	want := []string{
		"6.1.0-0-amd64 began", "6.1.0-0-amd64 mine far away", "6.1.0-0-amd64 ended",
		"6.1.0-1-amd64 began", "6.1.0-1-amd64 mine here", "6.1.0-1-amd64 ended",
	}
	if d := cmp.Diff(want, h.words); d != "" {
		t.Error(d)
	}
}

// What no worker would read does not wait for one.
func TestDoesNotTravel(t *testing.T) {
	tasks := makeTasks(t, t.TempDir(), 5)
	tasks[1].Set.Release = "6.1.0 of mine"
	tasks[2].Set.Headers = nil
	tasks[3].Set.Headers[0].Size = objects.MaxSize + 1
	tasks[4].Set.Headers[0].Digest = "?"
	r := &run{q: &Queue{log: slog.New(slog.DiscardHandler)}, board: map[string]*entry{}}
	here, err := r.enter(t.Context(), tasks)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(tasks[1:], here); d != "" || len(r.order) != 1 {
		t.Errorf("%d travel; built here (-want +got):\n%s", len(r.order), d)
	}
}

// A worker for a batch ends when there is nothing left. On a busy machine the
// tasks may be long in coming.
func TestIdleExit(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	w := &Worker{Queue: connect(t, s.URL), Build: (&builder{}).Build, IdleExit: 5 * time.Second, Scratch: t.TempDir()}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(context.Background()) }()
	runTasks(t, &Coordinator{Queue: connect(t, s.URL)}, makeTasks(t, t.TempDir(), 3))
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A worker keeps no more packages than it may.
func TestShelf(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 8)
	w := &Worker{Queue: connect(t, s.URL), Build: (&builder{}).Build, Scratch: t.TempDir(), Store: 700_000}
	work(t, w)
	runTasks(t, &Coordinator{Queue: connect(t, s.URL)}, tasks)
	var total int64
	entries, err := os.ReadDir(w.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	shared := false
	for _, e := range entries {
		for _, p := range tasks[0].Set.Headers {
			if p.Digest == e.Name() {
				total += p.Size
				shared = shared || p.Name == "common.deb"
			}
		}
		if e.Name() != tasks[0].Set.Headers[0].Digest && e.Name() != tasks[0].Set.Headers[1].Digest {
			total += 40_000
		}
	}
	if total > 700_000 || !shared {
		t.Errorf("%d bytes in %d packages are kept, the shared one among them: %v", total, len(entries), shared)
	}
}
