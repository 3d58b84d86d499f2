package cache

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
)

// Releases returns the kernels that any of the selectors name, the oldest
// release first; all without a selector. A selector is a release, a glob over
// releases, or the start of an id (4 digits at least). Other than in Kernels, a
// kernel that is known under several releases is there with each of them. A
// selector that names none is a NotFoundError, and so is an empty cache.
// Superseded kernels are there only where their ids are selectors.
func (db *DB) Releases(ctx context.Context, selectors ...string) ([]*Kernel, error) {
	return db.releases(ctx, selectors, selects, func(i *Info) bool { return !i.Superseded })
}

// EveryRelease is Releases with the superseded kernels.
func (db *DB) EveryRelease(ctx context.Context, selectors ...string) ([]*Kernel, error) {
	return db.releases(ctx, selectors, fits, func(*Info) bool { return true })
}

// releases returns the kernels that any of the selectors names, by the word of
// names; without one, those that are meant by none.
func (db *DB) releases(ctx context.Context, selectors []string, names func(string, *Info) (bool, error), byNone func(*Info) bool) ([]*Kernel, error) {
	infos, err := db.aliases(ctx, selectKernels)
	if err != nil {
		return nil, err
	}
	if len(infos) == 0 {
		return nil, emptyCache()
	}
	infos = lastOfEachRelease(infos)
	take := make([]bool, len(infos))
	for _, s := range selectors {
		some := false
		for n := range infos {
			named, err := names(s, &infos[n])
			if err != nil {
				return nil, err
			}
			take[n], some = take[n] || named, some || named
		}
		if !some {
			return nil, noKernel(s, infos)
		}
	}
	var found []*Kernel
	for n := range infos {
		if take[n] || len(selectors) == 0 && byNone(&infos[n]) {
			found = append(found, &Kernel{db: db, info: infos[n]})
		}
	}
	return found, nil
}

// lastOfEachRelease keeps of each release of each kernel the alias extracted
// last, sorted by release.
func lastOfEachRelease(infos []Info) []Info {
	slices.SortStableFunc(infos, func(a, b Info) int {
		return cmp.Or(tpinfo.CompareReleases(a.Release, b.Release), cmp.Compare(a.ID, b.ID), b.Extracted.Compare(a.Extracted))
	})
	return slices.CompactFunc(infos, func(a, b Info) bool { return a.ID == b.ID && a.Release == b.Release })
}

// EventIn returns what each of the kernels says of an event, nil where it has
// none of that name: "sched:sched_switch", or "sched_switch" where one system
// has an event of that name. Kernels with the same layout share the value. An
// event that none of them has is a NotFoundError.
func (db *DB) EventIn(ctx context.Context, name string, kernels []*Kernel) (_ []*tpinfo.Tracepoint, err error) {
	defer func() { err = explain(db.path, err) }()
	layouts, err := db.layouts(ctx, name)
	if err != nil {
		return nil, err
	}
	out := make([]*tpinfo.Tracepoint, len(kernels))
	systems := map[string]bool{}
	some := false
	for i, k := range kernels {
		ids, err := k.ids(ctx, layout.KindEvent)
		if err != nil {
			return nil, err
		}
		for _, l := range layouts {
			if _, has := slices.BinarySearch(ids, l.id); has {
				some = true
				out[i] = l.event
				if l.event.System != "" {
					systems[l.event.FullName()] = true
				}
			}
		}
	}
	switch {
	case !some:
		return nil, db.noEventIn(ctx, name, kernels)
	case len(systems) > 1:
		e := &AmbiguousError{What: "event", Name: name}
		for full := range systems {
			e.Matches = append(e.Matches, full)
		}
		slices.Sort(e.Matches)
		return nil, e
	}
	return out, nil
}

// EventNamesIn returns the full names of the events that a glob names in any of
// the kernels, sorted, for EventIn. A pattern is one of Events; one that matches
// nothing is a NotFoundError. An event of a source that knows no systems is not
// there beside those of its name.
func (db *DB) EventNamesIn(ctx context.Context, pattern string, kernels []*Kernel) (_ []string, err error) {
	defer func() { err = explain(db.path, err) }()
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	used := map[int64]bool{}
	for _, k := range kernels {
		ids, err := k.ids(ctx, layout.KindEvent)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			used[id] = true
		}
	}
	rows, err := db.sql.QueryContext(ctx, "SELECT l.id, l.name, l.body, w.body FROM "+table.Layouts+" WHERE l.kind = ?", layout.KindEvent)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	systems := map[string][]string{} // by the name of the event
	for rows.Next() {
		var id int64
		var name string
		var body, whole sql.RawBytes
		if err := rows.Scan(&id, &name, &body, &whole); err != nil {
			return nil, err
		}
		if !used[id] || !mayMatch(pattern, name) {
			continue
		}
		text, err := layout.Packed{Body: body, Whole: whole}.Unpack()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		t, err := layout.DecodeEvent(name, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if Matches(pattern, t) && !slices.Contains(systems[name], t.System) {
			systems[name] = append(systems[name], t.System)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var names []string
	for name, in := range systems {
		for _, system := range in {
			if system != "" || len(in) == 1 {
				t := tpinfo.Tracepoint{System: system, Name: name}
				names = append(names, t.FullName())
			}
		}
	}
	if len(names) == 0 {
		return nil, db.noEventIn(ctx, pattern, kernels)
	}
	slices.Sort(names)
	return names, nil
}

type eventLayout struct {
	id    int64
	event *tpinfo.Tracepoint
}

// layouts are all layouts of an event, in the order of their rows. Where a
// source knows no systems, the name alone counts.
func (db *DB) layouts(ctx context.Context, name string) ([]eventLayout, error) {
	system, event, qualified := strings.Cut(name, ":")
	if !qualified {
		event = name
	}
	rows, err := db.sql.QueryContext(ctx, "SELECT l.id, l.body, w.body FROM "+table.Layouts+" WHERE l.key = ? AND l.name = ? AND l.kind = ? ORDER BY l.id", table.NameKey(event), event, layout.KindEvent)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []eventLayout
	for rows.Next() {
		l := eventLayout{}
		var stored layout.Packed
		if err := rows.Scan(&l.id, &stored.Body, &stored.Whole); err != nil {
			return nil, err
		}
		body, err := stored.Unpack()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", event, err)
		}
		if l.event, err = layout.DecodeEvent(event, body); err != nil {
			return nil, fmt.Errorf("%s: %w", event, err)
		}
		if !qualified || l.event.System == system || l.event.System == "" {
			out = append(out, l)
		}
	}
	return out, rows.Err()
}

// noEventIn is the error for an event that none of the kernels has.
func (db *DB) noEventIn(ctx context.Context, name string, kernels []*Kernel) error {
	if len(kernels) == 1 {
		return kernels[0].noEvent(ctx, name)
	}
	rows, err := db.sql.QueryContext(ctx, "SELECT DISTINCT name FROM layout WHERE kind = ?", layout.KindEvent)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return err
		}
		names = append(names, n)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	bare := name[strings.IndexByte(name, ':')+1:]
	return &NotFoundError{What: "event", Name: name, In: fmt.Sprintf("any of %d kernels", len(kernels)), Near: tpinfo.Near(bare, names, maxNear, false)}
}
