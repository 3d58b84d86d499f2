package cache

import (
	"context"
	"database/sql"
	"os"

	"github.com/mattn/go-sqlite3"
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
		kindEvent, kindType).Scan(&s.Kernels, &s.Events, &s.Types, &s.EventUses, &s.TypeUses, &s.Failures)
	if err != nil {
		return s, explain(db.path, err)
	}
	if s.Content, err = db.Content(ctx); err != nil {
		return s, err
	}
	for _, suffix := range []string{"", "-wal"} {
		if st, err := os.Stat(db.path + suffix); err == nil {
			s.Bytes += st.Size()
		}
	}
	return s, nil
}

// GCResult says what GC removed.
type GCResult struct {
	Layouts       int   `json:"layouts"`
	Before, After int64 // bytes of the file
}

// GC removes what no kernel uses any more, and gives the space back.
func (db *DB) GC(ctx context.Context) (res GCResult, err error) {
	defer func() { err = explain(db.path, err) }()
	before, err := db.Stats(ctx)
	if err != nil {
		return res, err
	}
	res.Before = before.Bytes
	err = db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res.Layouts, err = sweep(ctx, tx)
		return err
	})
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
	after, err := db.Stats(ctx)
	res.After = after.Bytes
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
	r, err := tx.ExecContext(ctx, "DELETE FROM layout WHERE id NOT IN (SELECT id FROM used)")
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM blob WHERE hash NOT IN (SELECT files FROM alias); UPDATE sweeps SET n = n + 1; DROP TABLE used")
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
		if list, err = unpack(list); err != nil {
			return nil, err
		}
		ids, err := decodeIDs(list)
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
