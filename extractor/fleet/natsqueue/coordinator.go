package natsqueue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/extractor/fleet"
)

// DefaultWindow is how many bytes of packages a coordinator has on the server
// at once: those of a hundred kernels or so.
const DefaultWindow = 1 << 30

// maxLosses is how often what a task needs may get lost on the queue before
// the task counts as failed.
const maxLosses = 3

// Coordinator is a fleet.Queue whose builders are workers on a queue. It may
// end at any time, and another one go on with the same tasks: what workers
// built meanwhile is collected.
type Coordinator struct {
	Queue *Queue
	// Here builds on this machine what does not travel: trees, and sources
	// that are folders.
	Here func(ctx context.Context, t fleet.Task, report func(extractor.Progress)) fleet.Result
	// Known returns the id of a kernel that was built from headers with this
	// digest, "" for none, as fleet.Builder has it; nil when nobody knows.
	Known func(ctx context.Context, headers string) (id string, err error)
	// Report follows the tasks; nil for none.
	Report fleet.Progress
	// Window bounds the bytes of packages that wait on the server; 0 for
	// DefaultWindow.
	Window int64
}

// Run implements fleet.Queue.
func (c *Coordinator) Run(ctx context.Context, tasks []fleet.Task, done func(fleet.Result) error) error {
	r := &run{
		Coordinator: c, q: c.Queue,
		board:   map[string]*entry{},
		users:   map[string]int{},
		changed: make(chan struct{}, 1),
		ready:   make(chan ready),
		looked:  make(chan struct{}),
		objects: map[string]bool{},
		window:  c.Window,
	}
	if r.window <= 0 {
		r.window = DefaultWindow
	}
	here, err := r.enter(ctx, tasks)
	if err != nil {
		return err
	}
	g, running := errgroup.WithContext(ctx)
	inner, stop := context.WithCancel(running)
	defer stop()
	g.Go(func() error { return r.collect(inner) })
	g.Go(func() error { return r.feed(inner) })
	g.Go(func() error { return r.buildHere(inner, here) })
	g.Go(func() error { return r.watch(inner) })
	g.Go(func() error {
		defer stop()
		return r.hand(inner, len(tasks), done)
	})
	err = g.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil {
		r.tidy(ctx)
	}
	var own *keepError
	if errors.As(err, &own) {
		return own.error // the queue has no part in it
	}
	return c.Queue.explain(err)
}

// keepError is one of done.
type keepError struct{ error }

// run is one run of a coordinator.
type run struct {
	*Coordinator
	q     *Queue
	order []*entry // as the tasks came, without those that are built here
	ready chan ready
	// looked is closed when the results from before have been collected.
	looked chan struct{}
	still  bool // the last audit found tasks that nobody is given
	lonely bool // and no worker
	// got counts the results that were collected, gotBefore until the last
	// audit.
	got       atomic.Int64
	gotBefore int64

	telling sync.Mutex

	mu    sync.Mutex
	board map[string]*entry // by id
	// users counts, by digest, the tasks that still need a package on the
	// server; bytes is what those packages weigh, and window what they may.
	users   map[string]int
	bytes   int64
	window  int64
	changed chan struct{}   // a token when users or the state of a task changed
	objects map[string]bool // of collected results
}

// state of a task.
type state int

const (
	waiting state = iota // to be queued
	queued
	collected
)

// entry is a task on the board.
type entry struct {
	id      string
	offer   *offer
	parcels []*parcel
	state   state
	// building: a worker said that it is at it.
	building bool
	// begun and ended are what Report was told; under telling.
	begun, ended bool
	losses       int       // how often something of it was lost
	lacks        string    // the digest of a package that a worker did not find
	sent         []*parcel // on the server for it
}

// ready is a result that was collected.
type ready struct {
	entry  *entry // nil for one built here
	res    fleet.Result
	object string
}

// enter puts the tasks on the board, and returns those that do not travel.
func (r *run) enter(ctx context.Context, tasks []fleet.Task) (here []fleet.Task, err error) {
	sources := map[string]*parcel{}
	for _, t := range tasks {
		o := &offer{Version: version(), Task: t}
		if t.Set.Source != "" {
			if sources[t.Set.Source], err = source(ctx, sources, t.Set.Source); err != nil {
				return nil, err
			}
			o.Source = sources[t.Set.Source]
		}
		if t.Set.Tree != "" || t.Set.Source != "" && o.Source == nil {
			here = append(here, t)
			continue
		}
		if err := CheckCompiler(t.CC); err != nil {
			return nil, err
		}
		e := &entry{id: idOf(t), offer: o, parcels: o.parcels()}
		if _, err := readOffer(e.id, encode(o)); err != nil || len(e.parcels) == 0 {
			// What no worker would take waits for one for ever.
			r.q.log.Info("built here, as workers would not take it", "release", t.Set.Release, "error", err)
			here = append(here, t)
			continue
		}
		if r.board[e.id] != nil {
			return nil, fmt.Errorf("%s is there twice", t.Set.Release)
		}
		r.board[e.id] = e
		r.order = append(r.order, e)
	}
	r.order = braid(r.order)
	return here, nil
}

