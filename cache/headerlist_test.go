package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// headerPaths is a list as kernels have it, with a path of its own for each
// edition.
func headerPaths(folder string, edition int) []string {
	var paths []string
	for i := range 1000 {
		paths = append(paths, fmt.Sprintf("build:include/%s/%d/%d.h", folder, i*i%977, i))
	}
	return append(paths, fmt.Sprintf("build:include/new/%d.h", edition))
}

// blobs are the sizes of the stored lists, and how many stand whole.
func blobs(t *testing.T, db *DB) (sizes []int, whole int) {
	t.Helper()
	rows, err := db.sql.QueryContext(context.Background(), "SELECT length(body), base IS NULL FROM blob ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n, alone int
		if err := rows.Scan(&n, &alone); err != nil {
			t.Fatal(err)
		}
		sizes, whole = append(sizes, n), whole+alone
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return sizes, whole
}

// A list like another takes a few bytes, and stays readable when the other's
// kernel goes; a list unlike all stands whole.
func TestHeaderLists(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	want := map[string][]string{}
	var ids []string
	add := func(release string, edition int, paths []string) {
		snap := sample(release, edition)
		snap.Inputs.Files = paths
		want[release] = paths
		ids = append(ids, snap.Kernel.ID)
		put(t, db, snap)
	}
	check := func(db *DB) {
		t.Helper()
		for release, paths := range want {
			recorded, err := db.Recorded(ctx, release, "")
			if err != nil || len(recorded) != 1 {
				t.Fatalf("%s: %d, %v", release, len(recorded), err)
			}
			if diff := cmp.Diff(paths, recorded[0].Inputs.Files); diff != "" {
				t.Fatalf("%s: %s", release, diff)
			}
		}
		sound(t, db)
	}
	add("6.1.0-1", 1, headerPaths("linux", 1))
	add("6.1.0-2", 2, headerPaths("linux", 2))
	add("6.1.0-3", 3, headerPaths("linux", 3))
	add("6.12.0-1", 4, headerPaths("uapi", 1))
	add("6.12.0-2", 5, []string{})
	add("6.12.0-3", 6, headerPaths("uapi", 2))
	sizes, whole := blobs(t, db)
	if len(sizes) != 6 || whole != 3 || sizes[3] > 100 || sizes[4] < 2000 {
		t.Errorf("lists take %v bytes, %d of them whole; want three of them whole, the others small", sizes, whole)
	}
	check(db)

	// Through a file, and in another order, the lists are the same.
	other := openTemp(t)
	if _, err := other.Merge(ctx, db.path); err != nil {
		t.Fatal(err)
	}
	check(other)

	// The first kernel goes: its list stays for the others, until they go too.
	if err := db.Remove(ctx, ids[0]); err != nil {
		t.Fatal(err)
	}
	delete(want, "6.1.0-1")
	if _, err := db.GC(ctx, GCRequest{}); err != nil {
		t.Fatal(err)
	}
	if sizes, _ := blobs(t, db); len(sizes) != 6 {
		t.Errorf("%d lists, want 6", len(sizes))
	}
	check(db)
	if err := db.Remove(ctx, ids[1], ids[2]); err != nil {
		t.Fatal(err)
	}
	delete(want, "6.1.0-2")
	delete(want, "6.1.0-3")
	if _, err := db.GC(ctx, GCRequest{}); err != nil {
		t.Fatal(err)
	}
	if sizes, _ := blobs(t, db); len(sizes) != 3 {
		t.Errorf("%d lists, want 3", len(sizes))
	}
	check(db)
}

// A list whose other is gone or damaged says so; none is made up.
func TestHeaderListDamage(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct{ damage, where string }{
		{"DELETE FROM blob WHERE base IS NULL", "list of headers"},
		{"UPDATE blob SET body = x'07' WHERE base IS NULL", "list of headers"},
		{"UPDATE blob SET body = substr(body, 1, length(body) - 1) WHERE base IS NOT NULL", "list of headers"},
		{"UPDATE blob SET base = NULL WHERE base IS NOT NULL", "list of headers"},
		{"UPDATE blob SET base = hash", "list of headers"},
	} {
		db := openTemp(t)
		for edition := 1; edition <= 2; edition++ {
			snap := sample(fmt.Sprintf("6.1.0-%d", edition), edition)
			snap.Inputs.Files = headerPaths("linux", edition)
			put(t, db, snap)
		}
		if _, err := db.sql.ExecContext(ctx, c.damage); err != nil {
			t.Fatal(err)
		}
		faults, err := db.Verify(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(fmt.Sprint(faults), c.where) {
			t.Errorf("%s: %v", c.damage, faults)
		}
		var failed error
		for _, release := range []string{"6.1.0-1", "6.1.0-2"} {
			recorded, err := db.Recorded(ctx, release, "")
			failed = errors.Join(failed, err)
			for _, r := range recorded {
				if edition := release[len(release)-1] - '0'; !cmp.Equal(r.Inputs.Files, headerPaths("linux", int(edition))) {
					t.Errorf("%s: %s has a list that is not its own", c.damage, release)
				}
			}
		}
		if failed == nil && !strings.HasPrefix(c.damage, "DELETE") {
			t.Errorf("%s: nothing failed", c.damage)
		}
	}
}
