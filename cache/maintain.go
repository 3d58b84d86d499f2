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
	s := Stats{Path: db.path, Schema: newestSchema()}
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
		if res.Layouts, err = sweep(ctx, tx); err == nil && req.DryRun {
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

// sweep deletes unused rows: a kernel put meanwhile waits, and then finds out
// for itself which layouts are there.
func sweep(ctx context.Context, tx *sql.Tx) (int, error) {
	used, err := usedLayouts(ctx, tx)
	if err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, "CREATE TEMP TABLE used (id INTEGER PRIMARY KEY)"); err != nil {
		return 0, err
	}
	for id := range used {
		if _, err := tx.ExecContext(ctx, "INSERT INTO used VALUES (?)", id); err != nil {
			return 0, err
		}
	}
	r, err := tx.ExecContext(ctx, `DELETE FROM layout WHERE id NOT IN (SELECT id FROM used)
		AND id NOT IN (SELECT base FROM layout WHERE base IS NOT NULL AND id IN (SELECT id FROM used))`)
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM blob WHERE hash NOT IN (SELECT files FROM alias)
		AND hash NOT IN (SELECT base FROM blob WHERE base IS NOT NULL AND hash IN (SELECT files FROM alias)); UPDATE sweeps SET n = n + 1; DROP TABLE used`)
	return int(n), err
}

// usedLayouts are the rows that some kernel has.
func usedLayouts(ctx context.Context, tx *sql.Tx) (map[int64]bool, error) {
	rows, err := tx.QueryContext(ctx, "SELECT event_ids FROM kernel UNION ALL SELECT type_ids FROM kernel")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	used := map[int64]bool{}
	for rows.Next() {
		var list []byte
		if err := rows.Scan(&list); err != nil {
			return nil, err
		}
		if list, err = layout.Unpack(list); err != nil {
			return nil, err
		}
		ids, err := layout.DecodeList(list)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			used[id] = true
		}
	}
	return used, rows.Err()
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
