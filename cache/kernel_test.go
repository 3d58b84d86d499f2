package cache

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/table"
)

// renamed is one content under another release, extracted hours later.
func renamed(snap *tpinfo.Snapshot, release string, hours int) *tpinfo.Snapshot {
	s := *snap
	s.Kernel.Release, s.Kernel.Tree = release, "/usr/src/"+release
	s.Kernel.Extracted = s.Kernel.Extracted.Add(time.Duration(hours) * time.Hour)
	return &s
}

// A kernel is found under every release it is known by, and listed once.
func TestSeveralReleases(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1-amd64", 0))
	if res := put(t, db, renamed(sample("", 0), "6.1.0-2-amd64", 1)); !res.Known {
		t.Errorf("%+v, want it known", res)
	}
	for selector, want := range map[string]string{
		"":                             "6.1.0-2-amd64",
		"6.1.0-1-amd64":                "6.1.0-1-amd64",
		"6.1.0-2-amd64":                "6.1.0-2-amd64",
		"6.1.0-1*":                     "6.1.0-1-amd64",
		"*-2-*":                        "6.1.0-2-amd64",
		"6.1*":                         "6.1.0-2-amd64", // both, and the last extraction counts
		sample("", 0).Kernel.ID[:30]:   "6.1.0-2-amd64",
		sample("", 0).Kernel.ID:        "6.1.0-2-amd64",
		"6.1.0-[1]-?md64":              "6.1.0-1-amd64",
		strings.Repeat("?", 5) + "-1*": "6.1.0-1-amd64",
	} {
		k, err := db.Kernel(ctx, selector)
		if err != nil {
			t.Errorf("%q: %v", selector, err)
			continue
		}
		if i := k.Info(); i.Release != want || i.Tree != "/usr/src/"+want {
			t.Errorf("%q: %s from %s, want %s", selector, i.Release, i.Tree, want)
		}
	}
	for glob, want := range map[string][]string{
		"6.1.0-1*": {"6.1.0-1-amd64"}, "6.1.0-2*": {"6.1.0-2-amd64"}, "*": {"6.1.0-1-amd64", "6.1.0-2-amd64"},
	} {
		found, err := db.Releases(ctx, glob)
		if err != nil {
			t.Fatal(err)
		}
		if got := releasesOf(found); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", glob, got, want)
		}
	}
	infos, err := db.Kernels(ctx)
	if err != nil || len(infos) != 1 || infos[0].Release != "6.1.0-2-amd64" {
		t.Errorf("listed: %+v (%v), want it once with the last release", infos, err)
	}
	if err := db.Remove(ctx, infos[0].ID); err != nil {
		t.Fatal(err)
	}
	var empty *NotFoundError
	if found, err := db.EveryRelease(ctx); !errors.As(err, &empty) {
		t.Errorf("removed, and still there as %v (%v)", releasesOf(found), err)
	}
}

func releasesOf(kernels []*Kernel) []string {
	var out []string
	for _, k := range kernels {
		out = append(out, k.Info().Release)
	}
	return out
}

