package cache

import (
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/table"
)

// A cache that an earlier program made is brought up to date by whoever opens
// it first, and keeps what it holds.
func TestOlderSchema(t *testing.T) {
	ctx := context.Background()
	for name, opts := range map[string][]Option{"writing": nil, "reading": {ReadOnly()}} {
		path := older(t)
		db := openAt(t, path, opts...)
		holdsOlder(t, db)
		if version, err := schemaVersion(ctx, db.sql, path); err != nil || version != table.Schema() {
			t.Errorf("opened for %s, it has schema %d (%v), want %d", name, version, err, table.Schema())
		}
		again := openAt(t, path)
		if res := put(t, again, sample("6.1.0-1", 0)); !res.Known || res.NewLayouts != 0 {
			t.Errorf("%s: what was there is put again: %+v, want it known", name, res)
		}
		if res, err := again.PutFrom(ctx, sample("6.1.0-3", 2), tpinfo.Origin{Key: "aa"}); err != nil || res.NewLayouts != 3 {
			t.Errorf("%s: a neighbour: %+v (%v), want 3 new layouts", name, res, err)
		}
		sound(t, again)
	}
}

// holdsOlder checks for what testdata/schema1.db.gz has.
func holdsOlder(t *testing.T, db *DB) {
	t.Helper()
	whole(t, kernel(t, db, "6.1.0-1"), sample("6.1.0-1", 0))
	whole(t, kernel(t, db, "6.1.0-2"), sample("6.1.0-2", 1))
	sound(t, db)
}

// older unpacks a cache that the program of schema 1 made.
func older(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/schema1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "older.db")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// What was damaged before is found damaged afterwards.
func TestOlderAndDamaged(t *testing.T) {
	ctx := context.Background()
	for damage, where := range map[string]string{
		"UPDATE layout SET rest = rest + 1 WHERE name = 'sched_bare'": "sched_bare",
		"UPDATE layout SET body = x'07' WHERE name = 'sched_bare'":    "sched_bare",
		"UPDATE layout SET body = x'07' WHERE name = 'struct page'":   "struct page",
	} {
		path := older(t)
		makeDatabase(t, path, damage)
		faults, err := openAt(t, path).Verify(ctx)
		if err != nil || len(faults) == 0 || !strings.Contains(faults[0].Where, where) {
			t.Errorf("%s: faults %q (%v), want one of %s", damage, faults, err, where)
		}
	}
}
