package natsqueue

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tpinfo/tpinfo/extractor/fleet"
)

// known returns the id of a kernel that was built from headers with this
// digest and still lies on the queue. While another worker is at it, it waits;
// "" says that nobody is and that it is ours to build.
func (j *job) known(ctx context.Context, headers string) (string, error) {
	if !hexDigest.MatchString(headers) {
		return "", nil
	}
	asked := time.Now()
	for {
		var k kin
		_, revision, err := j.Queue.load(ctx, kinKey(headers), &k)
		if err != nil {
			return "", err
		}
		ours := true
		switch {
		case k.Object != "":
			there, err := j.Queue.objects.Has(ctx, k.Object)
			if err != nil || there {
				return k.ID, err
			}
		case k.Worker == j.name && k.Task == j.id:
			j.claim = headers // the answer to a try before this was lost
			return "", nil
		case k.Worker != "":
			// It may have gone away: asked now and then.
			if ours = time.Since(asked) > j.Queue.patience/3; ours {
				asked = time.Now()
				busy, err := j.isAt(ctx, k.Worker, k.Task)
				if err != nil {
					return "", err
				}
				ours = !busy
			}
		}
		if ours {
			err := j.Queue.swap(ctx, kinKey(headers), kin{Worker: j.name, Task: j.id}, revision)
			if !errors.Is(err, errSwapped) {
				j.claim = headers
				return "", err
			}
			continue
		}
		if pause(ctx, 200*time.Millisecond); ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
	}
}

// disclose tells other workers of a kernel that was built and stored.
func (j *job) disclose(ctx context.Context, res *fleet.Result, object string) error {
	if !hexDigest.MatchString(res.Origin.Headers) {
		return nil
	}
	for {
		var k kin
		_, revision, err := j.Queue.load(ctx, kinKey(res.Origin.Headers), &k)
		if err != nil {
			return err
		}
		err = j.Queue.swap(ctx, kinKey(res.Origin.Headers), kin{ID: res.Snapshot.Kernel.ID, Object: object}, revision)
		if !errors.Is(err, errSwapped) {
			j.claim = ""
			return err
		}
	}
}

// unclaim leaves headers to others whose kernel did not come about.
func (j *job) unclaim(ctx context.Context) {
	if j.claim == "" {
		return
	}
	var k kin
	found, revision, err := j.Queue.load(ctx, kinKey(j.claim), &k)
	if err == nil && found && k.Worker == j.name && k.Task == j.id {
		err = j.Queue.forget(ctx, kinKey(j.claim), revision)
	}
	if err != nil {
		j.log.Debug("left on the queue", "key", kinKey(j.claim), "error", err)
	}
}

// isAt asks whether a worker, this one perhaps, is at work on a task.
func (j *job) isAt(ctx context.Context, worker, id string) (bool, error) {
	if worker == j.name {
		j.mu.Lock()
		defer j.mu.Unlock()
		return j.at[id], nil
	}
	found := false
	_, err := j.Queue.who(ctx, func(p presence) bool {
		found = p.Worker == worker && slices.Contains(p.Building, id)
		return found
	})
	return found, err
}
