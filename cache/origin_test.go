package cache

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

func TestBuiltFrom(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	one, two := sample("6.1.0-1", 0), sample("6.1.0-2", 1)
	for key, snap := range map[string]*tpinfo.Snapshot{"aa": one, "bb": two} {
		if _, err := db.PutFrom(ctx, snap, tpinfo.Origin{Key: key, Headers: "h" + key}); err != nil {
			t.Fatal(err)
		}
	}
	put(t, db, sample("6.1.0-3", 2)) // without an origin
	for _, test := range []struct{ key, headers, want string }{
		{"aa", "haa", one.Kernel.ID},
		{"bb", "hbb", two.Kernel.ID},
		{"cc", "hcc", ""},
		{"", "", ""},
	} {
		if id, err := db.BuiltFrom(ctx, test.key); err != nil || id != test.want {
			t.Errorf("built from %q: %q (%v), want %q", test.key, id, err, test.want)
		}
		if id, err := db.SameHeaders(ctx, test.headers); err != nil || id != test.want {
			t.Errorf("same headers as %q: %q (%v), want %q", test.headers, id, err, test.want)
		}
	}
	// A kernel that is gone is built again when asked for.
	if err := db.Remove(ctx, one.Kernel.ID); err != nil {
		t.Fatal(err)
	}
	if id, err := db.BuiltFrom(ctx, "aa"); err != nil || id != "" {
		t.Errorf("after it was removed: %q (%v)", id, err)
	}
	sound(t, db)
}

func TestAddAlias(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	snap := sample("6.1.0-1", 0)
	put(t, db, snap)
	as := tpinfo.Kernel{Release: "6.1.0-2", Tree: "linux-headers-6.1.0-2_6.1.9_amd64.deb", Compiler: "gcc 13.1.0", Extracted: snap.Kernel.Extracted.Add(time.Hour)}
	if err := db.AddAlias(ctx, snap.Kernel.ID, as, tpinfo.Origin{Key: "aa", Headers: "hh"}); err != nil {
		t.Fatal(err)
	}
	want := snap.Kernel
	want.Release, want.Tree, want.Compiler, want.Extracted = as.Release, as.Tree, as.Compiler, as.Extracted
	k := kernel(t, db, "6.1.0-2")
	if diff := cmp.Diff(want, k.Info().Kernel); diff != "" {
		t.Errorf("under its other name (-want +got):\n%s", diff)
	}
	whole(t, kernel(t, db, "6.1.0-1"), snap)
	recorded, err := db.Recorded(ctx, "6.1.0-2", "")
	if err != nil {
		t.Fatal(err)
	}
	inputs := snap.Inputs
	inputs.Compiler = as.Compiler
	if diff := cmp.Diff([]Recorded{{KernelID: want.ID, Tree: as.Tree, Inputs: inputs}}, recorded); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	if id, err := db.BuiltFrom(ctx, "aa"); err != nil || id != want.ID {
		t.Errorf("built from its package: %q (%v)", id, err)
	}
	var missing *NotFoundError
	if err := db.AddAlias(ctx, "nothing", as, tpinfo.Origin{Key: "bb"}); !errors.As(err, &missing) {
		t.Errorf("an alias of a kernel that is not there: %v", err)
	}
	if id, err := db.BuiltFrom(ctx, "bb"); err != nil || id != "" {
		t.Errorf("it has left an origin: %q (%v)", id, err)
	}
	if err := db.AddAlias(ctx, want.ID, tpinfo.Kernel{}, tpinfo.Origin{}); err == nil {
		t.Error("an alias without a release is taken")
	}
	sound(t, db)
}

func TestFailures(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	when := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	late := tpinfo.Failure{
		Key: "aa", Release: "6.1.0-56", Arch: "x86", Subject: "linux-headers.deb", Reason: "it is cut short",
		Supply: []string{"fetch it again"}, Tools: "gcc 12.2.0", Tries: 1, When: when,
	}
	early := tpinfo.Failure{Key: "bb", Release: "6.1.0-9", Reason: "it is no package", Tries: 3, When: when}
	for _, f := range []tpinfo.Failure{late, early} {
		if err := db.Fail(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	late.Tries, late.Reason = 2, "it is still cut short"
	if err := db.Fail(ctx, late); err != nil {
		t.Fatal(err)
	}
	got, err := db.Failures(ctx)
	if diff := cmp.Diff([]tpinfo.Failure{early, late}, got); diff != "" || err != nil {
		t.Errorf("failures (-want +got), %v:\n%s", err, diff)
	}
	if f, err := db.FailureOf(ctx, "aa"); err != nil || f == nil || f.Tries != 2 {
		t.Errorf("of aa: %+v (%v)", f, err)
	}
	if f, err := db.FailureOf(ctx, "cc"); err != nil || f != nil {
		t.Errorf("of what never failed: %+v (%v)", f, err)
	}
	if err := db.Fail(ctx, tpinfo.Failure{Reason: "it has no key"}); err == nil {
		t.Error("a failure without a key is taken")
	}
	// What is built after all failed no more.
	if _, err := db.PutFrom(ctx, sample("6.1.0-56", 0), tpinfo.Origin{Key: "aa"}); err != nil {
		t.Fatal(err)
	}
	got, err = db.Failures(ctx)
	if diff := cmp.Diff([]tpinfo.Failure{early}, got); diff != "" || err != nil {
		t.Errorf("failures after a put (-want +got), %v:\n%s", err, diff)
	}
	if err := db.Fail(ctx, late); err != nil {
		t.Fatal(err)
	}
	if f, err := db.FailureOf(ctx, "aa"); err != nil || f != nil {
		t.Errorf("what was built is a failure when built again: %+v (%v)", f, err)
	}
	sound(t, db)
	if _, err := db.sql.ExecContext(ctx, "UPDATE failure SET body = x'07'"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Failures(ctx); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a damaged ledger: %v, want ErrCorrupt", err)
	}
}

// A package that was damaged and came again is another file: what matters is
// that its release was built since, here or in a cache that is merged.
func TestMended(t *testing.T) {
	ctx := context.Background()
	snap := sample("6.1.0-1", 0)
	built := snap.Kernel.Extracted
	fail := func(key, release, arch string, after time.Duration) tpinfo.Failure {
		return tpinfo.Failure{Key: key, Release: release, Arch: arch, Reason: "no", Tries: 1, When: built.Add(after)}
	}
	list := []tpinfo.Failure{
		fail("mended", "6.1.0-1", snap.Kernel.Arch, -time.Hour),
		fail("since", "6.1.0-1", snap.Kernel.Arch, time.Hour),
		fail("other", "6.1.0-2", snap.Kernel.Arch, -time.Hour),
		fail("elsewhere", "6.1.0-1", "vax", -time.Hour),
	}
	broken := openTemp(t)
	for _, f := range list {
		if err := broken.Fail(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	good := openTemp(t)
	put(t, good, snap)
	for name, pair := range map[string][2]*DB{"into the broken one": {broken, good}, "into the good one": {good, broken}} {
		db := openTemp(t)
		for _, from := range pair {
			if _, err := db.Merge(ctx, from.Path()); err != nil {
				t.Fatal(err)
			}
		}
		ledger(t, name, db)
	}
	put(t, broken, snap)
	ledger(t, "built here", broken)
}

func ledger(t *testing.T, name string, db *DB) {
	t.Helper()
	failures, err := db.Failures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, f := range failures {
		got[f.Key] = true
	}
	if diff := cmp.Diff(map[string]bool{"since": true, "other": true, "elsewhere": true}, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
