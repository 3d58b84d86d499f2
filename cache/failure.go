package cache

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/table"
)

// Fail enters into the ledger that a kernel could not be built, in place of
// what stood there for its key. What was built from the same files is there all
// the same, and not entered; a release that is built later leaves the ledger,
// whatever files failed.
func (db *DB) Fail(ctx context.Context, f tpinfo.Failure) error {
	if f.Key == "" {
		return errors.New("a failure needs a key to be stored")
	}
	return db.write(ctx, func(ctx context.Context, tx *sql.Tx) error { return table.StoreFailure(ctx, tx, f) })
}

// Failures lists what could not be built, by release, then key.
func (db *DB) Failures(ctx context.Context) ([]tpinfo.Failure, error) {
	out, err := db.failures(ctx, "SELECT key, body FROM failure")
	slices.SortFunc(out, func(a, b tpinfo.Failure) int {
		return cmp.Or(tpinfo.CompareReleases(a.Release, b.Release), cmp.Compare(a.Key, b.Key))
	})
	return out, err
}

// FailureOf returns what is in the ledger for a key; nil when nothing is.
func (db *DB) FailureOf(ctx context.Context, key string) (*tpinfo.Failure, error) {
	out, err := db.failures(ctx, "SELECT key, body FROM failure WHERE key = ?", key)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	return &out[0], nil
}

func (db *DB) failures(ctx context.Context, query string, args ...any) (out []tpinfo.Failure, err error) {
	err = db.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		out, err = table.Failures(ctx, tx, query, args...)
		return err
	})
	return out, err
}
