package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue"
	"github.com/tpinfo/tpinfo/fixtures/natsserver"
	"github.com/tpinfo/tpinfo/fixtures/packed"
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
	var said bytes.Buffer
	coordinator := &process{t: t, dir: dir, args: []string{"prebuild", "--queue", s.URL, "--cache", db, packages}}
	workers := []*process{
		{t: t, dir: dir, args: []string{"worker", "--queue", s.URL, "-j", "1"}},
		{t: t, dir: dir, args: []string{"worker", "--queue", s.URL, "-j", "1"}},
	}
	for _, p := range append(workers, coordinator) {
		p.start()
	}
	events := []func(){coordinator.again, coordinator.again, workers[0].again, workers[1].again, func() {
		s.Kill()
		time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond)
		s.Start()
	}}
	r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for _, event := range events {
		if coordinator.wait(time.Duration(r.IntN(1500)) * time.Millisecond) {
			break
		}
		event()
	}
	// A server that is away when the program starts is an error; whoever
	// starts it tries again.
	for limit := time.Now().Add(90 * time.Second); time.Now().Before(limit); {
		for _, w := range workers {
			if w.wait(0) {
				w.start()
			}
		}
		if !coordinator.wait(200 * time.Millisecond) {
			continue
		}
		if coordinator.cmd.ProcessState.Success() {
			return db
		}
		said.WriteString(coordinator.said())
		coordinator.start()
	}
	t.Fatalf("the run does not end:\n%s%s%s%s", said.String(), coordinator.said(), workers[0].said(), workers[1].said())
	return ""
}

// process is the program in a process of its own that can be killed.
type process struct {
	t    *testing.T
	dir  string
	args []string
	cmd  *exec.Cmd
	out  string
	done chan struct{}
}

func (p *process) start() {
	p.t.Helper()
	out, err := os.CreateTemp(p.dir, p.args[0])
	if err != nil {
		p.t.Fatal(err)
	}
	defer out.Close()
	p.out = out.Name()
	cmd := exec.CommandContext(context.Background(), "tpinfo", p.args...) // as testscript.Main puts it on the path
	cmd.Env = append(os.Environ(), "TMPDIR="+p.dir, "XDG_CONFIG_HOME="+p.dir)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() {
		defer close(done)
		_ = cmd.Wait() // ProcessState has it
	}()
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
}

// wait reports whether the process ended.
func (p *process) wait(limit time.Duration) bool {
	select {
	case <-p.done:
		return true
	case <-time.After(limit):
		return false
	}
}

// again kills the process and starts another one.
func (p *process) again() {
	_ = p.cmd.Process.Kill()
	<-p.done
	p.start()
}

func (p *process) said() string {
	text, _ := os.ReadFile(p.out)
	return string(text)
}
