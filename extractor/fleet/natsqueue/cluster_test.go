package natsqueue

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/fixtures/natsserver"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// A server that is killed and started again in the middle costs time only.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 8)
	b := &builder{takes: 100 * time.Millisecond}
	work(t, &Worker{Queue: connect(t, s.URL), Build: b.Build})
	restarted := make(chan bool)
	go func() {
		defer close(restarted)
		time.Sleep(300 * time.Millisecond)
		s.Kill()
		time.Sleep(300 * time.Millisecond)
		s.Start()
	}()
	runTasks(t, &Coordinator{Queue: connect(t, s.URL)}, tasks)
	<-restarted
}

// A server that stands still for longer than a worker may be silent hands a
// task out again, though its worker is at it: nobody builds it twice.
func TestServerStandsStill(t *testing.T) {
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 2)
	const short = 500 * time.Millisecond
	b := &builder{takes: 4 * short}
	for range 3 {
		work(t, &Worker{Queue: connectWith(t, Server{URL: s.URL, Patience: short}), Build: b.Build})
	}
	still := time.AfterFunc(short, func() {
		s.Signal(syscall.SIGSTOP)
		time.Sleep(2 * short)
		s.Signal(syscall.SIGCONT)
	})
	defer still.Stop()
	runTasks(t, &Coordinator{Queue: connectWith(t, Server{URL: s.URL, Patience: short})}, tasks)
	if b.total() != 2 {
		t.Errorf("2 tasks were built %d times", b.total())
	}
}

// A cluster keeps three copies, and goes on without the node that leads.
func TestClusterNodeKilled(t *testing.T) {
	tier.Need(t, tier.Trees) // it takes a while, most of it for elections
	t.Parallel()
	nodes := natsserver.StartCluster(t)
	tasks := makeTasks(t, t.TempDir(), 12)
	q := connect(t, natsserver.URLs(nodes))
	info, err := q.tasks.Info(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if info.Config.Replicas != 3 {
		t.Errorf("%d copies on a cluster of three", info.Config.Replicas)
	}
	for range 2 {
		work(t, &Worker{Queue: connect(t, natsserver.URLs(nodes)), Build: (&builder{takes: 100 * time.Millisecond}).Build})
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	got := kept{}
	err = (&Coordinator{Queue: q}).Run(ctx, tasks, func(res fleet.Result) error {
		if len(got) == 2 {
			info, err := q.tasks.Info(ctx)
			if err != nil {
				return err
			}
			leader := int(info.Cluster.Leader[1] - '0') // "n1"
			if leader < 0 || leader > 2 {
				return errors.New("no leader: " + info.Cluster.Leader)
			}
			nodes[leader].Kill()
		}
		return got.done(res)
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(undisturbed(t, tasks), got); d != "" {
		t.Error(d)
	}
}
