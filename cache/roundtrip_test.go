package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/snapshots"
)

// anySnapshot has names of its own for everything, as Snapshot promises.
var anySnapshot = rapid.Custom(func(t *rapid.T) *tpinfo.Snapshot {
	s := sample("6.1.0-any", 0)
	s.Events, s.Types = nil, nil
	for n := range rapid.IntRange(0, 4).Draw(t, "events") {
		e := snapshots.AnyEvent.Draw(t, "event")
		e.Name = fmt.Sprint(n, e.Name)
		s.Events = append(s.Events, *e)
	}
	for n := range rapid.IntRange(0, 4).Draw(t, "types") {
		typ := snapshots.AnyType(2).Draw(t, "type")
		typ.Name = fmt.Sprint(n, typ.Name)
		s.Types = append(s.Types, *typ)
	}
	return s
})

// Whatever the values hold comes back out of the file as it went in.
func TestAnySnapshot(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	rapid.Check(t, func(t *rapid.T) {
		want := anySnapshot.Draw(t, "snapshot")
		// Messages take no part in a layout's identity, so one that an
		// earlier round stored with other words would keep those.
		for i := range want.Events {
			for j := range want.Events[i].Problems {
				want.Events[i].Problems[j].Message = "fixed"
			}
		}
		if _, err := db.Put(ctx, want); err != nil {
			t.Fatal(err)
		}
		k, err := db.Kernel(ctx, want.Kernel.ID)
		if err != nil {
			t.Fatal(err)
		}
		events, err := k.Events(ctx)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(want.Events, func(a, b tpinfo.Tracepoint) int {
			return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.Name, b.Name))
		})
		if diff := gocmp.Diff(want.Events, events, snapshots.Alike); diff != "" {
			t.Fatalf("events (-want +got):\n%s", diff)
		}
		types, err := k.Types(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want.Types, types, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("types (-want +got):\n%s", diff)
		}
		for i := range want.Types {
			// Type trims the white space of what people type.
			name := want.Types[i].Name
			if strings.Join(strings.Fields(name), " ") != name {
				continue
			}
			got, err := k.Type(ctx, name)
			if err != nil {
				t.Fatal(err)
			}
			if got.ContentID() != want.Types[i].ContentID() {
				t.Fatalf("%q is another type", name)
			}
		}
	})
	sound(t, db)
}

// The order in which a snapshot lists things does not make it another one.
func TestAnyOrder(t *testing.T) {
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	turned := sample("6.1.0-1", 0)
	slices.Reverse(turned.Events)
	slices.Reverse(turned.Types)
	if res := put(t, db, turned); !res.Known || res.NewLayouts != 0 {
		t.Errorf("the same in another order: %+v, want it known", res)
	}
	whole(t, kernel(t, db, ""), sample("6.1.0-1", 0))
	sound(t, db)
}

// Put does not write to the snapshot it is given: one may go to two caches.
func TestPutLeavesSnapshot(t *testing.T) {
	snap := sample("6.1.0-1", 0)
	slices.Reverse(snap.Events)
	want := slices.Clone(snap.Events)
	put(t, openTemp(t), snap)
	if diff := gocmp.Diff(want, snap.Events, snapshots.Alike); diff != "" {
		t.Errorf("events (-before +after):\n%s", diff)
	}
	other := openTemp(t)
	put(t, other, snap)
	whole(t, kernel(t, other, ""), sample("6.1.0-1", 0))
}

