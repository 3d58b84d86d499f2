package fleet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/tpinfo/tpinfo/extractor/kpkg"
	"github.com/tpinfo/tpinfo/headers"
)

// Planner decides which of the kernels that were found are to be built.
type Planner struct {
	Store Store
	// Tools names what a kernel would be built with, as Builder.Tools does:
	// what failed with the same is not tried again.
	Tools func(ctx context.Context, arch string) string
	CC    string // for the tasks
	Shard Shard
	// Retry tries what failed before, Force builds what is known too.
	Retry, Force bool
}

// Plan is what a run has before it.
type Plan struct {
	// Tasks are to be built, those that share packages next to each other.
	Tasks []Task
	// Settled needs no building: it is known, or failed before with the same
	// tools.
	Settled []Entry
	// Skipped are the inputs that made no kernel.
	Skipped []Skipped
}

// Entries are what the plan would become a report of: the settled kernels,
// and those to build as planned.
func (p *Plan) Entries() []Entry {
	all := slices.Clone(p.Settled)
	for _, t := range p.Tasks {
		all = append(all, entryOf(Result{Task: t}))
	}
	sortEntries(all)
	return all
}

// Failed counts what is known to fail: settled kernels and skipped inputs.
func (p *Plan) Failed() (n int) {
	for i := range p.Settled {
		if p.Settled[i].Status == Failed {
			n++
		}
	}
	for i := range p.Skipped {
		if p.Skipped[i].Failed {
			n++
		}
	}
	return n
}

// Plan looks up every set that was found. One that is there twice counts once.
func (p *Planner) Plan(ctx context.Context, sets []kpkg.Set, skipped []kpkg.Skipped) (*Plan, error) {
	sets = together(sets)
	plan := &Plan{Skipped: p.skipped(skipped)}
	seen := map[string]bool{}
	sources := map[string]string{}
	for _, set := range sets {
		if !p.Shard.has(group(set)) {
			continue
		}
		task := Task{Set: set, CC: p.CC}
		var err error
		if task.Key, task.Source, err = key(ctx, set, sources); ctx.Err() != nil {
			return nil, context.Cause(ctx)
		} else if err != nil {
			// What cannot even be read has no content to be known by.
			f := failure(task, err)
			plan.Settled = append(plan.Settled, entryOf(Result{Task: task, Failure: &f}))
			continue
		}
		if seen[task.Key] {
			continue
		}
		seen[task.Key] = true
		settled, err := p.settled(ctx, task)
		if err != nil {
			return nil, err
		}
		if settled != nil {
			plan.Settled = append(plan.Settled, *settled)
		} else {
			plan.Tasks = append(plan.Tasks, task)
		}
	}
	return plan, nil
}

// together puts the sets of a group next to each other, and leaves the order as
// it is otherwise.
func together(sets []kpkg.Set) []kpkg.Set {
	rank := map[string]int{}
	for _, set := range sets {
		if g := group(set); rank[g] == 0 {
			rank[g] = len(rank) + 1
		}
	}
	sets = slices.Clone(sets)
	slices.SortStableFunc(sets, func(a, b kpkg.Set) int { return cmp.Compare(rank[group(a)], rank[group(b)]) })
	return sets
}

// skipped are those inputs left out that this part answers for.
func (p *Planner) skipped(list []kpkg.Skipped) []Skipped {
	out := []Skipped{}
	for _, s := range list {
		if p.Shard.has(filepath.Base(s.Path)) {
			if !s.NotNeeded && len(s.Supply) == 0 {
				s.Supply = []string{"the right path, and leave to read what is there"}
			}
			out = append(out, Skipped{Path: s.Path, Release: s.Release, Reason: oneLine(s.Reason), Supply: append([]string{}, s.Supply...), Failed: !s.NotNeeded})
		}
	}
	return out
}

// settled returns what is known of a task that needs no building, nil for one
// that does.
func (p *Planner) settled(ctx context.Context, task Task) (*Entry, error) {
	if p.Force {
		return nil, nil
	}
	id, err := p.Store.BuiltFrom(ctx, task.Key)
	if err != nil {
		return nil, err
	}
	if id != "" {
		kept, err := p.Store.Kept(ctx, id)
		if err != nil {
			return nil, err
		}
		e := entryOf(Result{Task: task, Same: id})
		e.Status = Known
		e.describe(kept)
		return &e, nil
	}
	f, err := p.Store.FailureOf(ctx, task.Key)
	if err != nil || f == nil || p.Retry || f.Tools == "" || f.Tools != p.Tools(ctx, task.Set.Arch) {
		return nil, err
	}
	e := entryOf(Result{Task: task, Failure: f})
	e.Untried = true
	return &e, nil
}

// key digests what goes into a kernel: the content of its packages or of its
// tree, and the override headers. sources remembers the digests of source
// trees by path, for many sets share one and reading it takes seconds.
func key(ctx context.Context, set kpkg.Set, sources map[string]string) (key, source string, err error) {
	h := sha256.New()
	fmt.Fprintf(h, "overrides %s\n", headers.Digest())
	if set.Tree != "" {
		sum, err := kpkg.TreeDigest(ctx, set.Tree)
		if err != nil {
			return "", "", err
		}
		fmt.Fprintf(h, "tree %s\n", sum)
	}
	digestPackages(h, "headers", set.Headers)
	digestPackages(h, "image", set.Image)
	if set.Source != "" {
		var ok bool
		if source, ok = sources[set.Source]; !ok {
			if source, err = kpkg.SourceDigest(ctx, set.Source); err != nil {
				return "", "", err
			}
			sources[set.Source] = source
		}
		fmt.Fprintf(h, "source %s\n", source)
	}
	return hex.EncodeToString(h.Sum(nil)), source, nil
}

// headersKey is tpinfo.Origin.Headers of an opened task: kpkg's digest of the
// headers, and what else decides over what is known of the kernel.
func headersKey(content string, task Task) string {
	h := sha256.New()
	fmt.Fprintf(h, "overrides %s\ncontent %s\nsource %s\n", headers.Digest(), content, task.Source)
	digestPackages(h, "image", task.Set.Image)
	return hex.EncodeToString(h.Sum(nil))
}

// digestPackages adds packages to h, in whatever order they come.
func digestPackages(h io.Writer, what string, packages []kpkg.Package) {
	sums := make([]string, len(packages))
	for i := range packages {
		sums[i] = packages[i].Digest
	}
	slices.Sort(sums)
	for _, sum := range sums {
		fmt.Fprintf(h, "%s %s\n", what, sum)
	}
}

// names are the files that a set consists of, for a person: the names of
// packages, the path of a tree.
func names(set kpkg.Set) []string {
	var out []string
	for _, list := range [][]kpkg.Package{set.Headers, set.Image} {
		for i := range list {
			out = append(out, filepath.Base(list[i].Path))
		}
	}
	for _, path := range []string{set.Tree, set.Source} {
		if path != "" {
			out = append(out, path)
		}
	}
	return out
}

// where is the one path that stands for a set: its tree, or the flavour's own
// package.
func where(set kpkg.Set) string {
	if set.Tree != "" || len(set.Headers) == 0 {
		return set.Tree
	}
	return set.Headers[0].Path
}
