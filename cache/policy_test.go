package cache

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo"
)

func TestPolicy(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	db := openTemp(t)
	for n, k := range []struct {
		release string
		days    int // since it was extracted; 0: not known
	}{
		{"5.10.0-9-amd64", 300}, {"5.10.0-46-amd64", 200}, {"5.10.0-46-rt-amd64", 200}, {"5.10.0-8-rt-amd64", 1},
		{"6.1.0-1-amd64", 100}, {"6.1.0-2-amd64", 0}, {"6.1.0-3-amd64", 10},
	} {
		snap := sample(k.release, n)
		snap.Kernel.Extracted = time.Time{}
		if k.days > 0 {
			snap.Kernel.Extracted = now.Add(-time.Duration(k.days) * 24 * time.Hour)
		}
		put(t, db, snap)
	}
	// The oldest is also known by the newest name.
	as := tpinfo.Kernel{Release: "6.1.0-4-amd64", Tree: "again", Extracted: now}
	if err := db.AddAlias(ctx, sample("", 0).Kernel.ID, as, tpinfo.Origin{}); err != nil {
		t.Fatal(err)
	}
	// What was extracted again is nobody's newest.
	again := sample("6.6.0-1-arm64", 8)
	again.Kernel.Extracted = now.Add(-time.Hour)
	put(t, db, again)
	before := sample("6.6.0-1-arm64", 9)
	before.Kernel.Extracted = now.Add(-2 * time.Hour)
	put(t, db, before)
	kernels, err := db.EveryRelease(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	for _, test := range []struct {
		policy Policy
		want   string // releases in order
	}{
		{Policy{}, ""},
		{Policy{Keep: []string{"*"}}, ""},
		{Policy{Newest: 1}, "5.10.0-8-rt-amd64 6.1.0-1-amd64 6.1.0-2-amd64 6.1.0-3-amd64 6.6.0-1-arm64"},
		{Policy{Newest: 2}, "6.1.0-1-amd64 6.1.0-2-amd64 6.6.0-1-arm64"},
		{Policy{Newest: 9}, "6.6.0-1-arm64"},
		{Policy{Newest: 1, Keep: []string{"6.1.*"}}, "5.10.0-8-rt-amd64 6.6.0-1-arm64"},
		{Policy{Older: 90 * day}, "5.10.0-46-amd64 5.10.0-46-rt-amd64 6.1.0-1-amd64"},
		{Policy{Older: 90 * day, Newest: 1}, "6.1.0-1-amd64"},
		{Policy{Older: 1000 * day}, ""},
		{Policy{Matching: []string{"5.10.*-amd64"}}, "5.10.0-8-rt-amd64 5.10.0-46-amd64 5.10.0-46-rt-amd64"},
		{Policy{Matching: []string{"5.10.0-9-amd64"}}, ""},
		{Policy{Matching: []string{"5.10.0-9-amd64", "6.1.0-4-amd64"}}, "5.10.0-9-amd64"},
		{Policy{Matching: []string{sample("", 0).Kernel.ID}}, "5.10.0-9-amd64"},
		{Policy{Matching: []string{"5.10.*", "6.1.0-1-amd64"}, Newest: 1}, "5.10.0-8-rt-amd64 6.1.0-1-amd64"},
		{Policy{Matching: []string{"nothing"}}, ""},
	} {
		picked, err := test.policy.Choose(kernels, now)
		if err != nil {
			t.Errorf("%+v: %v", test.policy, err)
			continue
		}
		var releases []string
		for _, i := range picked {
			releases = append(releases, i.Release)
		}
		if got := strings.Join(releases, " "); got != test.want {
			t.Errorf("%+v picks %q, want %q", test.policy, got, test.want)
		}
	}
	for _, policy := range []Policy{{Matching: []string{"["}}, {Newest: 1, Keep: []string{"["}}} {
		if _, err := policy.Choose(kernels, now); err == nil {
			t.Errorf("%+v: a glob that is none is taken", policy)
		}
	}
	nothing, beside, err := Policy{Matching: []string{"5.10.*", "7.*"}}.Named(kernels)
	if err != nil || !slices.Equal(nothing, []string{"7.*"}) || !slices.Equal(beside, []string{"6.1.0-4-amd64"}) {
		t.Errorf("named: nothing by %q, also %q (%v)", nothing, beside, err)
	}
}

func TestGCRequest(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	put(t, db, sample("6.1.0-2", 1))
	before := known(t, db)
	ids := []string{sample("", 1).Kernel.ID}
	res, err := db.GC(ctx, GCRequest{Kernels: ids, DryRun: true})
	if err != nil || res.Kernels != 1 || res.Layouts != 3 || res.After != res.Before || known(t, db) != before {
		t.Errorf("a dry run: %+v (%v), want one kernel and 3 layouts, and nothing changed", res, err)
	}
	if _, err := db.GC(ctx, GCRequest{Kernels: append(slices.Clone(ids), "nothing")}); err == nil || known(t, db) != before {
		t.Errorf("with a kernel that is not there: %v, want an error and nothing changed", err)
	}
	res, err = db.GC(ctx, GCRequest{Kernels: ids})
	if err != nil || res.Kernels != 1 || res.Layouts != 3 {
		t.Errorf("%+v (%v), want one kernel and 3 layouts", res, err)
	}
	whole(t, kernel(t, db, ""), sample("6.1.0-1", 0))
	// The stock that the writer keeps knows of it.
	if res := put(t, db, sample("6.1.0-2", 1)); res.NewLayouts != 3 {
		t.Errorf("put again: %+v, want 3 new layouts", res)
	}
	whole(t, kernel(t, db, "6.1.0-2"), sample("6.1.0-2", 1))
	sound(t, db)
}

// What another program removed is stored again.
func TestStockAfterAnothersGC(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	other := openAt(t, db.Path())
	put(t, db, sample("6.1.0-1", 0))
	put(t, db, sample("6.1.0-2", 1))
	if _, err := other.GC(ctx, GCRequest{Kernels: []string{sample("", 1).Kernel.ID}}); err != nil {
		t.Fatal(err)
	}
	put(t, other, sample("6.1.0-4", 4))
	if res := put(t, db, sample("6.1.0-2", 1)); res.NewLayouts != 3 {
		t.Errorf("put again: %+v, want 3 new layouts", res)
	}
	if res := put(t, db, sample("6.1.0-4", 4)); !res.Known {
		t.Errorf("what the other one put: %+v, want it known", res)
	}
	for n, release := range map[int]string{0: "6.1.0-1", 1: "6.1.0-2", 4: "6.1.0-4"} {
		whole(t, kernel(t, db, release), sample(release, n))
	}
	sound(t, db)
}
