package main

import (
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue"
	"github.com/tpinfo/tpinfo/fixtures/natsserver"
	"github.com/tpinfo/tpinfo/fixtures/packed"
	"github.com/tpinfo/tpinfo/fixtures/process"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// startQueue starts a server whose queue gives a worker that was killed up
// after a second, and not after half a minute.
func startQueue(t testing.TB) *natsserver.Server {
	t.Helper()
	s := natsserver.Start(t, "")
	q, err := natsqueue.Connect(t.Context(), natsqueue.Server{URL: s.URL, Patience: time.Second}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	q.Close()
	return s
}

// TestQueue runs the sessions under testdata/queue. $QUEUE is a queue of their
// own.
func TestQueue(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	runScripts(t, "testdata/queue", func(env *testscript.Env) { env.Setenv("QUEUE", startQueue(t).URL) })
}

var queueRounds = flag.Int("queue-rounds", 1, "rounds of TestQueueFaults")

// TestQueueFaults has a fleet prebuilt by two workers while the coordinator,
// the workers and the server are killed at random, each again and again, and
// holds the cache against that of an undisturbed run. 50 rounds:
//
//	TPINFO_TIER=2 go test ./cmd/tpinfo -run QueueFaults -queue-rounds 50 -timeout 30m
func TestQueueFaults(t *testing.T) {
	tier.Need(t, tier.Trees) // it takes a while
	tier.NeedTool(t, "gcc", "gcc")
	dir := t.TempDir()
	packages := filepath.Join(dir, "packages")
	if err := os.Mkdir(packages, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		packed.Write(t, packages, packed.Kernel{ABI: fmt.Sprintf("6.17.0-%d", i+1), Flavour: "tiny", Replace: []string{"char name[56]", fmt.Sprintf("char name[%d]", 56+4*i)}})
	}
	want := filepath.Join(dir, "undisturbed.db")
	do(t, exitDone, "prebuild", "-q", "--cache", want, packages)
	for i := range *queueRounds {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			t.Parallel()
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			got := underFire(t, packages, rand.New(rand.NewPCG(seed, 0)))
			if a, b := contentOf(t, want), contentOf(t, got); a != b {
				kernels, _ := do(t, exitDone, "kernels", "--cache", got)
				t.Errorf("the cache has content %s, an undisturbed one %s\n%s", b, a, kernels)
			}
		})
	}
}

var contentLine = regexp.MustCompile(`(?m)^content +([0-9a-f]{64})$`)

func contentOf(t *testing.T, db string) string {
	t.Helper()
	out, _ := do(t, exitDone, "cache", "stats", "--cache", db)
	m := contentLine.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no content in %s", out)
	}
	return m[1]
}

// underFire prebuilds and returns the cache. Each worker is killed once: three
// that die with one task would set it aside, as they should.
func underFire(t *testing.T, packages string, r *rand.Rand) (db string) {
	t.Helper()
	s := startQueue(t)
	dir := t.TempDir()
	db = filepath.Join(dir, "cache.db")
	workers := []*process.Process{
		launch(t, dir, "worker", "--queue", s.URL, "-j", "1"),
		launch(t, dir, "worker", "--queue", s.URL, "-j", "1"),
	}
	coordinator := launch(t, dir, "prebuild", "--queue", s.URL, "--cache", db, packages)
	events := []func(){coordinator.Again, coordinator.Again, workers[0].Again, workers[1].Again, func() {
		s.Kill()
		time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond)
		s.Start()
	}}
	r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for _, event := range events {
		if ends(coordinator, time.Duration(r.IntN(1500))*time.Millisecond) {
			break
		}
		event()
	}
	// A server that is away when the program starts is an error; whoever
	// starts it tries again.
	for limit := time.Now().Add(90 * time.Second); time.Now().Before(limit); {
		for _, w := range workers {
			if ends(w, 0) {
				w.Start()
			}
		}
		if !ends(coordinator, 200*time.Millisecond) {
			continue
		}
		if coordinator.Succeeded() {
			return db
		}
		coordinator.Start()
	}
	t.Fatalf("the run does not end:\n%s%s%s", coordinator.Said(), workers[0].Said(), workers[1].Said())
	return ""
}

// launch starts tpinfo in a process of its own.
func launch(t *testing.T, dir string, args ...string) *process.Process {
	t.Helper()
	return process.Start(t, func() *exec.Cmd {
		cmd := exec.Command("tpinfo", args...) // as testscript.Main puts it on the path
		cmd.Env = append(os.Environ(), "TMPDIR="+dir, "XDG_CONFIG_HOME="+dir)
		return cmd
	})
}

// ends reports whether the process has ended after so long.
func ends(p *process.Process, limit time.Duration) bool {
	select {
	case <-p.Ended():
		return true
	case <-time.After(limit):
		return false
	}
}
