package natsqueue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue/objects"
)

// collect looks for results: at once when a worker says that there is one, and
// through all of them at intervals. What is there from before is first.
func (r *run) collect(ctx context.Context) error {
	hints := make(chan *nats.Msg, 4096)
	for _, subject := range []string{doneSubject, stepSubject} {
		sub, err := r.q.nc.ChanSubscribe(subject+"*", hints)
		if err != nil {
			return err
		}
		defer func() { _ = sub.Unsubscribe() }()
	}
	for _, e := range r.order {
		if _, err := r.look(ctx, e); err != nil {
			return ended(ctx, err)
		}
	}
	close(r.looked)
	every := time.NewTicker(r.q.patience / 3)
	defer every.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case m := <-hints:
			err = r.hint(ctx, m)
		case <-every.C:
			err = r.audit(ctx)
		}
		if err != nil {
			return ended(ctx, err)
		}
	}
}

// ended is err, unless the run ends anyway.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// hint follows up what a worker said.
func (r *run) hint(ctx context.Context, m *nats.Msg) error {
	id, done := strings.CutPrefix(m.Subject, doneSubject)
	e := r.board[strings.TrimPrefix(id, stepSubject)]
	if e == nil {
		return nil // of another coordinator
	}
	if done {
		_, err := r.look(ctx, e)
		return err
	}
	var s step
	if json.Unmarshal(m.Data, &s) != nil || r.stateOf(e) == collected {
		return nil
	}
	r.mu.Lock()
	e.building = true
	r.mu.Unlock()
	r.follow(e, s.At, false)
	return nil
}

