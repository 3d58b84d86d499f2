package natsqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/fleet"
)

// maxTries is how often a task is begun before it is set aside.
const maxTries = 3

// load reads the record under a key into v; false when there is none. revision
// is for swap.
func (q *Queue) load(ctx context.Context, key string, v any) (found bool, revision uint64, err error) {
	err = q.persist(ctx, requestLimit, func(ctx context.Context) error {
		e, err := q.keys.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		// A record that cannot be read is as good as none; its revision lets
		// it be replaced.
		found, revision = json.Unmarshal(e.Value(), v) == nil, e.Revision()
		return nil
	})
	return found, revision, err
}

// errSwapped: somebody else wrote the record meanwhile.
var errSwapped = errors.New("written by another")

// swap writes a record in place of the one with the given revision, 0 for none.
func (q *Queue) swap(ctx context.Context, key string, v any, revision uint64) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return q.persist(ctx, requestLimit, func(ctx context.Context) error {
		var err error
		if revision == 0 {
			_, err = q.keys.Create(ctx, key, text)
		} else {
			_, err = q.keys.Update(ctx, key, text, revision)
		}
		if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
			return errSwapped
		}
		return err
	})
}

// forget removes a record: with the given revision, so that what somebody else
// wrote meanwhile stays, or whatever it is for 0.
func (q *Queue) forget(ctx context.Context, key string, revision uint64) error {
	return q.persist(ctx, requestLimit, func(ctx context.Context) error {
		err := q.keys.Delete(ctx, key, jetstream.LastRevision(revision))
		if errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
			return nil
		}
		return err
	})
}

// amend changes the record of a task's tries.
func (q *Queue) amend(ctx context.Context, id string, change func(*record)) error {
	for {
		var r record
		_, revision, err := q.load(ctx, triesKey(id), &r)
		if err != nil {
			return err
		}
		change(&r)
		if err := q.swap(ctx, triesKey(id), r, revision); !errors.Is(err, errSwapped) {
			return err
		}
	}
}

// begun is what take found.
type begun int

const (
	taken    begun = iota
	setAside       // it was tried often enough
	atWork         // another worker builds it, though the server lost sight of it
)

// take notes that a worker begins a task.
func (w *Worker) take(ctx context.Context, id string) (begun, *record, error) {
	for {
		var r record
		_, revision, err := w.Queue.load(ctx, triesKey(id), &r)
		if err != nil {
			return 0, nil, err
		}
		if n := len(r.Tries); n > 0 && r.Tries[n-1] == (try{Worker: w.name}) {
			// The note of a moment ago, whose answer was lost.
			return taken, &r, nil
		} else if n > 0 && r.Tries[n-1].Reason == "" {
			// The server hands a task out again when it heard nothing of its
			// worker for a while; that may have been the server's own doing.
			busy, err := w.elsewhere(ctx, id)
			if err != nil {
				return 0, nil, err
			}
			if busy {
				return atWork, &r, nil
			}
		}
		if len(r.Tries) >= maxTries {
			return setAside, &r, nil
		}
		r.Tries = append(r.Tries, try{Worker: w.name})
		err = w.Queue.swap(ctx, triesKey(id), r, revision)
		if !errors.Is(err, errSwapped) {
			return taken, &r, err
		}
	}
}

// untake takes back what take noted: this beginning does not count.
func (w *Worker) untake(ctx context.Context, id string) error {
	return w.Queue.amend(ctx, id, func(r *record) {
		for i := len(r.Tries) - 1; i >= 0; i-- {
			if r.Tries[i].Worker == w.name && r.Tries[i].Reason == "" {
				r.Tries = slices.Delete(r.Tries, i, i+1)
				return
			}
		}
	})
}

// why is the reason of a task that was set aside.
func (r *record) why() string {
	var away, said []string
	for _, t := range r.Tries {
		if t.Reason == "" {
			away = append(away, t.Worker)
		} else if s := t.Worker + ": " + t.Reason; !slices.Contains(said, s) {
			said = append(said, s)
		}
	}
	switch {
	case len(said) == 0:
		return fmt.Sprintf("its worker went away %s (%s)", times(len(away)), strings.Join(away, ", "))
	case len(away) == 0:
		return fmt.Sprintf("tried %s: %s", times(len(r.Tries)), strings.Join(said, "; "))
	}
	return fmt.Sprintf("tried %s: its worker went away %s (%s); %s", times(len(r.Tries)), times(len(away)),
		strings.Join(away, ", "), strings.Join(said, "; "))
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	case 3:
		return "three times"
	}
	return fmt.Sprintf("%d times", n)
}

// lacking is the reason of a task that no worker can build.
func (r *record) lacking() string {
	var words []string
	for _, worker := range slices.Sorted(maps.Keys(r.Refused)) {
		words = append(words, worker+": "+r.Refused[worker])
	}
	return "no worker can build it: " + strings.Join(words, "; ")
}

// failed is the result of a task that was given up here.
func failed(t fleet.Task, worker, reason string, tries int, supply ...string) fleet.Result {
	return fleet.Result{Task: t, Origin: tpinfo.Origin{Key: t.Key}, Worker: worker, Failure: &tpinfo.Failure{
		Key: t.Key, Release: t.Set.Release, Arch: t.Arch(), Reason: reason, Supply: supply,
		Tries: tries, When: time.Now().UTC().Truncate(time.Second),
	}}
}

// roundLimit is how long workers have to answer on whoSubject: their machines
// are busy.
const roundLimit = 2 * time.Second

// who asks the workers what they do, until an answer is enough.
func (q *Queue) who(ctx context.Context, enough func(presence) bool) ([]presence, error) {
	inbox := q.nc.NewInbox()
	answers := make(chan *nats.Msg, 1024)
	sub, err := q.nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := q.nc.PublishRequest(whoSubject, inbox, nil); err != nil {
		return nil, err
	}
	limit := time.NewTimer(roundLimit)
	defer limit.Stop()
	var all []presence
	for {
		select {
		case m := <-answers:
			if m.Header.Get("Status") != "" {
				return nil, nil // nobody listens
			}
			var p presence
			if json.Unmarshal(m.Data, &p) == nil && p.Worker != "" {
				all = append(all, p)
				if enough(p) {
					return all, nil
				}
			}
		case <-limit.C:
			return all, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// elsewhere asks whether another worker is at work on a task.
func (w *Worker) elsewhere(ctx context.Context, id string) (bool, error) {
	found := false
	_, err := w.Queue.who(ctx, func(p presence) bool {
		found = p.Worker != w.name && slices.Contains(p.Building, id)
		return found
	})
	return found, err
}