func TestSelectErrors(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	var missing *NotFoundError
	if _, err := db.Kernel(ctx, "6.1.0-1-amd64"); !errors.As(err, &missing) || len(missing.Near) != 0 {
		t.Errorf("an empty cache: %v, want a NotFoundError without names", err)
	}
	first := sample("6.1.0-1-amd64", 0)
	first.Kernel.ID = "abcdef00"
	put(t, db, first)
	put(t, db, sample("5.10.0-9-arm64", 1))
	for _, test := range []struct {
		selector string
		near     []string
	}{
		{"6.1.0-1-adm64", []string{"6.1.0-1-amd64", "5.10.0-9-arm64"}},
		{"arm64", []string{"5.10.0-9-arm64", "6.1.0-1-amd64"}},
		{"abc", []string{"6.1.0-1-amd64", "5.10.0-9-arm64"}}, // three digits of an id are too few
		{"6.*-rt-*", []string{"6.1.0-1-amd64", "5.10.0-9-arm64"}},
	} {
		_, err := db.Kernel(ctx, test.selector)
		if !errors.As(err, &missing) {
			t.Errorf("%q: %v, want a NotFoundError", test.selector, err)
			continue
		}
		if missing.What != "kernel" || missing.Name != test.selector || !slices.Equal(missing.Near, test.near) {
			t.Errorf("%q: %+v, want near %v", test.selector, missing, test.near)
		}
	}
	if k := kernel(t, db, "abcd"); k.Info().Release != "6.1.0-1-amd64" {
		t.Errorf("four digits of an id: %s", k.Info().Release)
	}
	for _, bad := range []string{"[", "6.1[", `6\`} {
		if _, err := db.Kernel(ctx, bad); !errors.Is(err, path.ErrBadPattern) {
			t.Errorf("%q: %v, want a bad pattern", bad, err)
		}
		if _, err := db.Releases(ctx, bad); !errors.Is(err, path.ErrBadPattern) {
			t.Errorf("matching %q: %v, want a bad pattern", bad, err)
		}
	}
}

func TestRecordedOrder(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, renamed(sample("", 0), "6.1.0-1", 2))
	put(t, db, renamed(sample("", 1), "6.1.0-1", 3))
	other := renamed(sample("", 2), "6.1.0-2", 1)
	other.Kernel.Compiler = "" // what compiled is noted once for both
	other.Inputs = tpinfo.Inputs{Digest: "d", BTF: "b", Files: []string{"build:a b", "source:ü.h"}}
	put(t, db, other)
	for _, test := range []struct {
		release, tree string
		want          []int // editions
	}{
		{"6.1.0-1", "", []int{1, 0}},
		{"6.1.0-2", "", []int{2}},
		{"", "/usr/src/6.1.0-1", []int{1, 0}},
		{"6.1.0-2", "/usr/src/6.1.0-1", []int{1, 0, 2}},
		{"6.1", "/usr/src", nil},
	} {
		found, err := db.Recorded(ctx, test.release, test.tree)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, r := range found {
			got = append(got, r.KernelID)
		}
		for _, edition := range test.want {
			want = append(want, sample("", edition).Kernel.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("release %q or tree %q: %v, want %v", test.release, test.tree, got, want)
		}
	}
	found, err := db.Recorded(ctx, "6.1.0-2", "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(other.Inputs, found[0].Inputs); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	// The same release and tree once more takes the earlier one's place.
	again := renamed(sample("", 0), "6.1.0-1", 9)
	again.Inputs.Digest, again.Inputs.Files = "later", nil
	put(t, db, again)
	if found, err = db.Recorded(ctx, "6.1.0-1", ""); err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[0].Inputs.Digest != "later" || len(found[0].Inputs.Files) != 0 {
		t.Errorf("%+v, want two, the later first and without files", found)
	}
}

// What goes gives back exactly what nobody else has.
func TestStatsAfterRemove(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	for edition := range 3 {
		put(t, db, large(edition))
	}
	own, err := db.OwnBytes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(own) != 3 {
		t.Errorf("own bytes of %d kernels, want 3", len(own))
	}
	if own[large(1).Kernel.ID] < 5000 {
		t.Errorf("a kernel with 300 layouts of its own needs %d bytes", own[large(1).Kernel.ID])
	}
	stats := func() (s [5]int) {
		t.Helper()
		got, err := db.Stats(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got.Schema != table.Schema() || got.Path != db.Path() {
			t.Errorf("schema %d of %s, want %d of %s", got.Schema, got.Path, table.Schema(), db.Path())
		}
		return [5]int{got.Kernels, got.Events, got.Types, got.EventUses, got.TypeUses}
	}
	// Each edition adds every second event, all types (they are as large as
	// its struct page), and the three layouts of sample.
	if got, want := stats(), [5]int{3, 204 + 2*101, 209 + 2*202, 3 * 204, 3 * 209}; got != want {
		t.Errorf("kernels, events, types and uses: %v, want %v", got, want)
	}
	if err := db.Remove(ctx, large(1).Kernel.ID); err != nil {
		t.Fatal(err)
	}
	if got, want := stats(), [5]int{2, 204 + 2*101, 209 + 2*202, 2 * 204, 2 * 209}; got != want {
		t.Errorf("before the collection: %v, want the layouts to stay: %v", got, want)
	}
	sound(t, db)
	res, err := db.GC(ctx, GCRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Layouts != 101+202 || res.After >= res.Before {
		t.Errorf("%+v, want %d layouts and a smaller file", res, 101+202)
	}
	if got, want := stats(), [5]int{2, 204 + 101, 209 + 202, 2 * 204, 2 * 209}; got != want {
		t.Errorf("after the collection: %v, want %v", got, want)
	}
	for _, edition := range []int{0, 2} {
		whole(t, kernel(t, db, large(edition).Kernel.ID), large(edition))
	}
	sound(t, db)
	if res, err = db.GC(ctx, GCRequest{}); err != nil || res.Layouts != 0 {
		t.Errorf("once more: %+v (%v), want nothing to collect", res, err)
	}
	for _, edition := range []int{0, 2} {
		if err := db.Remove(ctx, large(edition).Kernel.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.GC(ctx, GCRequest{}); err != nil {
		t.Fatal(err)
	}
	if got := stats(); got != [5]int{} {
		t.Errorf("an emptied cache has %v", got)
	}
	if own, err = db.OwnBytes(ctx); err != nil || len(slices.Collect(maps.Keys(own))) != 0 {
		t.Errorf("an emptied cache has kernels that need %v (%v)", own, err)
	}
}

// A kernel that someone holds while it is removed says so.
func TestHeldWhileRemoved(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	k := kernel(t, db, "")
	if err := db.Remove(ctx, k.Info().ID); err != nil {
		t.Fatal(err)
	}
	var missing *NotFoundError
	if _, err := k.Events(ctx); !errors.As(err, &missing) || missing.What != "kernel" || !strings.Contains(err.Error(), "removed meanwhile") {
		t.Errorf("%v, want a NotFoundError that says it was removed", err)
	}
}
