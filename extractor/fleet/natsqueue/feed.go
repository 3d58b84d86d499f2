package natsqueue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// feed uploads packages and queues tasks, no more than the window lets.
func (r *run) feed(ctx context.Context) error {
	select {
	case <-r.looked:
	case <-ctx.Done():
		return nil
	}
	tried := time.NewTicker(r.q.patience / 10)
	defer tried.Stop()
	for {
		e, idle := r.next()
		if e == nil {
			select {
			case <-ctx.Done():
				return nil
			case <-r.changed:
			case <-tried.C:
			}
			continue
		}
		err := r.send(ctx, e)
		var own *changedError
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil && r.stateOf(e) == collected:
			r.letGo(ctx, e)
		case err == nil:
		case errors.As(err, &own):
			err := r.settle(ctx, e, failed(e.offer.Task, "", err.Error(), 1, "the package, and then the same command again"))
			if err != nil {
				return ended(ctx, err)
			}
		case isFull(err) && !idle:
			r.retreat(ctx)
			pause(ctx, r.q.patience/10)
		default:
			return err
		}
	}
}

// next chooses the next task to queue; nil when there is none, or no room for
// it. idle: no other task has anything on the server, so that none makes room
// by ending.
func (r *run) next() (e *entry, idle bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	idle = true
	for _, one := range r.order {
		switch {
		case one.state == waiting && e == nil:
			e = one
		case one.state == queued || len(one.sent) > 0:
			idle = false
		}
	}
	if e == nil {
		return nil, idle
	}
	more := int64(0)
	for _, p := range e.parcels {
		if r.users[p.Digest] == 0 {
			more += p.Size
		}
	}
	if r.bytes+more > r.window && !idle {
		return nil, idle
	}
	return e, idle
}

// retreat makes room on a full server, where workers could store no results:
// the last tasks are taken back, and the window is smaller from now on.
func (r *run) retreat(ctx context.Context) {
	r.mu.Lock()
	r.window = r.bytes * 3 / 4
	over, window := r.bytes-r.window, r.window
	var back []*entry
	for _, e := range slices.Backward(r.order) {
		if over > 0 && !e.building && (e.state == queued || e.state == waiting && len(e.sent) > 0) {
			e.state = waiting
			back = append(back, e)
			over -= e.parcels[0].Size // its own; others may be shared
		}
	}
	results := r.objects
	r.objects = map[string]bool{}
	r.mu.Unlock()
	r.q.log.Warn("the queue is full, fewer packages are brought at once", "bytes", window, "taken_back", len(back))
	for _, e := range back {
		r.withdraw(ctx, e)
		r.letGo(ctx, e)
	}
	for object := range results {
		r.q.objects.Drop(ctx, object)
	}
}

// withdraw takes a task out of the queue. It deletes the one message: where
// all of a subject are purged, servers such as 2.9.10 never deliver others that
// wait before it.
func (r *run) withdraw(ctx context.Context, e *entry) {
	err := r.q.within(ctx, requestLimit, func(ctx context.Context) error {
		m, err := r.q.tasks.GetLastMsgForSubject(ctx, taskSubject+e.id)
		if err != nil {
			return err
		}
		return r.q.tasks.DeleteMsg(ctx, m.Sequence)
	})
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		r.q.log.Debug("left on the queue", "task", e.id, "error", err)
	}
}

// send uploads what a task needs, and queues it.
func (r *run) send(ctx context.Context, e *entry) error {
	for _, p := range e.parcels {
		if err := r.upload(ctx, e, p); err != nil {
			return err
		}
	}
	if _, err := r.publish(ctx, e); err != nil {
		return err
	}
	r.mu.Lock()
	if e.state == waiting {
		e.state = queued
	}
	late := e.state == collected
	r.mu.Unlock()
	if late {
		r.withdraw(ctx, e) // a worker had it from before
	}
	return nil
}

// upload brings a package to the server where it is not there yet, and counts
// the task as a user of it.
func (r *run) upload(ctx context.Context, e *entry, p *parcel) error {
	r.mu.Lock()
	users, lacks := r.users[p.Digest], e.lacks
	// What a worker lacks may be there again. Where it seems to be and is
	// lacking once more, it is brought whatever the server says.
	force := lacks == p.Digest && e.losses > 1
	if slices.Contains(e.sent, p) {
		users-- // itself does not count
	}
	r.mu.Unlock()
	there := users > 0 && lacks == ""
	if !there && !force {
		var err error
		if there, err = r.q.objects.Holds(ctx, p.object(), p.Digest, p.Size); err != nil {
			return err
		}
	}
	if !there {
		digest, err := r.q.objects.Put(ctx, p.object(), p.Size, func() (io.ReadCloser, error) {
			f, err := os.Open(p.Path)
			if err != nil {
				return nil, &changedError{p.name(), err}
			}
			return f, nil
		})
		if err != nil {
			return err
		}
		if digest != p.Digest {
			r.q.objects.Drop(ctx, p.object())
			return &changedError{p.name(), errors.New("its content is another than a moment ago")}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(e.sent, p) {
		return nil
	}
	e.sent = append(e.sent, p)
	if r.users[p.Digest]++; r.users[p.Digest] == 1 {
		r.bytes += p.Size
	}
	return nil
}

// changedError: a package is not what it was when the run was planned.
type changedError struct {
	name string
	err  error
}

func (e *changedError) Error() string { return fmt.Sprintf("package %s: %v", e.name, e.err) }
func (e *changedError) Unwrap() error { return e.err }

// publish offers a task. fresh: it was not waiting already.
func (r *run) publish(ctx context.Context, e *entry) (fresh bool, err error) {
	message := encode(e.offer)
	err = r.q.persist(ctx, requestLimit, func(ctx context.Context) error {
		_, err := r.q.js.Publish(ctx, taskSubject+e.id, message)
		fresh = err == nil
		if alreadyQueued(err) {
			return nil
		}
		return err
	})
	return fresh, err
}

func digestFile(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), context.Cause(ctx)
}
