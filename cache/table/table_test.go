package table

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table/tabletest"
	"github.com/tpinfo/tpinfo/fixtures/snapshots"
)

func store(t *testing.T, tx *sql.Tx, s *Stock, layouts []layout.Layout, want int) {
	t.Helper()
	added, err := s.Store(context.Background(), tx, layouts, false)
	if err != nil || added != want {
		t.Fatalf("%d layouts added (%v), want %d", added, err, want)
	}
}

// A layout is stored once, whoever stores it, and gets a row of its own when it
// comes back.
func TestStock(t *testing.T) {
	ctx := context.Background()
	tx := tabletest.Begin(t, Migrate)
	layouts := layout.OfSnapshot(snapshots.Sample("6.1", 0))
	var first, second Stock
	if err := first.Refresh(ctx, tx); err != nil || first.Has(layouts[0].Hash) {
		t.Errorf("%v: empty tables have a layout: %v", err, first.Has(layouts[0].Hash))
	}
	store(t, tx, &first, slices.Concat(layouts, layouts), 13)
	store(t, tx, &second, layouts, 0)
	var ids []int64
	for _, l := range layouts {
		if !first.Has(l.Hash) || !second.Has(l.Hash) {
			t.Errorf("%s is not there", l.Name)
		}
		ids = append(ids, l.ID)
	}
	slices.Sort(ids)
	if want := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}; !slices.Equal(ids, want) {
		t.Errorf("rows %v, want %v", ids, want)
	}
	if n, err := Sweep(ctx, tx); err != nil || n != 13 {
		t.Errorf("%d layouts swept (%v), want the 13 that no kernel has", n, err)
	}
	store(t, tx, &first, layouts, 13)
	for _, l := range layouts {
		if l.ID <= 13 {
			t.Errorf("%s came back in row %d, which another had", l.Name, l.ID)
		}
	}
}

// A kernel that was stored is there as it was, and keeps its layouts.
func TestKernel(t *testing.T) {
	ctx := context.Background()
	tx := tabletest.Begin(t, Migrate)
	snap := snapshots.Sample("6.1", 0)
	k, err := layout.OfKernel(&snap.Kernel)
	if err != nil {
		t.Fatal(err)
	}
	k.Layouts = layout.OfSnapshot(snap)
	var s Stock
	store(t, tx, &s, k.Layouts, 13)
	for _, want := range []bool{false, true} {
		if known, err := StoreKernel(ctx, tx, k); err != nil || known != want {
			t.Errorf("known %v (%v), want %v", known, err, want)
		}
	}
	got, err := Kernel(ctx, tx, k.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := k
	want.Layouts = nil
	for id := range int64(13) {
		want.Layouts = append(want.Layouts, layout.Layout{ID: id + 1})
	}
	slices.SortFunc(got.Layouts, func(a, b layout.Layout) int { return int(a.ID - b.ID) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n, err := Sweep(ctx, tx); err != nil || n != 0 {
		t.Errorf("%d layouts swept (%v), and the kernel has them all", n, err)
	}
}

// The tree of an exported file, a name, gives way to the same with its folder,
// in whichever order they come.
func TestAlias(t *testing.T) {
	ctx := context.Background()
	for _, trees := range [][]string{{"linux", "/usr/src/linux"}, {"/usr/src/linux", "linux"}} {
		tx := tabletest.Begin(t, Migrate)
		for i, tree := range trees {
			fresh, err := StoreAlias(ctx, tx, "id", layout.Alias{Release: "6.1", Tree: tree, Files: []byte{1}})
			if want := i == 0 || tree != "linux"; err != nil || fresh != want {
				t.Errorf("%s after %v: fresh %v (%v), want %v", tree, trees[:i], fresh, err, want)
			}
		}
		var stored string
		if err := tx.QueryRow("SELECT group_concat(tree) FROM alias").Scan(&stored); err != nil || stored != "/usr/src/linux" {
			t.Errorf("%v are stored as %q (%v)", trees, stored, err)
		}
	}
}

// A list of headers much like another is stored as a difference, and reads back.
func TestFiles(t *testing.T) {
	ctx := context.Background()
	tx := tabletest.Begin(t, Migrate)
	first := strings.Repeat("build:include/linux/sched.h\nbuild:include/linux/mm.h\nsource:arch/x86/entry.S\n", 3) + random
	for _, text := range []string{first, first + "\nbuild:include/linux/new.h", "", first} {
		hash, err := StoreFiles(ctx, tx, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var stored, body, whole []byte
		err = tx.QueryRow("SELECT hash, body, whole FROM "+Files+" WHERE hash = ?", hash).Scan(&stored, &body, &whole)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ReadFiles(stored, layout.Packed{Body: body, Whole: whole}); err != nil || string(got) != text {
			t.Errorf("%q comes back as %q (%v)", text, got, err)
		}
	}
	var all, whole int
	if err := tx.QueryRow("SELECT count(*), sum(base IS NULL) FROM blob").Scan(&all, &whole); err != nil || all != 3 || whole != 2 {
		t.Errorf("%d lists, %d of them whole (%v); want 3, 2 of them whole", all, whole, err)
	}
}

// random is what does not get smaller.
var random = func() string {
	var out strings.Builder
	for n, x := 0, uint64(1); n < 2000; n++ {
		x = x*6364136223846793005 + 1442695040888963407
		out.WriteByte('!' + byte(x>>57)%90)
	}
	return out.String()
}()

// What failed is in the ledger until it is built, and not after.
func TestLedger(t *testing.T) {
	ctx := context.Background()
	tx := tabletest.Begin(t, Migrate)
	ledger := func() []tpinfo.Failure {
		t.Helper()
		all, err := Failures(ctx, tx, "SELECT key, body FROM failure ORDER BY key")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := []tpinfo.Failure{{Key: "a", Reason: "again"}, {Key: "b", Reason: "no"}}
	for _, f := range []tpinfo.Failure{{Key: "a", Reason: "no"}, want[1], want[0]} {
		if err := StoreFailure(ctx, tx, f); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, ledger()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, key := range []string{"a", ""} {
		if err := StoreOrigin(ctx, tx, "id", tpinfo.Origin{Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	if err := StoreFailure(ctx, tx, want[0]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[1:], ledger()); diff != "" {
		t.Errorf("after a was built (-want +got):\n%s", diff)
	}
}