// source digests a packed source; nil for a folder.
func source(ctx context.Context, known map[string]*parcel, path string) (*parcel, error) {
	if p, ok := known[path]; ok {
		return p, nil
	}
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return nil, err
	}
	digest, err := digestFile(ctx, path)
	return &parcel{Path: path, Digest: digest, Size: info.Size()}, err
}

// buildHere builds what does not travel, one after the other.
func (r *run) buildHere(ctx context.Context, tasks []fleet.Task) error {
	for _, t := range tasks {
		if r.Report != nil {
			r.Report.Began(t)
		}
		res := r.Here(ctx, t, func(p extractor.Progress) {
			if r.Report != nil {
				r.Report.Step(t, p)
			}
		})
		if r.Report != nil {
			r.Report.Ended(t)
		}
		select {
		case r.ready <- ready{res: res}:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// hand gives each result to done, once, and then lets go of what it needed.
func (r *run) hand(ctx context.Context, n int, done func(fleet.Result) error) error {
	handed := map[string]string{} // kernels by the digest of their headers
	for ; n > 0; n-- {
		select {
		case one := <-r.ready:
			r.recognise(ctx, &one.res, handed)
			if err := done(one.res); err != nil {
				return &keepError{err}
			}
			if one.object != "" {
				r.mu.Lock()
				r.objects[one.object] = true
				r.mu.Unlock()
			}
			if one.entry != nil {
				r.letGo(ctx, one.entry)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// recognise makes a kernel with the headers of another one what it is without
// a queue: the same. A worker knows neither what the coordinator has from
// before, nor always what another worker just built.
func (r *run) recognise(ctx context.Context, res *fleet.Result, handed map[string]string) {
	headers := res.Origin.Headers
	if res.Snapshot == nil || headers == "" {
		return
	}
	id := handed[headers]
	if id == "" && r.Known != nil {
		// Whoever cannot answer is not this kernel's fault: it was built.
		if known, err := r.Known(ctx, headers); err == nil {
			id = known
		}
	}
	if id == "" {
		handed[headers] = res.Snapshot.Kernel.ID
		return
	}
	res.Same, res.Snapshot = id, nil
}

// letGo deletes packages that no task of this run needs any more. Another
// coordinator that needs them uploads them again.
func (r *run) letGo(ctx context.Context, e *entry) {
	r.mu.Lock()
	var free []*parcel
	for _, p := range e.sent {
		if r.users[p.Digest]--; r.users[p.Digest] == 0 {
			delete(r.users, p.Digest)
			r.bytes -= p.Size
			free = append(free, p)
		}
	}
	e.sent = nil
	r.mu.Unlock()
	r.wake()
	for _, p := range free {
		r.q.objects.Drop(ctx, p.object())
		if p.Digest != groupOf(&e.offer.Task) {
			continue
		}
		if err := r.q.forget(ctx, groupKey(p.Digest), 0); err != nil {
			r.q.log.Debug("left on the queue", "key", groupKey(p.Digest), "error", err)
		}
	}
}

// tidy removes the results of a run that came to its end. Until then they
// stay, for another coordinator with the same tasks.
func (r *run) tidy(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, e := range r.order {
		if err := r.q.within(ctx, requestLimit, func(ctx context.Context) error {
			return r.q.keys.Delete(ctx, resultKey(e.id))
		}); err != nil {
			r.q.log.Debug("left on the queue", "key", resultKey(e.id), "error", err)
		}
	}
	for object := range r.objects {
		r.q.objects.Drop(ctx, object)
	}
}

// wake tells the feeder that something changed.
func (r *run) wake() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// watch ends a run whose server stays away.
func (r *run) watch(ctx context.Context) error {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		if r.q.nc.IsClosed() {
			return fmt.Errorf("the server ended the connection for good: %w", r.q.nc.LastError())
		}
		if lost := r.q.lostFor(); lost > giveUp {
			return fmt.Errorf("it was not reached for %v; what workers built is collected when the same command runs again", giveUp)
		}
	}
}
