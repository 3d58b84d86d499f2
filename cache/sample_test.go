package cache

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/snapshots"
)

// sample is the snapshot that most tests put.
var sample = snapshots.Sample

// open opens a cache in a folder of the test's own.
func openTemp(t testing.TB) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "cache.db"))
}

func openAt(t testing.TB, path string, opts ...Option) *DB {
	t.Helper()
	db, err := Open(context.Background(), path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func put(t testing.TB, db *DB, snap *tpinfo.Snapshot) PutResult {
	t.Helper()
	res, err := db.Put(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func kernel(t testing.TB, db *DB, selector string) *Kernel {
	t.Helper()
	k, err := db.Kernel(context.Background(), selector)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sound fails the test when a check of the whole cache finds a fault.
func sound(t rapid.TB, db *DB) {
	t.Helper()
	faults, err := db.Verify(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Errorf("%s: %s", f.Where, f.What)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
