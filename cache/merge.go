package cache

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/merge"
)

// Merge adds all that another cache holds, or nothing. The other one is only
// read, also when its schema is older. An exported file is imported.
func (db *DB) Merge(ctx context.Context, path string, opts ...ImportOption) (res merge.Result, err error) {
	if err := db.writable(); err != nil {
		return res, err
	}
	if same, err := sameFile(db.path, path); err != nil || same {
		if same {
			err = fmt.Errorf("%s is the cache itself", path)
		}
		return res, err
	}
	if exported, err := isBundle(path); err != nil {
		return res, fmt.Errorf("cache: %w", err)
	} else if exported {
		f, err := os.Open(path)
		if err != nil {
			return res, fmt.Errorf("cache: %w", err)
		}
		defer f.Close()
		if res, err = db.Import(ctx, f, opts...); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return res, err
	}
	var o importOptions
	for _, opt := range opts {
		opt(&o)
	}
	if len(o.trusted) > 0 {
		return res, fmt.Errorf("%w: %s is a cache, which nobody can sign; 'tpinfo cache export' with a key makes a file of it that is signed", bundle.ErrSignature, path)
	}
	other, err := Open(ctx, path, ReadOnly(), Wait(db.wait), func(o *options) { o.untouched = true })
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	err = db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		into, err := db.target(ctx, tx, &res)
		if err != nil {
			return err
		}
		return other.send(ctx, nil, true, into)
	})
	if err != nil {
		res = merge.Result{}
	}
	return res, err
}

// sameFile tells whether two names are of one file that is there.
func sameFile(a, b string) (bool, error) {
	y, err := os.Stat(b)
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("no cache at %s: %w", b, fs.ErrNotExist)
	}
	if err != nil {
		return false, fmt.Errorf("cache: %w", err)
	}
	if y.IsDir() {
		return false, fmt.Errorf("%w: %s is a folder", ErrNotCache, b)
	}
	x, err := os.Stat(a)
	return err == nil && os.SameFile(x, y), nil
}

// target is where a merge into this cache goes.
func (db *DB) target(ctx context.Context, tx *sql.Tx, res *merge.Result) (*merge.Target, error) {
	return merge.NewTarget(ctx, tx, &db.stock, db.keep != nil, res)
}

// send hands kernels to a sink, all without ids; failures too if asked for.
func (db *DB) send(ctx context.Context, ids []string, failures bool, to merge.Sink) error {
	return db.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, id := range ids {
			var there int
			if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM kernel WHERE id = ?", id).Scan(&there); err != nil {
				return err
			}
			if there == 0 {
				return &NotFoundError{What: "kernel", Name: id, In: "the cache"}
			}
		}
		return merge.Send(ctx, tx, ids, failures, to)
	})
}
