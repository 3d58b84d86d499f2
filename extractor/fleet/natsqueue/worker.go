package natsqueue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/extractor/fleet"
)

// Building is what a build may ask and tell.
type Building struct {
	// Known returns the id of a kernel that was built from headers with this
	// digest and that can be had from the queue: a result may then say Same.
	Known func(ctx context.Context, headers string) (id string, err error)
	// Report sends progress to the coordinator.
	Report func(extractor.Progress)
}

// Worker builds what a queue offers.
type Worker struct {
	Queue *Queue
	// Build builds one kernel, as fleet.Builder does; a failure that names no
	// tools is one of this machine, and the task is tried on another.
	Build func(ctx context.Context, t fleet.Task, b Building) fleet.Result
	// Able says what this machine lacks for a task, a compiler say; nil where
	// it lacks nothing.
	Able func(ctx context.Context, t fleet.Task) error
	// Tools names what this machine builds an architecture (the packages'
	// word) with, as fleet.Builder has it, for failures; nil for nothing.
	Tools func(ctx context.Context, arch string) string
	Jobs  int // kernels at once; at least 1
	// Scratch is a folder for packages, which are kept there up to Store
	// bytes for tasks that share them.
	Scratch string
	Store   int64
	// IdleExit is how long to wait for work before Run returns; 0 for ever.
	IdleExit time.Duration

	name  string
	log   *slog.Logger
	shelf *shelf
	mu    sync.Mutex
	at    map[string]bool // ids of the tasks at work
	idle  time.Time       // since when there has been none

	// groups are those (groupOf) that were asked for, and whether they are
	// this worker's. choosing is held while one is asked for, so that two
	// slots do not ask for the same.
	choosing sync.Mutex
	groups   map[string]bool
}

// Run takes tasks and builds them until ctx ends, or there was no work for
// IdleExit. What is being built when ctx ends is given back at once.
func (w *Worker) Run(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unnamed"
	}
	// The same machine and process number come back after a restart.
	w.name = fmt.Sprintf("%s-%d-%s", host, os.Getpid(), strings.ToLower(nuid.Next()[18:]))
	w.log = w.Queue.log.With("worker", w.name)
	w.shelf = newShelf(w.Queue, w.Scratch, w.Store)
	w.at, w.groups, w.idle = map[string]bool{}, map[string]bool{}, time.Now()
	answers, err := w.Queue.nc.Subscribe(whoSubject, w.present)
	if err != nil {
		return w.Queue.explain(err)
	}
	defer func() { _ = answers.Unsubscribe() }()
	jobs := max(w.Jobs, 1)
	w.log.Info("waits for work", "queue", w.Queue.where, "jobs", jobs)
	g, slots := errgroup.WithContext(ctx)
	for range jobs {
		g.Go(func() error { return w.slot(slots) })
	}
	err = g.Wait()
	if err == nil && ctx.Err() == nil {
		w.log.Info("no work, so it ends", "idle", w.IdleExit.String())
	}
	// What was given back must be with the server before the connection ends.
	if ferr := w.Queue.nc.FlushTimeout(requestLimit); err == nil && ferr != nil && ctx.Err() == nil {
		err = ferr
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return w.Queue.explain(err)
}

// slot builds one task after the other.
func (w *Worker) slot(ctx context.Context) error {
	for ctx.Err() == nil {
		left := w.idleLeft()
		if left <= 0 {
			return nil
		}
		msg, err := w.next(ctx, min(left, w.Queue.patience))
		switch {
		case msg != nil:
			w.handle(ctx, msg) // which gives it back where ctx ended
		case ctx.Err() != nil:
		case w.Queue.nc.IsClosed():
			return errors.New("the connection was closed by the server")
		case err != nil:
			// A worker outlives whatever happens to its server.
			if !passing(err) {
				w.log.Warn("got no work", "error", w.Queue.explain(err))
			}
			w.log.Debug("got no work", "error", err)
			pause(ctx, time.Second)
		}
	}
	return nil
}

// next waits for a task; nil when none came.
func (w *Worker) next(ctx context.Context, wait time.Duration) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, max(wait, 200*time.Millisecond))
	defer cancel()
	var c jetstream.Consumer
	err := w.Queue.persist(ctx, requestLimit, func(ctx context.Context) (err error) {
		c, err = w.Queue.js.Consumer(ctx, taskStream, consumer)
		return err
	})
	if err != nil {
		return nil, err
	}
	if msg, err := w.choose(ctx, c); msg != nil || err != nil {
		return msg, err
	}
	options := []jetstream.FetchOpt{jetstream.FetchContext(ctx)}
	if wait > time.Second {
		// A server that went away is missed by its silence.
		options = append(options, jetstream.FetchHeartbeat(min(wait/4, 5*time.Second)))
	}
	batch, err := c.Fetch(1, options...)
	if err != nil {
		return nil, err
	}
	msg := <-batch.Messages()
	if err := batch.Error(); msg == nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return msg, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// idleLeft is how long this worker goes on waiting for work.
