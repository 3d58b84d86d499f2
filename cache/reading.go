package cache

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/tpinfo/tpinfo/cache/bundle"
)

// openReading opens what can be read: a cache, also one of an older schema or
// on a medium that cannot be written, or an exported file.
func openReading(ctx context.Context, path string, o options) (*DB, error) {
	if exported, err := isBundle(path); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	} else if exported {
		return openBundle(ctx, path, o)
	}
	db, err := openThere(ctx, path, o)
	var older *olderError
	if !errors.As(err, &older) {
		return db, err
	}
	if !o.untouched {
		updated, uerr := open(ctx, path, "rw", o.wait, false)
		if uerr == nil {
			if err := updated.Close(); err != nil {
				return nil, err
			}
			return openThere(ctx, path, o)
		}
		if !errors.Is(uerr, ErrReadOnly) {
			return nil, fmt.Errorf("%w and cannot be brought up to date: %w", older, uerr)
		}
	}
	return openCopy(ctx, path, o, older)
}

// openThere opens a cache where it is.
func openThere(ctx context.Context, path string, o options) (*DB, error) {
	db, err := open(ctx, path, "ro", o.wait, false)
	if !notWritable(err) || ctx.Err() != nil {
		return db, err
	}
	// Without write access to the folder WAL cannot be used, and then nobody
	// else can be writing either. A log that was left there would be passed
	// over, and what it holds with it.
	if st, lerr := os.Stat(path + "-wal"); lerr == nil && st.Size() > 0 {
		return nil, fmt.Errorf("%w: its log %s-wal holds what is not in the file yet; copy both to where you may write (%w)", ErrReadOnly, path, err)
	}
	frozen, ferr := open(ctx, path, "ro", o.wait, true)
	var older *olderError
	switch {
	case ferr == nil:
		return frozen, nil
	case errors.As(ferr, &older):
		older.frozen = true
		return nil, older
	}
	return nil, err
}

// notWritable is what SQLite says when it can make no files beside one that it
// should only read.
func notWritable(err error) bool {
	var se sqlite3.Error
	return errors.As(err, &se) && (se.Code == sqlite3.ErrCantOpen || se.Code == sqlite3.ErrReadonly)
}

// olderError says that a file must be brought up to date before it is read.
type olderError struct {
	path   string
	schema int
	frozen bool // it lies where nothing can be written
}

func (e *olderError) Error() string {
	return fmt.Sprintf("%s has the older schema %d", e.path, e.schema)
}

// openCopy reads an older cache into memory and brings it up to date there.
func openCopy(ctx context.Context, path string, o options, older *olderError) (*DB, error) {
	return inMemory(ctx, path, func(db *DB, name string) error {
		query := url.Values{"mode": {"ro"}}
		if older.frozen {
			query.Set("immutable", "1")
		}
		from, err := connect(path, path, query, o.wait)
		if err != nil {
			return err
		}
		defer from.Close()
		if _, err := from.sql.ExecContext(ctx, "VACUUM INTO ?", name); err != nil {
			return err
		}
		return db.migrate(ctx)
	})
}

// openBundle reads an exported file into memory.
func openBundle(ctx context.Context, path string, o options) (*DB, error) {
	return inMemory(ctx, path, func(db *DB, _ string) error {
		if err := db.migrate(ctx); err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("cache: %w", err)
		}
		defer f.Close()
		if _, err = db.Import(ctx, f, Trust(o.trusted...)); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
}

// isBundle looks at how a file begins.
func isBundle(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	start := make([]byte, len(bundle.Magic))
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return bytes.Equal(start[:n], []byte(bundle.Magic)), nil
}

// inMemory is a cache in memory for reading, after fill, to which it has this
// name.
func inMemory(ctx context.Context, path string, fill func(db *DB, name string) error) (*DB, error) {
	// What begins with a slash, all connections of this program share
	// (https://www.sqlite.org/src/file/src/memdb.c).
	file := "/tpinfo-" + rand.Text()
	db, err := connect(path, file, url.Values{"vfs": {"memdb"}}, time.Minute)
	if err != nil {
		return nil, err
	}
	if db.keep, err = db.sql.Conn(ctx); err == nil {
		err = fill(db, "file:"+file+"?vfs=memdb")
	}
	if err != nil {
		db.Close() //nolint:errcheck // the error that matters is err
		return nil, explain(path, err)
	}
	db.readOnly = true
	return db, nil
}
