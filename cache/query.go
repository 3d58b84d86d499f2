package cache

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
)

// Event returns one event: "sched:sched_switch", or "sched_switch" where one
// system has an event of that name.
func (k *Kernel) Event(ctx context.Context, name string) (*tpinfo.Tracepoint, error) {
	system, event, qualified := strings.Cut(name, ":")
	if !qualified {
		event = name
	}
	var found []*tpinfo.Tracepoint
	err := k.named(ctx, layout.KindEvent, event, func(body []byte) error {
		t, err := layout.DecodeEvent(event, body)
		if err == nil && (!qualified || t.System == system) {
			found = append(found, t)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		e := &AmbiguousError{What: "event", Name: name}
		for _, t := range found {
			e.Matches = append(e.Matches, t.FullName())
		}
		return nil, e
	}
	return nil, k.noEvent(ctx, name)
}

// named visits the kernel's layouts of one kind and name.
func (k *Kernel) named(ctx context.Context, kind int, name string, visit func(body []byte) error) (err error) {
	defer func() { err = explain(k.db.path, err) }()
	find, err := k.db.prepare(ctx, "SELECT l.id, l.kind, l.body, w.body FROM "+table.Layouts+" WHERE l.key = ? AND l.name = ?") //nolint:sqlclosecheck // kept for the next time; Close closes it
	if err != nil {
		return err
	}
	rows, err := find.QueryContext(ctx, table.NameKey(name), name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var of int
		var stored layout.Packed
		if err := rows.Scan(&id, &of, &stored.Body, &stored.Whole); err != nil {
			return err
		}
		if of != kind {
			continue
		}
		ids, err := k.ids(ctx, kind)
		if err != nil {
			return err
		}
		if _, ok := slices.BinarySearch(ids, id); !ok {
			continue
		}
		body, err := stored.Unpack()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := visit(body); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return rows.Err()
}

// maxGap is how many rows of others a range of rows may hold before it is
// better read as two.
const maxGap = 16

// all visits the kernel's layouts of one kind, in the order of their rows,
// which stand mostly together.
func (k *Kernel) all(ctx context.Context, kind int, visit func(name string, stored layout.Packed) error) error {
	ids, err := k.ids(ctx, kind)
	if err != nil {
		return err
	}
	for len(ids) > 0 {
		n := 1
		for n < len(ids) && ids[n]-ids[n-1] <= maxGap {
			n++
		}
		if err := k.some(ctx, kind, ids[:n], visit); err != nil {
			return explain(k.db.path, err)
		}
		ids = ids[n:]
	}
	return nil
}

// some visits layouts whose rows stand together.
func (k *Kernel) some(ctx context.Context, kind int, ids []int64, visit func(name string, stored layout.Packed) error) error {
	find, err := k.db.prepare(ctx, "SELECT l.id, l.name, l.body, w.body FROM "+table.Layouts+" WHERE l.id BETWEEN ? AND ? AND l.kind = ? ORDER BY l.id") //nolint:sqlclosecheck // kept for the next time; Close closes it
	if err != nil {
		return err
	}
	rows, err := find.QueryContext(ctx, ids[0], ids[len(ids)-1], kind)
	if err != nil {
		return err
	}
	defer rows.Close()
	missing := 0
	for rows.Next() {
		var id int64
		var name string
		var stored layout.Packed
		if err := rows.Scan(&id, &name, &stored.Body, &stored.Whole); err != nil {
			return err
		}
		for len(ids) > 0 && ids[0] < id {
			missing, ids = missing+1, ids[1:]
		}
		if len(ids) == 0 || id < ids[0] {
			continue // another kernel's
		}
		ids = ids[1:]
		if err := visit(name, stored); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if missing += len(ids); missing > 0 {
		return fmt.Errorf("%w: %d layouts of kernel %s are missing", ErrCorrupt, missing, k.info.Release)
	}
	return nil
}

// Events returns the events that match any of the patterns, sorted by system
// and name; all without a pattern. A pattern is a glob over "system:name", or
// without a colon over names. One that matches nothing is a NotFoundError.
func (k *Kernel) Events(ctx context.Context, patterns ...string) ([]tpinfo.Tracepoint, error) {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return nil, fmt.Errorf("pattern %q: %w", p, err)
		}
	}
	var found []tpinfo.Tracepoint
	used := make([]bool, len(patterns))
	err := k.all(ctx, layout.KindEvent, func(name string, stored layout.Packed) error {
		if len(patterns) > 0 && !slices.ContainsFunc(patterns, func(p string) bool { return mayMatch(p, name) }) {
			return nil
		}
		body, err := stored.Unpack()
		if err != nil {
			return err
		}
		t, err := layout.DecodeEvent(name, body)
		if err != nil {
			return err
		}
		take := len(patterns) == 0
		for i, p := range patterns {
			if Matches(p, t) {
				take, used[i] = true, true
			}
		}
		if take {
			found = append(found, *t)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, p := range patterns {
		if !used[i] {
			return nil, k.noEvent(ctx, p)
		}
	}
	slices.SortFunc(found, func(a, b tpinfo.Tracepoint) int {
		return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Header, b.Header))
	})
	return found, nil
}

// mayMatch reports whether a pattern may name an event of this name, whatever
// its system: most are told apart without being unpacked.
func mayMatch(pattern, name string) bool {
	if strings.ContainsRune(pattern, '[') {
		return true // a colon may stand in it
	}
	ok, err := path.Match(pattern[strings.LastIndexByte(pattern, ':')+1:], name)
	return err == nil && ok
}

// Matches reports whether a pattern of Events names an event; a bad pattern
// names none.
func Matches(pattern string, t *tpinfo.Tracepoint) bool {
	name := t.Name
	if strings.Contains(pattern, ":") {
		name = t.System + ":" + t.Name
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// noEvent is the error for a name or pattern without a match.
func (k *Kernel) noEvent(ctx context.Context, name string) error {
	var names []string
	err := k.all(ctx, layout.KindEvent, func(event string, stored layout.Packed) error {
		if !strings.Contains(name, ":") {
			names = append(names, event)
			return nil
		}
		body, err := stored.Unpack()
		if err != nil {
			return err
		}
		t, err := layout.DecodeEvent(event, body)
		if err == nil {
			names = append(names, t.FullName())
		}
		return err
	})
	if err != nil {
		return err
	}
	return &NotFoundError{What: "event", Name: name, In: k.info.Release, Near: tpinfo.Near(name, names, maxNear, false)}
}

// tags are the keywords that a type's name may be given without.
var tags = []string{"", "struct ", "union ", "enum "}

// Type returns the definition of a type: "struct task_struct", "u32"; a name
// without its keyword is tried as struct, union and enum too.
func (k *Kernel) Type(ctx context.Context, name string) (*tpinfo.Type, error) {
	t, err := k.TypeIfKnown(ctx, name)
	if err != nil || t != nil {
		return t, err
	}
	names, err := k.TypeNames(ctx, "*")
	if err != nil {
		return nil, err
	}
	return nil, &NotFoundError{What: "type", Name: name, In: k.info.Release, Near: tpinfo.Near(name, names, maxNear, false)}
}

// TypeIfKnown is Type, but nil for a name the kernel does not define. It costs
// no search for similar names.
func (k *Kernel) TypeIfKnown(ctx context.Context, name string) (*tpinfo.Type, error) {
	name = strings.Join(strings.Fields(name), " ")
	for _, tag := range tags {
		var found *tpinfo.Type
		err := k.named(ctx, layout.KindType, tag+name, func(body []byte) (err error) {
			found, err = layout.DecodeType(tag+name, body)
			return err
		})
		if err != nil || found != nil {
			return found, err
		}
		if strings.Contains(name, " ") {
			break
		}
	}
	return nil, nil
}

// Types returns all definitions, sorted by name.
func (k *Kernel) Types(ctx context.Context) ([]tpinfo.Type, error) {
	var found []tpinfo.Type
	err := k.all(ctx, layout.KindType, func(name string, stored layout.Packed) error {
		body, err := stored.Unpack()
		if err != nil {
			return err
		}
		t, err := layout.DecodeType(name, body)
		if err == nil {
			found = append(found, *t)
		}
		return err
	})
	slices.SortFunc(found, func(a, b tpinfo.Type) int { return cmp.Compare(a.Name, b.Name) })
	return found, err
}

// TypeNames lists the names of types that match a glob, with or without their
// keyword, sorted.
func (k *Kernel) TypeNames(ctx context.Context, pattern string) ([]string, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	var names []string
	err := k.all(ctx, layout.KindType, func(name string, _ layout.Packed) error {
		bare := name[strings.LastIndexByte(name, ' ')+1:]
		full, _ := path.Match(pattern, name)
		short, _ := path.Match(pattern, bare)
		if full || short || pattern == "*" {
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}
