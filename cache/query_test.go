package cache

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/table"
)

// A query that was called off says so, and costs the next one nothing.
func TestQueryCalledOff(t *testing.T) {
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	k := kernel(t, db, "")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, ask := range map[string]func(context.Context) error{
		"events":  func(ctx context.Context) error { _, err := k.Events(ctx); return err },
		"event":   func(ctx context.Context) error { _, err := k.Event(ctx, "sched_switch"); return err },
		"types":   func(ctx context.Context) error { _, err := k.Types(ctx); return err },
		"type":    func(ctx context.Context) error { _, err := k.Type(ctx, "page"); return err },
		"names":   func(ctx context.Context) error { _, err := k.TypeNames(ctx, "*"); return err },
		"member":  func(ctx context.Context) error { _, err := k.Member(ctx, "page", "flags"); return err },
		"kernels": func(ctx context.Context) error { _, err := db.Kernels(ctx); return err },
		"verify":  func(ctx context.Context) error { _, err := db.Verify(ctx); return err },
	} {
		if err := ask(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s called off: %v, want context.Canceled", name, err)
		}
		if err := ask(context.Background()); err != nil {
			t.Errorf("%s after one that was called off: %v", name, err)
		}
	}
	whole(t, k, sample("6.1.0-1", 0))
}

// One Kernel serves many callers, who all get the same from the first moment.
func TestManyAskers(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, large(0))
	k := kernel(t, db, "")
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			name := fmt.Sprintf("event_%03d", n)
			if e, err := k.Event(ctx, name); err != nil || e.Name != name {
				t.Errorf("%s: %+v (%v)", name, e, err)
			}
			if place, err := k.Member(ctx, fmt.Sprintf("type_%03d", n), "grid[1][2]"); err != nil || place.Offset != 40 {
				t.Errorf("%+v (%v), want offset 40", place, err)
			}
			if events, err := k.Events(ctx, "sched:event_*"); err != nil || len(events) != 200 {
				t.Errorf("%d events (%v), want 200", len(events), err)
			}
		})
	}
	all.Wait()
}