func (w *Worker) idleLeft() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.IdleExit <= 0 || len(w.at) > 0 {
		return w.Queue.patience
	}
	return w.IdleExit - time.Since(w.idle)
}

// begin notes a task as being at work; false when it is at work here already.
func (w *Worker) begin(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at[id] {
		return false
	}
	w.at[id] = true
	return true
}

func (w *Worker) end(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.at, id)
	w.idle = time.Now()
}

// present answers the question who is there.
func (w *Worker) present(m *nats.Msg) {
	w.mu.Lock()
	p := presence{Worker: w.name}
	for id := range w.at {
		p.Building = append(p.Building, id)
	}
	w.mu.Unlock()
	slices.Sort(p.Building)
	_ = m.Respond(encode(p)) // nobody to tell
}

// handle brings one task to an end, whatever that is.
func (w *Worker) handle(ctx context.Context, msg jetstream.Msg) {
	id := strings.TrimPrefix(msg.Subject(), taskSubject)
	o, err := readOffer(id, msg.Data())
	if err != nil {
		w.log.Warn("left out what is no task", "id", id, "error", err)
		_ = msg.Term()
		return
	}
	j := &job{Worker: w, id: id, offer: o, msg: msg, log: w.log.With("release", o.Task.Set.Release)}
	if !w.begin(id) {
		j.later(w.Queue.patience)
		return
	}
	defer w.end(id)
	alive := j.beat()
	defer alive()
	err = j.do(ctx)
	away, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*requestLimit)
	defer cancel()
	j.unclaim(away)
	switch {
	case j.ended:
	case ctx.Err() != nil:
		j.giveBack()
	case err != nil:
		j.log.Warn("gave it back", "error", w.Queue.explain(err))
		j.fail(ctx, err)
	}
}

// job is one task at a worker.
type job struct {
	*Worker
	id    string
	offer *offer
	msg   jetstream.Msg
	log   *slog.Logger
	began bool   // counted as a try
	claim string // headers that others leave to this one; empty for none
	ended bool   // given back, or finished
}

// beat tells the server that somebody is at work, until it is called.
func (j *job) beat() (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(j.Queue.patience / 4)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				// Lost while the server is away; the next one counts.
				_ = j.msg.InProgress()
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

// later gives the task back, not to be offered again before d.
func (j *job) later(d time.Duration) {
	j.ended = true
	_ = j.msg.NakWithDelay(d)
}

// finish tells the server and whoever waits that the task is done.
func (j *job) finish(ctx context.Context) {
	j.ended = true
	// Without an answer the task comes again, and then has a result.
	_ = j.Queue.within(ctx, requestLimit, j.msg.DoubleAck)
	_ = j.Queue.nc.Publish(doneSubject+j.id, nil)
}

// giveBack returns a task when this worker ends.
func (j *job) giveBack() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if j.began {
		if err := j.untake(ctx, j.id); err != nil {
			j.log.Warn("could not take its try back", "error", err)
		}
	}
	_ = j.msg.Nak()
	j.log.Info("gave it back")
}

// fail notes what kept this worker from building the task, for another try.
func (j *job) fail(ctx context.Context, reason error) {
	if j.began {
		err := j.Queue.amend(ctx, j.id, func(r *record) {
			for i := range r.Tries {
				if t := &r.Tries[i]; t.Worker == j.name && t.Reason == "" {
					t.Reason = reason.Error()
				}
			}
		})
		if err != nil {
			j.log.Warn("could not note why", "error", err)
		}
	}
	j.later(j.Queue.patience / 10)
}

