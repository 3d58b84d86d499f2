package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tpinfo/tpinfo"
)

// Run has a plan's kernels built and keeps what comes of them.
type Run struct {
	Store Store
	Queue Queue
	// Each receives every kernel as soon as it is kept, the settled ones
	// first, from one goroutine at a time; nil for none. An error ends the run.
	Each func(Entry) error
	// Start is when the work began, planning included.
	Start time.Time
}

// Do runs the plan. The report is there on every way out, and tells of what
// was kept; the error is what ended the run before its end. That a kernel
// failed is no error.
func (r *Run) Do(ctx context.Context, plan *Plan) (*Report, error) {
	k := &keeper{run: r, report: NewReport(r.Start), waiting: map[string][]Result{}}
	k.report.Skipped = append(k.report.Skipped, plan.Skipped...)
	err := k.settle(plan.Settled)
	if err == nil && len(plan.Tasks) > 0 {
		err = r.Queue.Run(ctx, plan.Tasks, func(res Result) error { return k.keep(ctx, res) })
	}
	if err == nil && len(k.waiting) > 0 {
		err = fmt.Errorf("the kernels whose headers these have did not arrive: %s; run it again", k.stranded())
	}
	k.finish(plan, err)
	return k.report, err
}

// keeper takes the results of one run, one at a time.
type keeper struct {
	run    *Run
	report *Report
	// waiting are results with the headers of a kernel that is not in the store
	// yet, by their digest: whoever builds that one hands it in later.
	waiting map[string][]Result
}

// stranded names those that wait.
func (k *keeper) stranded() string {
	var names []string
	for _, list := range k.waiting {
		for _, res := range list {
			names = append(names, cmp.Or(res.Task.Set.Release, res.Task.Set.Tree))
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// settle notes what needed no building. What could not even be read has no
// key, and so no place in the ledger.
func (k *keeper) settle(settled []Entry) error {
	for _, e := range settled {
		if err := k.note(e); err != nil {
			return err
		}
	}
	return nil
}

func (k *keeper) note(e Entry) error {
	k.report.Kernels = append(k.report.Kernels, e)
	if k.run.Each == nil {
		return nil
	}
	return k.run.Each(e)
}

func (k *keeper) keep(ctx context.Context, res Result) error {
	store := k.run.Store
	switch {
	case res.Failure != nil:
		before, err := store.FailureOf(ctx, res.Failure.Key)
		if err != nil {
			return err
		}
		if before != nil {
			res.Failure.Tries += before.Tries
		}
		if err := store.Fail(ctx, *res.Failure); err != nil {
			return err
		}
		return k.note(entryOf(res))
	case res.Snapshot != nil:
		added, err := store.PutFrom(ctx, res.Snapshot, res.Origin)
		if err != nil {
			return err
		}
		e := entryOf(res)
		e.NewLayouts = added
		if err := k.note(e); err != nil {
			return err
		}
		others := k.waiting[res.Origin.Headers]
		delete(k.waiting, res.Origin.Headers)
		for _, other := range others {
			if err := k.alias(ctx, other); err != nil {
				return err
			}
		}
		return nil
	}
	return k.alias(ctx, res)
}

// alias keeps a kernel whose headers are those of another.
func (k *keeper) alias(ctx context.Context, res Result) error {
	id, err := k.run.Store.SameHeaders(ctx, res.Origin.Headers)
	if err != nil {
		return err
	}
	if id == "" {
		k.waiting[res.Origin.Headers] = append(k.waiting[res.Origin.Headers], res)
		return nil
	}
	res.Same = id
	kept, err := k.run.Store.Kept(ctx, id)
	if err != nil {
		return err
	}
	as := tpinfo.Kernel{
		Release: res.Task.Set.Release, Tree: where(res.Task.Set), Compiler: kept.Compiler,
		Extracted: time.Now().UTC().Truncate(time.Second),
	}
	if err := k.run.Store.AddAlias(ctx, id, as, res.Origin); err != nil {
		return err
	}
	e := entryOf(res)
	e.describe(kept)
	return k.note(e)
}

// finish counts, and puts the kernels into an order that does not depend on
// which was through first.
func (k *keeper) finish(plan *Plan, err error) {
	r := k.report
	if err != nil {
		r.Interrupted = true
		r.End(err)
	}
	through := map[string]bool{}
	for i := range r.Kernels {
		through[r.Kernels[i].Key] = true
	}
	for _, e := range plan.Entries() {
		if !through[e.Key] {
			e.Status = Waiting
			r.Kernels = append(r.Kernels, e)
		}
	}
	sortEntries(r.Kernels)
	for i := range r.Kernels {
		if c := r.Kernels[i].Compiler; c != "" {
			r.Compilers = append(r.Compilers, c)
		}
	}
	slices.Sort(r.Compilers)
	r.Compilers = slices.Compact(r.Compilers)
	r.count(time.Since(k.run.Start))
}