// A cache that is given what it has stays as large as it is.
func TestPutTwiceCostsNothing(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	stats := func() Stats {
		t.Helper()
		if err := db.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
		s, err := db.Stats(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	put(t, db, large(1))
	before := stats()
	for range 3 {
		if res := put(t, db, large(1)); !res.Known || res.NewLayouts != 0 {
			t.Errorf("the same again: %+v, want it known", res)
		}
	}
	if diff := gocmp.Diff(before, stats()); diff != "" {
		t.Errorf("statistics (-before +after):\n%s", diff)
	}
}

// What a snapshot lists twice is stored, counted and verified once.
func TestListedTwice(t *testing.T) {
	db := openTemp(t)
	snap := sample("6.1.0-1", 0)
	snap.Events = append(snap.Events, snap.Events[1])
	snap.Types = append(snap.Types, snap.Types[2])
	if res := put(t, db, snap); res.NewLayouts != 13 {
		t.Errorf("%d new layouts, want 13", res.NewLayouts)
	}
	k := kernel(t, db, "")
	if i := k.Info(); i.Events != 4 || i.Incomplete != 2 || i.Types != 9 {
		t.Errorf("counts: %d events, %d incomplete, %d types; want 4, 2, 9", i.Events, i.Incomplete, i.Types)
	}
	whole(t, k, sample("6.1.0-1", 0))
	sound(t, db)
	if res := put(t, db, sample("6.1.0-1", 0)); !res.Known {
		t.Error("listed once, it is taken for another kernel")
	}
}

// A kernel that is put with less has less, and no trace of the rest.
func TestPutLess(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	less := sample("6.1.0-1", 0)
	less.Events, less.Types = less.Events[:1], nil
	less.Kernel.Source, less.Kernel.Problems = tpinfo.FromBTF, nil
	if res := put(t, db, less); res.Known || res.NewLayouts != 0 {
		t.Errorf("%+v, want it new and without new layouts", res)
	}
	k := kernel(t, db, "")
	whole(t, k, less)
	if i := k.Info(); i.Events != 1 || i.Incomplete != 0 || i.Types != 0 {
		t.Errorf("counts: %d events, %d incomplete, %d types; want 1, 0, 0", i.Events, i.Incomplete, i.Types)
	}
	var missing *NotFoundError
	if _, err := k.Event(ctx, "nbd:request"); !errors.As(err, &missing) {
		t.Errorf("an event it has no more: %v", err)
	}
	if typ, err := k.TypeIfKnown(ctx, "page"); typ != nil || err != nil {
		t.Errorf("a type it has no more: %v (%v)", typ, err)
	}
	sound(t, db)
}

func TestPutNothing(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	empty := &tpinfo.Snapshot{Kernel: tpinfo.Kernel{ID: "00ff", Release: "0.0.1"}}
	if res := put(t, db, empty); res.Known || res.NewLayouts != 0 {
		t.Errorf("%+v", res)
	}
	k := kernel(t, db, "")
	if events, err := k.Events(ctx); len(events) != 0 || err != nil {
		t.Errorf("%d events (%v), want none", len(events), err)
	}
	if types, err := k.Types(ctx); len(types) != 0 || err != nil {
		t.Errorf("%d types (%v), want none", len(types), err)
	}
	sound(t, db)
	for _, snap := range []*tpinfo.Snapshot{
		{Kernel: tpinfo.Kernel{ID: "00fe"}},
		{Kernel: tpinfo.Kernel{Release: "0.0.2"}},
	} {
		if _, err := db.Put(ctx, snap); err == nil || !strings.Contains(err.Error(), "needs an id and a release") {
			t.Errorf("%+v: %v", snap.Kernel, err)
		}
	}
	if infos, err := db.Kernels(ctx); len(infos) != 1 || err != nil {
		t.Errorf("%d kernels (%v), want the one", len(infos), err)
	}
}

// A put that is called off leaves the cache as it was.
func TestPutCalledOff(t *testing.T) {
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := db.Put(ctx, sample("6.1.0-2", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	whole(t, kernel(t, db, ""), sample("6.1.0-1", 0))
	s, err := db.Stats(context.Background())
	if err != nil || s.Kernels != 1 || s.Events != 4 || s.Types != 9 {
		t.Errorf("%+v (%v), want the one kernel's layouts", s, err)
	}
	sound(t, db)
}

// Two trees with one release and different content are two kernels.
func TestOneReleaseTwoKernels(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	first, second := sample("6.1.0-1", 0), sample("6.1.0-1", 1)
	second.Kernel.ID = "feedbeef" + second.Kernel.ID[8:]
	second.Kernel.Tree = "/home/me/linux"
	put(t, db, first)
	put(t, db, second)
	var several *AmbiguousError
	if _, err := db.Kernel(ctx, "6.1.0-1"); !errors.As(err, &several) {
		t.Fatalf("%v, want an AmbiguousError", err)
	}
	want := []string{"6.1.0-1 (id 000000000000)", "6.1.0-1 (id feedbeef0000)"}
	if several.What != "kernel" || several.Name != "6.1.0-1" || !slices.Equal(several.Matches, want) {
		t.Errorf("%+v, want matches %q", several, want)
	}
	whole(t, kernel(t, db, "0000"), first)
	whole(t, kernel(t, db, "feed"), second)
	whole(t, kernel(t, db, second.Kernel.ID), second)
}

// The same event from two sources is stored for each, and each kernel keeps
// the words of its own source.
func TestSourceIsKept(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	btf := sample("6.1.0-2", 0)
	btf.Kernel.ID = "feedbeef"
	btf.Events[3].Source = tpinfo.FromBTF
	if res := put(t, db, btf); res.NewLayouts != 1 {
		t.Errorf("%d new layouts, want the event from BTF", res.NewLayouts)
	}
	for release, want := range map[string]tpinfo.Source{"6.1.0-1": tpinfo.FromDWARF, "6.1.0-2": tpinfo.FromBTF} {
		e, err := kernel(t, db, release).Event(ctx, "sched_switch")
		if err != nil || e.Source != want {
			t.Errorf("%s: %+v (%v), want it from %s", release, e, err, want)
		}
	}
}