// do takes the task, builds it and stores what came of it. An error is this
// worker's.
func (j *job) do(ctx context.Context) error {
	var there outcome
	found, _, err := j.Queue.load(ctx, resultKey(j.id), &there)
	if err != nil {
		return err
	}
	if found {
		// A worker went away between storing and acknowledging.
		j.finish(ctx)
		return nil
	}
	if why := j.unable(ctx); why != nil {
		first := false
		err := j.Queue.amend(ctx, j.id, func(r *record) {
			if r.Refused == nil {
				r.Refused = map[string]string{}
			}
			first = r.Refused[j.name] == ""
			r.Refused[j.name] = why.Error()
		})
		if first {
			j.log.Info("left it to others", "error", why)
		}
		j.later(j.Queue.patience / 10)
		return err
	}
	var state begun
	var tries *record
	err = j.roomy(ctx, func() (err error) {
		state, tries, err = j.take(ctx, j.id)
		return err
	})
	if err != nil {
		return err
	}
	switch state {
	case atWork:
		j.later(j.Queue.patience)
		return nil
	case setAside:
		why := tries.why()
		j.log.Warn("set aside", "error", why)
		res := failed(j.offer.Task, j.name, why, len(tries.Tries), "tpinfo prebuild of this package alone, without --queue")
		if j.Tools != nil {
			res.Failure.Tools = j.Tools(ctx, j.offer.Task.Set.Arch)
		}
		return j.keep(ctx, res)
	}
	j.began = true
	task, release, err := j.shelf.unpack(ctx, j.offer)
	defer release()
	var lack *lackError
	if errors.As(err, &lack) {
		j.log.Warn("a package is not there; its coordinator will bring it again", "error", err)
		return j.report(ctx, outcome{Worker: j.name, Lacks: lack.digest})
	}
	if err != nil {
		return err
	}
	j.log.Info("builds it", "try", len(tries.Tries))
	res, err := j.build(ctx, task)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if f := res.Failure; f != nil && f.Tools == "" {
		return errors.New(f.Reason)
	}
	return j.roomy(ctx, func() error { return j.keep(ctx, res) })
}

// roomy calls f again while the queue is full: its coordinator makes room.
func (j *job) roomy(ctx context.Context, f func() error) error {
	for said := false; ; said = true {
		err := f()
		if !isFull(err) || ctx.Err() != nil {
			return err
		}
		if !said {
			j.log.Warn("waits for room", "error", j.Queue.explain(err))
		}
		pause(ctx, j.Queue.patience/10)
	}
}

// unable says what this worker lacks for the task.
func (j *job) unable(ctx context.Context) error {
	if j.offer.Version != version() {
		return errors.New("it is another version of tpinfo")
	}
	if j.Able == nil {
		return nil
	}
	return j.Able(ctx, j.offer.Task)
}

// build calls Build, and takes a panic as this worker's failure.
func (j *job) build(ctx context.Context, task fleet.Task) (res fleet.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("tpinfo itself failed: %v", p)
		}
	}()
	j.tell(extractor.Progress{})
	res = j.Build(ctx, task, Building{Known: j.known, Report: j.tell})
	res.Task, res.Worker = j.offer.Task, j.name
	return res, nil
}

// tell sends progress to the coordinator.
func (j *job) tell(p extractor.Progress) {
	_ = j.Queue.nc.Publish(stepSubject+j.id, encode(step{Worker: j.name, At: p}))
}

// keep stores a result under its task's name and ends the task. A result that
// is there already stays.
func (j *job) keep(ctx context.Context, res fleet.Result) error {
	if res.Same != "" {
		var k kin
		if found, _, err := j.Queue.load(ctx, kinKey(res.Origin.Headers), &k); err != nil || !found {
			return errors.Join(err, errors.New("a kernel with the same headers was there and is gone"))
		}
		j.log.Info("has the headers of a kernel that was built", "id", res.Same)
		return j.report(ctx, outcome{Worker: j.name, Object: k.Object, Headers: res.Origin.Headers})
	}
	packed, err := fleet.Encode(res)
	if err != nil {
		return err
	}
	object := objectPrefix + sum(packed)
	_, err = j.Queue.objects.Put(ctx, object, int64(len(packed)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(packed)), nil
	})
	if err != nil {
		return err
	}
	if res.Snapshot != nil {
		if err := j.disclose(ctx, &res, object); err != nil {
			return err
		}
	}
	if f := res.Failure; f != nil {
		j.log.Info("cannot be built", "seconds", res.Seconds, "error", f.Reason)
	} else {
		j.log.Info("built", "seconds", res.Seconds, "bytes", len(packed))
	}
	return j.report(ctx, outcome{Worker: j.name, Object: object})
}

// report names what came of the task, and ends it.
func (j *job) report(ctx context.Context, o outcome) error {
	var there outcome
	found, revision, err := j.Queue.load(ctx, resultKey(j.id), &there)
	if err == nil && !found {
		err = j.Queue.swap(ctx, resultKey(j.id), o, revision)
	}
	if err != nil && !errors.Is(err, errSwapped) {
		return err
	}
	// The next to take the task, should it come again, begins at nothing.
	if err := j.Queue.forget(ctx, triesKey(j.id), 0); err != nil {
		j.log.Debug("left on the queue", "key", triesKey(j.id), "error", err)
	}
	j.finish(ctx)
	return nil
}
