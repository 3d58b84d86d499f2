package cache

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// Fail enters into the ledger that a kernel could not be built, in place of
// what stood there for its key. What was built before is there all the same,
// and not entered.
func (db *DB) Fail(ctx context.Context, f tpinfo.Failure) error {
	if f.Key == "" {
		return errors.New("a failure needs a key to be stored")
	}
	return db.write(ctx, func(ctx context.Context, tx *sql.Tx) error { return storeFailure(ctx, tx, f) })
}

func storeFailure(ctx context.Context, tx *sql.Tx, f tpinfo.Failure) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	body, err := layout.Pack(text)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO failure (key, body) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM origin WHERE key = ?1)", f.Key, body)
	return err
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
		out, err = failuresOf(ctx, tx, query, args...)
		return err
	})
	return out, err
}

func failuresOf(ctx context.Context, tx *sql.Tx, query string, args ...any) (out []tpinfo.Failure, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var body sql.RawBytes
		if err := rows.Scan(&key, &body); err != nil {
			return nil, err
		}
		f, err := decodeFailure(key, body)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

func decodeFailure(key string, body []byte) (f tpinfo.Failure, err error) {
	text, err := layout.Unpack(body)
	if err == nil && (json.Unmarshal(text, &f) != nil || f.Key != key) {
		err = layout.ErrDamaged
	}
	if err != nil {
		return f, fmt.Errorf("failure %.12s: %w", key, err)
	}
	return f, nil
}
