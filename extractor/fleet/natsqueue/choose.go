package natsqueue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
)

// strands is how many groups are on offer at a time, and ahead how many tasks a
// worker looks at to choose one: with a task more for each strand it finds the
// next of its own group, if there is any.
const (
	strands = 3
	ahead   = 2 * strands
)

// groupOf names what a task shares with others: the largest package behind the
// flavour's own. Where workers keep to different groups, each package is
// fetched and unpacked by one of them.
func groupOf(t *fleet.Task) string {
	if len(t.Set.Headers) < 2 {
		return ""
	}
	return slices.MaxFunc(t.Set.Headers[1:], func(a, b kpkg.Package) int { return cmp.Compare(a.Size, b.Size) }).Digest
}

// braid puts tasks of a few groups in turn, where they came one group after the
// other: the first workers to come then find a group each.
func braid(tasks []*entry) []*entry {
	var groups [][]*entry
	at := map[string]int{}
	for _, e := range tasks {
		g := groupOf(&e.offer.Task)
		i, known := at[g]
		if g == "" || !known {
			i = len(groups)
			at[g] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], e)
	}
	order := make([]*entry, 0, len(tasks))
	for len(groups) > 0 {
		n := min(strands, len(groups))
		for i := range groups[:n] {
			order = append(order, groups[i][0])
			groups[i] = groups[i][1:]
		}
		groups = slices.DeleteFunc(groups, func(g []*entry) bool { return len(g) == 0 })
	}
	return order
}

// choose looks at the next tasks and returns one of a group that this worker
// has, or else of one that no other has, or else any. What it leaves goes back
// at once. nil when there are none.
func (w *Worker) choose(ctx context.Context, c jetstream.Consumer) (jetstream.Msg, error) {
	batch, err := c.FetchNoWait(ahead)
	if err != nil {
		return nil, err
	}
	var all []jetstream.Msg
	for m := range batch.Messages() { // it ends when the server is silent for a second
		all = append(all, m)
	}
	if len(all) == 0 {
		return nil, batch.Error()
	}
	groups := make([]string, len(all))
	for i, m := range all {
		var o offer
		if json.Unmarshal(m.Data(), &o) == nil { // else handle says what it is
			groups[i] = groupOf(&o.Task)
		}
	}
	best := w.best(groups, func(group string) bool { return w.claimGroup(ctx, group) })
	for i, m := range all {
		if i != best {
			_ = m.Nak()
		}
	}
	return all[best], nil
}

// best is the place of the group to go on with: one that was claimed, or that
// can be, or else the first.
func (w *Worker) best(groups []string, claim func(string) bool) int {
	w.choosing.Lock()
	defer w.choosing.Unlock()
	if len(w.groups) > 10_000 {
		clear(w.groups) // of a worker that has been up for months
	}
	i := slices.IndexFunc(groups, func(g string) bool { return w.groups[g] })
	if i < 0 {
		i = slices.IndexFunc(groups, func(g string) bool {
			if g == "" {
				return true
			}
			ours, asked := w.groups[g]
			if !asked {
				ours = claim(g)
				w.groups[g] = ours
			}
			return ours
		})
	}
	return max(i, 0)
}

// claimGroup makes a group this worker's, unless it is another's. That is a
// wish and no lock: a worker without any other task takes one of another's
// groups, so nothing waits for a worker that is no more.
func (w *Worker) claimGroup(ctx context.Context, group string) bool {
	if !hexDigest.MatchString(group) {
		return true
	}
	err := w.Queue.swap(ctx, groupKey(group), presence{Worker: w.name}, 0)
	return !errors.Is(err, errSwapped)
}
