package cache

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3" // also the driver "sqlite3"

	"github.com/tpinfo/tpinfo/cache/table"
)

// DB is an open cache. It is safe for concurrent use.
type DB struct {
	path     string
	sql      *sql.DB // for reading
	readOnly bool

	mu       sync.Mutex
	prepared map[string]*sql.Stmt

	writer *sql.DB
	wait   time.Duration // for another program that writes
	turn   chan struct{} // holds one while a goroutine writes
	stock  table.Stock   // of who writes

	keep *sql.Conn // holds what is in memory alone
}

// Option changes how a cache is opened.
type Option func(*options)

type options struct {
	readOnly bool
	wait     time.Duration
	// untouched: what is older is not brought up to date where it is.
	untouched bool
	trusted   []ed25519.PublicKey
}

// ReadOnly opens a file that exists, for reading alone. It works in folders
// that cannot be written too, and with files that Export wrote, which are read
// into memory.
func ReadOnly() Option { return func(o *options) { o.readOnly = true } }

// TrustedBy has ReadOnly accept only those exported files that the owner of one
// of these keys signed; any without keys. Caches are not signed.
func TrustedBy(keys ...ed25519.PublicKey) Option {
	return func(o *options) { o.trusted = append(o.trusted, keys...) }
}

// Wait is how long a writer waits for another one before it gives up with
// ErrLocked; a minute without it.
func Wait(limit time.Duration) Option { return func(o *options) { o.wait = limit } }

// Open opens the cache at path. Without ReadOnly a missing file is created,
// with its folders, and an older schema is brought up to date.
func Open(ctx context.Context, path string, opts ...Option) (*DB, error) {
	o := options{wait: time.Minute}
	for _, opt := range opts {
		opt(&o)
	}
	st, err := os.Stat(path)
	switch {
	case err == nil && st.IsDir():
		return nil, fmt.Errorf("%w: %s is a folder", ErrNotCache, path)
	case errors.Is(err, fs.ErrNotExist) && o.readOnly:
		return nil, nothingYet(path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("cache: %w", err)
	}
	if !o.readOnly {
		if exported, err := isBundle(path); err == nil && exported {
			return nil, fmt.Errorf("%w: %s is an exported file, which can be read but not written; 'tpinfo cache import' adds it to a cache", ErrReadOnly, path)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, fmt.Errorf("folder of the cache: %w; choose a file you may write with --cache", err)
		}
		return open(ctx, path, "rwc", o.wait, false)
	}
	return openReading(ctx, path, o)
}

func nothingYet(path string) error {
	return fmt.Errorf("no cache at %s yet: %w; tpinfo extract makes one", path, fs.ErrNotExist)
}

func open(ctx context.Context, path, mode string, wait time.Duration, frozen bool) (*DB, error) {
	// SQLite takes "" and ":memory:" for a database that is gone when closed.
	file, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	query := url.Values{"mode": {mode}}
	if frozen {
		query.Set("immutable", "1")
	}
	db, err := connect(path, file, query, wait)
	if err != nil {
		return nil, err
	}
	if db.readOnly = mode == "ro"; db.readOnly {
		var version int
		version, err = schemaVersion(ctx, db.sql, path)
		switch {
		case err == nil && version == 0:
			// Its maker was ended before it had a schema.
			err = nothingYet(path)
		case err == nil && version != table.Schema():
			err = &olderError{path: path, schema: version}
		}
	} else {
		err = db.migrate(ctx)
	}
	if err != nil {
		db.Close() //nolint:errcheck // the error that matters is err
		return nil, explain(path, unwritable(path, mode, err))
	}
	return db, nil
}

// connect makes ready the pools of connections to a file, which is named path
// to people. Nothing is opened yet.
func connect(path, file string, query url.Values, wait time.Duration) (db *DB, err error) {
	db = &DB{path: path, prepared: map[string]*sql.Stmt{}, wait: wait, turn: make(chan struct{}, 1)}
	if db.sql, err = handle(file, query, "deferred", wait); err == nil {
		db.writer, err = handle(file, query, "immediate", patience)
	}
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	return db, nil
}

// handle is a pool of connections that wait so long for other programs, and
// whose transactions begin with this lock.
func handle(file string, query url.Values, lock string, wait time.Duration) (*sql.DB, error) {
	query = maps.Clone(query)
	query.Set("_busy_timeout", fmt.Sprint(wait.Milliseconds()))
	query.Set("_txlock", lock)
	query.Set("_foreign_keys", "1")
	query.Set("_synchronous", "NORMAL")
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: query.Encode()}
	return sql.Open("sqlite3", name.String())
}

// unwritable tells a file that cannot be opened from one that can only be
// read: of the log beside it, SQLite says no more than that it is not there.
func unwritable(path, mode string, err error) error {
	var se sqlite3.Error
	if mode == "ro" || !errors.As(err, &se) || se.Code != sqlite3.ErrCantOpen {
		return err
	}
	f, ferr := os.OpenFile(path, os.O_RDWR, 0)
	if ferr == nil {
		f.Close()
		return err
	}
	if errors.Is(ferr, fs.ErrNotExist) {
		const toWrite = 2 // access(2), W_OK
		ferr = &fs.PathError{Op: "write to folder", Path: filepath.Dir(path), Err: syscall.Access(filepath.Dir(path), toWrite)}
	}
	if errors.Is(ferr, fs.ErrPermission) || errors.Is(ferr, syscall.EROFS) {
		return fmt.Errorf("%w: %w; choose a file you may write with --cache", ErrReadOnly, ferr)
	}
	return err
}

// Path is the file.
func (db *DB) Path() string { return db.path }

// Close lets go of the file.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, s := range db.prepared {
		s.Close() //nolint:errcheck // closing the database ends it anyway
	}
	db.prepared = map[string]*sql.Stmt{}
	if db.keep != nil {
		db.keep.Close() //nolint:errcheck // closing the database ends it anyway
	}
	return errors.Join(db.sql.Close(), db.writer.Close())
}

// prepare keeps a statement for the next time.
func (db *DB) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if s, ok := db.prepared[query]; ok {
		return s, nil
	}
	s, err := db.sql.PrepareContext(ctx, query) //nolint:sqlclosecheck // kept for the next time; Close closes it
	if err != nil {
		return nil, err
	}
	db.prepared[query] = s
	return s, nil
}
