package natsqueue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// makeTasks writes n kernels of one package each and one that all share.
func makeTasks(t testing.TB, dir string, n int) []fleet.Task {
	t.Helper()
	write := func(name string, size int) kpkg.Package {
		data := make([]byte, size)
		for i, r := 0, rand.New(rand.NewPCG(uint64(len(name)), uint64(size))); i < size; i++ {
			data[i] = byte(r.Uint32())
		}
		copy(data, name)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return kpkg.Package{Path: path, Format: archive.Deb, Name: name, Version: "1", Arch: "amd64", Digest: sum(data), Size: int64(size)}
	}
	shared := write("common.deb", 600_000)
	var tasks []fleet.Task
	for i := range n {
		own := write(fmt.Sprintf("headers-%03d.deb", i), 40_000)
		key := sha256.Sum256([]byte(own.Digest + shared.Digest))
		tasks = append(tasks, fleet.Task{Key: hex.EncodeToString(key[:]), Set: kpkg.Set{
			Release: fmt.Sprintf("6.1.0-%d-amd64", i), Arch: "amd64", Headers: []kpkg.Package{own, shared},
		}})
	}
	return tasks
}

// builder stands in for fleet.Builder: what it gives follows from the content
// of the packages alone, as a worker's machine has them.
type builder struct {
	takes time.Duration

	mu     sync.Mutex
	builds map[string]int // by release
}

func (b *builder) Build(ctx context.Context, t fleet.Task, at Building) fleet.Result {
	b.mu.Lock()
	if b.builds == nil {
		b.builds = map[string]int{}
	}
	b.builds[t.Set.Release]++
	b.mu.Unlock()
	res := fleet.Result{Task: t, Origin: tpinfo.Origin{Key: t.Key}, Seconds: b.takes.Seconds()}
	h := sha256.New()
	for _, p := range t.Set.Headers {
		data, err := os.ReadFile(p.Path)
		if err == nil && sum(data) != p.Digest {
			err = errors.New("it is not what its digest says")
		}
		if err != nil {
			res.Failure = &tpinfo.Failure{Key: t.Key, Reason: err.Error(), Tools: "fake", Tries: 1}
			return res
		}
		h.Write(data)
	}
	select {
	case <-time.After(b.takes):
	case <-ctx.Done():
		return res
	}
	res.Snapshot = snapshotOf(t.Set.Release, hex.EncodeToString(h.Sum(nil)))
	return res
}

// total is how many builds there were.
func (b *builder) total() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, one := range b.builds {
		n += one
	}
	return n
}

// snapshotOf is a kernel of some size whose layouts follow from its content.
func snapshotOf(release, id string) *tpinfo.Snapshot {
	snap := &tpinfo.Snapshot{Kernel: tpinfo.Kernel{
		ID: id, Release: release, Arch: "x86", ByteOrder: tpinfo.LittleEndian, WordSize: 8, Source: tpinfo.FromDWARF, Tree: "/on/the/worker",
	}}
	r := rand.New(rand.NewPCG(uint64(id[0]), uint64(id[1])))
	for i := range 200 {
		snap.Events = append(snap.Events, tpinfo.Tracepoint{
			System: "s", Name: fmt.Sprintf("event_%03d", i), Source: tpinfo.FromDWARF,
			Args: []tpinfo.Arg{{Name: fmt.Sprintf("a%x", r.Uint64()), Type: "int", Size: 4, Signed: true}},
		})
	}
	return snap
}

// kept is what a run gave: the content of each kernel, or why it failed, by
// key. A result that comes twice is an error.
type kept map[string]string

func (k kept) done(res fleet.Result) error {
	if k[res.Task.Key] != "" {
		return fmt.Errorf("%s comes twice", res.Task.Set.Release)
	}
	k[res.Task.Key] = describe(res)
	return nil
}

func describe(res fleet.Result) string {
	if res.Failure != nil {
		return "failed: " + res.Failure.Reason
	}
	s := res.Snapshot.Kernel.ID + " " + res.Snapshot.Kernel.Release + " " + res.Snapshot.Kernel.Tree
	for i := range res.Snapshot.Events {
		s += " " + res.Snapshot.Events[i].ContentID().String()
	}
	return sum([]byte(s))
}

// undisturbed is what a run without a queue gives.
func undisturbed(t testing.TB, tasks []fleet.Task) kept {
	t.Helper()
	k := kept{}
	for _, task := range tasks {
		res := (&builder{}).Build(context.Background(), task, Building{})
		res, err := adopt(task, &outcome{}, res)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.done(res); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// work starts a worker and returns what ends it.
func work(t testing.TB, w *Worker) (stop func() error) {
	t.Helper()
	if w.Scratch == "" {
		w.Scratch = t.TempDir()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() {
			cancel()
			err = <-ended
		})
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

// runTasks has the tasks built and compares with what they give undisturbed.
func runTasks(t testing.TB, c *Coordinator, tasks []fleet.Task) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	got := kept{}
	if err := c.Run(ctx, tasks, got.done); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(undisturbed(t, tasks), got); d != "" {
		t.Errorf("- undisturbed, + over the queue:\n%s", d)
	}
}