func TestEventErrors(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	k := kernel(t, db, "")
	var several *AmbiguousError
	if _, err := k.Event(ctx, "request"); !errors.As(err, &several) || several.What != "event" || !slices.Equal(several.Matches, []string{"mmc:request", "nbd:request"}) {
		t.Errorf("an event of two systems: %v, want both named", err)
	}
	for _, test := range []struct {
		name string
		near []string
	}{
		{"sched_swicth", []string{"sched_switch"}},
		{"SCHED_SWITCH", []string{"sched_switch"}},
		{"sched:sched_swtch", []string{"sched:sched_switch", "sched:sched_bare"}},
		{"irq:request", []string{"mmc:request", "nbd:request"}},
		{"switch", []string{"sched_switch"}},
		{"sched", []string{"sched_bare", "sched_switch"}},
		{"zzz", nil},
		{"", nil},
		{":", nil},
		{":request", []string{"mmc:request", "nbd:request"}},
		{strings.Repeat("no_such_event_", 5), nil}, // however long, nothing is like it
	} {
		for asked, ask := range map[string]func() error{
			"event":  func() error { _, err := k.Event(ctx, test.name); return err },
			"events": func() error { _, err := k.Events(ctx, test.name); return err },
		} {
			var missing *NotFoundError
			if err := ask(); !errors.As(err, &missing) {
				t.Errorf("%s %q: %v, want a NotFoundError", asked, test.name, err)
				continue
			}
			if missing.What != "event" || missing.Name != test.name || missing.In != "6.1.0-1" || !slices.Equal(missing.Near, test.near) {
				t.Errorf("%s %q: %+v, want near %v", asked, test.name, missing, test.near)
			}
		}
	}
	for _, bad := range []string{"[", "sched:[", "sched:sched_[a-", `x\`} {
		if _, err := k.Events(ctx, "sched:*", bad); !errors.Is(err, path.ErrBadPattern) {
			t.Errorf("%q: %v, want a bad pattern", bad, err)
		}
	}
	if e, err := k.Events(ctx, "sched:*", "sched_*", "*:*"); err != nil || len(e) != 4 {
		t.Errorf("%d events (%v): what several patterns match is there once", len(e), err)
	}
}

// Types that share a bare name, and one kernel's types among another's.
func TestTypeKeywords(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	snap := sample("6.1.0-1", 0)
	snap.Types = []tpinfo.Type{
		{Kind: tpinfo.KindEnum, Name: "enum both", Size: 4},
		{Kind: tpinfo.KindEnum, Name: "enum {HRTIMER_RESTART}", Size: 4},
		{Kind: tpinfo.KindStruct, Name: "struct both", Size: 16},
		{Kind: tpinfo.KindUnion, Name: "union both", Size: 8},
		{Kind: tpinfo.KindUnion, Name: "union only", Size: 8},
		{Kind: tpinfo.KindBase, Name: "unsigned long", Size: 8},
	}
	put(t, db, snap)
	put(t, db, sample("6.1.0-2", 1))
	k := kernel(t, db, "6.1.0-1")
	for asked, want := range map[string]string{
		"both": "struct both", "struct both": "struct both", "union both": "union both", "enum both": "enum both",
		"only": "union only", "unsigned long": "unsigned long", " unsigned \t long": "unsigned long",
		"enum {HRTIMER_RESTART}": "enum {HRTIMER_RESTART}", "{HRTIMER_RESTART}": "enum {HRTIMER_RESTART}",
	} {
		typ, err := k.Type(ctx, asked)
		if err != nil {
			t.Errorf("%q: %v", asked, err)
			continue
		}
		at := slices.IndexFunc(snap.Types, func(s tpinfo.Type) bool { return s.Name == want })
		if typ.Name != want || typ.Kind != snap.Types[at].Kind || typ.Size != snap.Types[at].Size {
			t.Errorf("%q: %+v, want %+v", asked, typ, snap.Types[at])
		}
	}
	for _, asked := range []string{"struct only", "enum only", "page", "struct page", "", "struct", "long unsigned"} {
		if typ, err := k.TypeIfKnown(ctx, asked); typ != nil || err != nil {
			t.Errorf("%q: %+v (%v), want nothing", asked, typ, err)
		}
		var missing *NotFoundError
		if _, err := k.Type(ctx, asked); !errors.As(err, &missing) || missing.What != "type" || missing.Name != asked {
			t.Errorf("%q: %v, want a NotFoundError", asked, err)
		}
	}
	for pattern, want := range map[string][]string{
		"both":     {"enum both", "struct both", "union both"},
		"struct *": {"struct both"},
		"u*":       {"union both", "union only", "unsigned long"},
		"?nly":     {"union only"},
		"nothing":  nil,
		"*":        {"enum both", "enum {HRTIMER_RESTART}", "struct both", "union both", "union only", "unsigned long"},
	} {
		if got, err := k.TypeNames(ctx, pattern); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q (%v), want %q", pattern, got, err, want)
		}
	}
	if _, err := k.TypeNames(ctx, "[a"); !errors.Is(err, path.ErrBadPattern) {
		t.Errorf("%v, want a bad pattern", err)
	}
}

// Names that share a key in the index stay apart.
func TestNamesOfOneKey(t *testing.T) {
	ctx := context.Background()
	seen := map[int64]string{}
	var one, two string
	for n := 0; one == ""; n++ {
		name := fmt.Sprint("event_", n)
		if other, taken := seen[table.NameKey(name)]; taken {
			one, two = other, name
		}
		seen[table.NameKey(name)] = name
	}
	db := openTemp(t)
	snap := sample("6.1.0-1", 0)
	snap.Events[0].Name, snap.Events[1].Name = one, two
	snap.Types[0].Name = one
	put(t, db, snap)
	k := kernel(t, db, "")
	for n, name := range []string{one, two} {
		if e, err := k.Event(ctx, name); err != nil || e.FullName() != snap.Events[n].FullName() {
			t.Errorf("%s: %+v (%v), want %s", name, e, err, snap.Events[n].FullName())
		}
	}
	if typ, err := k.TypeIfKnown(ctx, one); err != nil || typ == nil || typ.Kind != tpinfo.KindEnum {
		t.Errorf("%s as a type: %+v (%v)", one, typ, err)
	}
	if typ, err := k.TypeIfKnown(ctx, two); err != nil || typ != nil {
		t.Errorf("%s as a type: %+v (%v), want nothing", two, typ, err)
	}
}
