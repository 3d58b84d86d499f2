package cache

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/tpinfo/tpinfo/cache/table"
)

// writable refuses to write where reading was asked for.
func (db *DB) writable() error {
	if db.readOnly {
		return fmt.Errorf("%w: %s was opened for reading", ErrReadOnly, db.path)
	}
	return nil
}

// read calls f with the cache as it is at one moment.
func (db *DB) read(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return explain(db.path, err)
	}
	defer tx.Rollback()
	return explain(db.path, f(ctx, tx))
}

// write calls f in a transaction, of which there is one at a time: all that f
// does is kept, or nothing.
func (db *DB) write(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	return db.alone(ctx, func() error {
		var tx *sql.Tx
		err := db.patiently(ctx, func() (err error) {
			tx, err = db.writer.BeginTx(ctx, nil)
			return err
		})
		if err != nil {
			return err
		}
		if err = f(ctx, tx); err == nil {
			err = tx.Commit()
		}
		if err != nil {
			db.stock = table.Stock{} // what it numbered is not there
			tx.Rollback()            //nolint:errcheck // the error that matters is err
		}
		// The end of ctx rolls back, and then each statement says that
		// something else went wrong.
		if err != nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		return err
	})
}

// alone calls f when no other goroutine of this program writes.
func (db *DB) alone(ctx context.Context, f func() error) error {
	if err := db.writable(); err != nil {
		return err
	}
	select {
	case db.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-db.turn }()
	return explain(db.path, f())
}

// patience is how long SQLite itself waits for another program, which nothing
// can interrupt; between its tries it is looked whether somebody still waits.
const patience = 50 * time.Millisecond

// patiently tries something for as long as another program holds the file, up
// to the limit that Wait set.
func (db *DB) patiently(ctx context.Context, try func() error) error {
	limit := time.Now().Add(db.wait)
	for {
		err := try()
		var se sqlite3.Error
		if !errors.As(err, &se) || se.Code != sqlite3.ErrBusy || time.Now().After(limit) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
