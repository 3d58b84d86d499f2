package cache

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/mattn/go-sqlite3"

	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
)

// Stats tells how full a cache is.
type Stats struct {
	Path    string `json:"path"`
	Bytes   int64  `json:"bytes"` // of the file and its log
	Schema  int    `json:"schema"`
	Kernels int    `json:"kernels"`
	// Events and Types count distinct layouts; EventUses and TypeUses what
	// the kernels have, were each kept on its own.
	Events    int `json:"events"`
	Types     int `json:"types"`
	EventUses int `json:"event_uses"`
	TypeUses  int `json:"type_uses"`
	// Failures counts what the ledger holds.
	Failures int `json:"failures"`
	// Content is the digest of what the cache knows.
	Content string `json:"content"`
}

// Stats counts.
func (db *DB) Stats(ctx context.Context) (Stats, error) {
	s := Stats{Path: db.path, Schema: table.Schema()}
	err := db.sql.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM kernel), (SELECT count(*) FROM layout WHERE kind = ?),
		(SELECT count(*) FROM layout WHERE kind = ?), (SELECT coalesce(sum(events), 0) FROM kernel), (SELECT coalesce(sum(types), 0) FROM kernel), (SELECT count(*) FROM failure)`,
		layout.KindEvent, layout.KindType).Scan(&s.Kernels, &s.Events, &s.Types, &s.EventUses, &s.TypeUses, &s.Failures)
	if err != nil {
		return s, explain(db.path, err)
	}
	if s.Content, err = db.Content(ctx); err != nil {
		return s, err
	}
	s.Bytes, err = db.bytes()
	return s, err
}

// bytes are those of the file and its log.
func (db *DB) bytes() (n int64, err error) {
	for _, suffix := range []string{"", "-wal"} {
		st, err := os.Stat(db.path + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return n, fmt.Errorf("cache: %w", err)
		}
		n += st.Size()
	}
	return n, nil
}

// GCRequest says what GC removes, besides what no kernel uses any more.
type GCRequest struct {
	// Kernels are ids of kernels to take out first.
	Kernels []string
	// DryRun leaves all as it is.
	DryRun bool
}

// GCResult says what GC removed, or would remove.
type GCResult struct {
	Kernels int   `json:"kernels"`
	Layouts int   `json:"layouts"`
	Before  int64 `json:"before"` // bytes of the file
	After   int64 `json:"after"`
}

// errDryRun takes back what was done.
var errDryRun = errors.New("dry run")

// GC removes what no kernel uses any more, and gives the space back.
func (db *DB) GC(ctx context.Context, req GCRequest) (res GCResult, err error) {
	defer func() { err = explain(db.path, err) }()
	if res.Before, err = db.bytes(); err != nil {
		return res, err
	}
	res.Kernels, res.After = len(req.Kernels), res.Before
	err = db.write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if err := remove(ctx, tx, req.Kernels); err != nil {
			return err
		}
		if res.Layouts, err = table.Sweep(ctx, tx); err == nil && req.DryRun {
			err = errDryRun
		}
		return err
	})
	if errors.Is(err, errDryRun) {
		return res, nil
	}
	if err != nil {
		return res, err
	}
	err = db.alone(ctx, func() error {
		return db.patiently(ctx, func() error {
			_, err := db.writer.ExecContext(ctx, "VACUUM")
			return err
		})
	})
	if err != nil {
		return res, err
	}
	if err := db.Checkpoint(ctx); err != nil {
		return res, err
	}
	res.After, err = db.bytes()
	return res, err
}

// Checkpoint moves the log into the file, so that the file alone is the cache.
func (db *DB) Checkpoint(ctx context.Context) error {
	return db.alone(ctx, func() error {
		return db.patiently(ctx, func() error {
			// It says in its answer that somebody holds the log.
			var busy, log, moved int
			err := db.writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved)
			if err == nil && busy != 0 {
				err = sqlite3.Error{Code: sqlite3.ErrBusy}
			}
			return err
		})
	})
}
