package natsqueue

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/fixtures/natsserver"
	"github.com/tpinfo/tpinfo/fixtures/process"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

var rounds = flag.Int("rounds", 6, "rounds of TestFaults")

// TestFaults kills coordinators, workers and the server at random, and holds
// what is kept in the end against a run that nothing disturbs. 50 rounds:
//
//	TPINFO_TIER=2 go test ./extractor/fleet/natsqueue -run TestFaults -rounds 50
func TestFaults(t *testing.T) {
	tier.Need(t, tier.Trees) // it takes a while
	for i := range *rounds {
		seed := uint64(time.Now().UnixNano())
		t.Run(fmt.Sprintf("%d", i+1), func(t *testing.T) {
			t.Parallel()
			t.Logf("seed %d", seed)
			round(t, rand.New(rand.NewPCG(seed, uint64(i))))
		})
	}
}

// round has one fleet built under fire. Two of the workers are killed at most:
// the third time would set a task aside, as it should.
func round(t *testing.T, r *rand.Rand) {
	dir := t.TempDir()
	tasks := makeTasks(t, dir, 16)
	text, err := json.Marshal(tasks)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tasks"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "kept"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := natsserver.Start(t, "")
	coordinator := actor(t, "coordinator", s.URL, dir)
	workers := []*process.Process{actor(t, "worker", s.URL, dir), actor(t, "worker", s.URL, dir)}
	events := []func(){coordinator.Again, coordinator.Again, workers[0].Again, workers[1].Again, func() {
		s.Kill()
		time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
		s.Start()
	}, func() {
		s.Kill()
		s.Start()
	}}
	r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for _, event := range events {
		select {
		case <-coordinator.Ended():
		case <-time.After(time.Duration(r.IntN(500)) * time.Millisecond):
			event()
		}
	}
	select {
	case <-coordinator.Ended():
	case <-time.After(time.Minute):
		t.Fatalf("the run does not end:\n%s\n%s\n%s", coordinator.Said(), workers[0].Said(), workers[1].Said())
	}
	if !coordinator.Succeeded() {
		t.Errorf("the coordinator fails:\n%s", coordinator.Said())
	}
	got := kept{}
	for _, task := range tasks {
		text, err := os.ReadFile(filepath.Join(dir, "kept", task.Key))
		if err != nil {
			t.Error(err)
		}
		got[task.Key] = string(text)
	}
	if d := cmp.Diff(undisturbed(t, tasks), got); d != "" {
		t.Errorf("- undisturbed, + under fire:\n%s\n%s\n%s", d, workers[0].Said(), workers[1].Said())
	}
}

// actor starts this program in a role.
func actor(t *testing.T, role, url, dir string) *process.Process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return process.Start(t, func() *exec.Cmd {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), roleVariable+"="+role, "ACTOR_URL="+url, "ACTOR_DIR="+dir)
		return cmd
	})
}

// roleVariable makes this program an actor instead of the tests.
const roleVariable = "TPINFO_QUEUE_ACTOR"

// play is an actor's life; what it returns is its exit status.
func play(role string) int {
	dir := os.Getenv("ACTOR_DIR")
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var q *Queue
	for range 50 {
		var err error
		// Whoever starts a real one tries again when its server is away.
		if q, err = Connect(context.Background(), Server{URL: os.Getenv("ACTOR_URL"), Patience: time.Second}, log); err == nil {
			break
		}
		fmt.Println(err)
		time.Sleep(100 * time.Millisecond)
	}
	if q == nil {
		return 1
	}
	var err error
	switch role {
	case "worker":
		var scratch string
		if scratch, err = os.MkdirTemp(dir, "scratch"); err == nil {
			err = (&Worker{Queue: q, Build: (&builder{takes: 80 * time.Millisecond}).Build, Scratch: scratch}).Run(context.Background())
		}
	case "coordinator":
		err = coordinate(q, dir)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// coordinate is what prebuild does, with files for a cache: what is kept is not
// asked for again.
func coordinate(q *Queue, dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "tasks"))
	if err != nil {
		return err
	}
	var all, tasks []fleet.Task
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for _, t := range all {
		if _, err := os.Stat(filepath.Join(dir, "kept", t.Key)); err != nil {
			tasks = append(tasks, t)
		}
	}
	return (&Coordinator{Queue: q}).Run(context.Background(), tasks, func(res fleet.Result) error {
		path := filepath.Join(dir, "kept", res.Task.Key)
		if _, err := os.Stat(path); err == nil {
			return fmt.Errorf("%s comes twice", res.Task.Set.Release)
		}
		// As a transaction: whole or not at all.
		if err := os.WriteFile(path+".part", []byte(describe(res)), 0o600); err != nil {
			return err
		}
		return os.Rename(path+".part", path)
	})
}