// follow passes progress on: the beginning once, nothing after the end.
func (r *run) follow(e *entry, p extractor.Progress, end bool) {
	if r.Report == nil {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	if e.ended {
		return
	}
	if !e.begun {
		e.begun = true
		r.Report.Began(e.offer.Task)
	}
	if p != (extractor.Progress{}) {
		r.Report.Step(e.offer.Task, p)
	}
	if end {
		e.ended = true
		r.Report.Ended(e.offer.Task)
	}
}

func (r *run) stateOf(e *entry) state {
	r.mu.Lock()
	defer r.mu.Unlock()
	return e.state
}

// look collects a task's result where it is there.
func (r *run) look(ctx context.Context, e *entry) (found bool, err error) {
	if r.stateOf(e) == collected {
		return true, nil
	}
	var o outcome
	found, revision, err := r.q.load(ctx, resultKey(e.id), &o)
	if err != nil || !found {
		return false, err
	}
	if o.Lacks != "" {
		return false, r.again(ctx, e, revision, o.Lacks, fmt.Errorf("worker %s did not find package %.12s on the queue", o.Worker, o.Lacks))
	}
	res, err := r.read(ctx, e, &o)
	if errors.Is(err, objects.ErrLacking) || errors.Is(err, fleet.ErrCodec) {
		return false, r.again(ctx, e, revision, "", fmt.Errorf("the result of worker %s cannot be used: %w", o.Worker, err))
	}
	if err != nil {
		return false, err
	}
	r.hold(ctx, e, ready{entry: e, res: res, object: o.Object})
	return true, nil
}

// read fetches a result.
func (r *run) read(ctx context.Context, e *entry, o *outcome) (fleet.Result, error) {
	digest, ok := strings.CutPrefix(o.Object, objectPrefix)
	if !ok || !hexDigest.MatchString(digest) {
		return fleet.Result{}, fmt.Errorf("%w: no name of a result: %.80q", fleet.ErrCodec, o.Object)
	}
	var packed bytes.Buffer
	err := r.q.objects.Get(ctx, o.Object, digest, fleet.MaxPacked, func() (io.WriteCloser, error) {
		packed.Reset()
		return inMemory{&packed}, nil
	})
	if err != nil {
		return fleet.Result{}, err
	}
	res, err := fleet.Decode(packed.Bytes())
	if err != nil {
		return fleet.Result{}, err
	}
	return adopt(e.offer.Task, o, res)
}

// inMemory is a buffer that wants no closing.
type inMemory struct{ *bytes.Buffer }

func (inMemory) Close() error { return nil }

// adopt makes a result one of the task as this machine knows it.
func adopt(t fleet.Task, o *outcome, res fleet.Result) (fleet.Result, error) {
	switch {
	case o.Headers == "" && res.Task.Key != t.Key:
		return fleet.Result{}, fmt.Errorf("%w: it is of %s", fleet.ErrCodec, res.Task.Set.Release)
	case o.Headers != "" && (res.Snapshot == nil || res.Origin.Headers != o.Headers):
		return fleet.Result{}, fmt.Errorf("%w: it is of other headers", fleet.ErrCodec)
	}
	res.Task, res.Worker, res.Origin.Key = t, o.Worker, t.Key
	if res.Failure != nil {
		res.Failure.Key = t.Key
	}
	if res.Snapshot != nil {
		// A worker's folders say nothing here; and of a kernel with the same
		// headers the name may be another.
		res.Snapshot.Kernel.Release = t.Set.Release
		if len(t.Set.Headers) > 0 {
			res.Snapshot.Kernel.Tree = t.Set.Headers[0].Path
		}
	}
	return res, nil
}

// hold marks a task as collected and gives its result on.
func (r *run) hold(ctx context.Context, e *entry, one ready) {
	r.mu.Lock()
	before := e.state
	e.state = collected
	r.mu.Unlock()
	if before == collected {
		return
	}
	r.got.Add(1)
	r.follow(e, extractor.Progress{}, true)
	r.wake()
	select {
	case r.ready <- one:
	case <-ctx.Done():
	}
}

// again offers a task once more, after something of it was lost on the way.
func (r *run) again(ctx context.Context, e *entry, revision uint64, lacks string, reason error) error {
	err := r.q.forget(ctx, resultKey(e.id), revision)
	if isFull(err) {
		return nil // seen again when there is room
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	e.losses++
	e.lacks = lacks
	losses := e.losses
	if losses < maxLosses {
		e.state = waiting
	}
	r.mu.Unlock()
	if losses >= maxLosses {
		return r.settle(ctx, e, failed(e.offer.Task, "", reason.Error(), losses, "a look at the queue's server: it loses what it was given", "--retry"))
	}
	r.q.log.Warn("offers it once more", "release", e.offer.Task.Set.Release, "error", reason)
	r.wake()
	return nil
}

// settle ends a task with a failure that was found out here.
func (r *run) settle(ctx context.Context, e *entry, res fleet.Result) error {
	r.withdraw(ctx, e)
	r.hold(ctx, e, ready{entry: e, res: res})
	if err := r.q.forget(ctx, triesKey(e.id), 0); err != nil && !isFull(err) {
		return err
	}
	return nil
}

// audit goes through the tasks that are out. Messages of workers may be lost,
// and a server may lose what was not written yet.
func (r *run) audit(ctx context.Context) error {
	if r.q.lostFor() > 0 {
		return nil
	}
	stuck, err := r.stuck(ctx)
	if err != nil {
		return err
	}
	out := false
	refused := map[*entry]*record{}
	for _, e := range r.order {
		if r.stateOf(e) != queued {
			continue
		}
		if found, err := r.look(ctx, e); err != nil {
			return err
		} else if found || r.stateOf(e) != queued {
			continue
		}
		out = true
		if stuck {
			r.withdraw(ctx, e)
		}
		if fresh, err := r.publish(ctx, e); err != nil && !isFull(err) {
			return err
		} else if fresh {
			r.q.log.Debug("queued again", "release", e.offer.Task.Set.Release)
		}
		var rec record
		if found, _, err := r.q.load(ctx, triesKey(e.id), &rec); err != nil {
			return err
		} else if found && len(rec.Refused) > 0 {
			refused[e] = &rec
		}
	}
	// Where results come, there is a worker.
	got := r.got.Load()
	quiet := got == r.gotBefore
	r.gotBefore = got
	if !out || !quiet && len(refused) == 0 {
		return nil
	}
	workers, err := r.q.who(ctx, func(presence) bool { return len(refused) == 0 })
	if err != nil {
		return err
	}
	lonely := r.lonely
	if r.lonely = len(workers) == 0; r.lonely {
		if !lonely { // it is said once
			r.q.log.Warn("no worker on the queue; start some with 'tpinfo worker --queue " + r.q.where + "'")
		}
		return nil
	}
	for e, rec := range refused {
		if rec.byAll(workers) {
			err := r.settle(ctx, e, failed(e.offer.Task, "", rec.lacking(), 1, "a worker that has it", "--retry"))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// stuck reports whether the server has tasks that it hands to nobody, twice in a
// row: a server that was killed may forget that it has not delivered them.
func (r *run) stuck(ctx context.Context) (bool, error) {
	still := false
	err := r.q.persist(ctx, requestLimit, func(ctx context.Context) error {
		c, err := r.q.js.Consumer(ctx, taskStream, consumer)
		if err != nil {
			return err
		}
		s, err := r.q.js.Stream(ctx, taskStream)
		if err != nil {
			return err
		}
		now := c.CachedInfo()
		still = now.NumPending == 0 && now.NumAckPending == 0 && s.CachedInfo().State.Msgs > 0
		return nil
	})
	twice := still && r.still
	r.still = still && !twice
	if twice {
		r.q.log.Warn("the server hands out no tasks though it has some: they are queued anew")
	}
	return twice, err
}

// byAll reports whether each of the workers refused.
func (r *record) byAll(workers []presence) bool {
	for _, w := range workers {
		if r.Refused[w.Worker] == "" {
			return false
		}
	}
	return true
}
