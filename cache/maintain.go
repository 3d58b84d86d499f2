package cache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
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
}

// Stats counts.
func (db *DB) Stats(ctx context.Context) (Stats, error) {
	s := Stats{Path: db.path, Schema: newestSchema()}
	err := db.sql.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM kernel), (SELECT count(*) FROM layout WHERE kind = ?),
		(SELECT count(*) FROM layout WHERE kind = ?), (SELECT coalesce(sum(events), 0) FROM kernel), (SELECT coalesce(sum(types), 0) FROM kernel)`,
		kindEvent, kindType).Scan(&s.Kernels, &s.Events, &s.Types, &s.EventUses, &s.TypeUses)
	if err != nil {
		return s, explain(db.path, err)
	}
	for _, suffix := range []string{"", "-wal"} {
		if st, err := os.Stat(db.path + suffix); err == nil {
			s.Bytes += st.Size()
		}
	}
	return s, nil
}

// Fault is something that is wrong inside a cache.
type Fault struct {
	Where string `json:"where"` // "file", "layout 12 (sched_switch)", "kernel …"
	What  string `json:"what"`
}

// Verify reads everything: SQLite's own check, every layout against its
// content id, every kernel against the digest of its layouts, and the lists of
// headers against theirs.
func (db *DB) Verify(ctx context.Context) (faults []Fault, err error) {
	defer func() { err = explain(db.path, err) }()
	for _, check := range []func(context.Context) ([]Fault, error){db.verifyFile, db.verifyContent, db.verifyBlobs} {
		found, err := check(ctx)
		faults = append(faults, found...)
		if err != nil {
			return faults, err
		}
	}
	return faults, nil
}

// verifyContent checks layouts, and then the kernels that are made of them.
func (db *DB) verifyContent(ctx context.Context) ([]Fault, error) {
	there, faults, err := db.verifyLayouts(ctx)
	if err != nil {
		return faults, err
	}
	infos, err := db.Kernels(ctx)
	if err != nil {
		return faults, err
	}
	for _, i := range infos {
		k := &Kernel{db: db, info: i}
		if err := k.verify(ctx, there); err != nil {
			faults = append(faults, Fault{fmt.Sprintf("kernel %s (%.12s)", i.Release, i.ID), err.Error()})
		}
	}
	return faults, nil
}

// stocked is a layout that is there.
type stocked struct {
	hash hash
	kind int
}

func (db *DB) verifyLayouts(ctx context.Context) (map[int64]stocked, []Fault, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT id, hash, rest, kind, key, name, body FROM layout")
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	there := map[int64]stocked{}
	var faults []Fault
	for rows.Next() {
		var id, key int64
		var l stocked
		var body []byte
		var name string
		if err := rows.Scan(&id, &l.hash[0], &l.hash[1], &l.kind, &key, &name, &body); err != nil {
			return nil, faults, err
		}
		there[id] = l
		err := verifyLayout(l.hash, l.kind, name, body)
		if err == nil && key != nameKey(name) {
			err = errors.New("its name is not the one it is found by")
		}
		if err != nil {
			faults = append(faults, Fault{fmt.Sprintf("layout %d (%s)", id, name), err.Error()})
		}
	}
	return there, faults, rows.Err()
}

// verify checks that the kernel's layouts are there, and are those it was
// stored with.
func (k *Kernel) verify(ctx context.Context, there map[int64]stocked) error {
	var content []byte
	counts := [kindType + 1]int{}
	err := k.db.sql.QueryRowContext(ctx, "SELECT content, events, types FROM kernel WHERE id = ?", k.info.ID).
		Scan(&content, &counts[kindEvent], &counts[kindType])
	if err != nil {
		return err
	}
	var layouts []layout
	for _, kind := range []int{kindEvent, kindType} {
		ids, err := k.ids(ctx, kind)
		if err != nil {
			return err
		}
		missing := 0
		for _, id := range ids {
			if l, ok := there[id]; ok && l.kind == kind {
				layouts = append(layouts, layout{hash: l.hash})
			} else {
				missing++
			}
		}
		if missing > 0 || len(ids) != counts[kind] {
			return fmt.Errorf("%d of its %d layouts are missing", missing+max(counts[kind]-len(ids), 0), counts[kind])
		}
	}
	if !bytes.Equal(contentOf(layouts), content) {
		return errors.New("its layouts are not those it was stored with")
	}
	return nil
}

// verifyBlobs checks the lists of headers that extractions read.
func (db *DB) verifyBlobs(ctx context.Context) ([]Fault, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT hash, body FROM blob")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var faults []Fault
	for rows.Next() {
		var want, body []byte
		if err := rows.Scan(&want, &body); err != nil {
			return faults, err
		}
		text, err := unpack(body)
		if sum := sha256.Sum256(text); err != nil || !bytes.Equal(sum[:len(want)], want) {
			faults = append(faults, Fault{fmt.Sprintf("list of headers %x", want), "its content is not what it was"})
		}
	}
	return faults, rows.Err()
}

func (db *DB) verifyFile(ctx context.Context) (faults []Fault, err error) {
	rows, err := db.sql.QueryContext(ctx, "PRAGMA integrity_check")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var said string
		if err := rows.Scan(&said); err != nil {
			return nil, err
		}
		if said != "ok" {
			faults = append(faults, Fault{"file", said})
		}
	}
	return faults, rows.Err()
}

func verifyLayout(want hash, kind int, name string, stored []byte) error {
	body, err := unpack(stored)
	if err != nil {
		return err
	}
	var got hash
	if kind == kindEvent {
		t, err := decodeEvent(name, body)
		if err != nil {
			return err
		}
		got = eventHash(t)
	} else {
		t, err := decodeType(name, body)
		if err != nil {
			return err
		}
		got = hashOf(t.ContentID())
	}
	if got != want {
		return fmt.Errorf("its content does not have the id %016x%016x that it is stored under", uint64(want[0]), uint64(want[1]))
	}
	return nil
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
	if res.Layouts, err = db.sweep(ctx); err != nil {
		return res, err
	}
	if _, err := db.sql.ExecContext(ctx, "VACUUM"); err != nil {
		return res, err
	}
	if err := db.Checkpoint(ctx); err != nil {
		return res, err
	}
	after, err := db.Stats(ctx)
	res.After = after.Bytes
	return res, err
}

// sweep deletes unused rows, in one transaction: a kernel put meanwhile waits,
// and then finds out for itself which layouts are there.
func (db *DB) sweep(ctx context.Context) (int, error) {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "CREATE TEMP TABLE used (id INTEGER PRIMARY KEY)"); err != nil {
		return 0, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT event_ids FROM kernel UNION ALL SELECT type_ids FROM kernel")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	used := map[int64]bool{}
	for rows.Next() {
		var list []byte
		if err := rows.Scan(&list); err != nil {
			return 0, err
		}
		if list, err = unpack(list); err != nil {
			return 0, err
		}
		ids, err := decodeIDs(list)
		if err != nil {
			return 0, err
		}
		for _, id := range ids {
			used[id] = true
		}
	}
	if err := rows.Err(); err != nil {
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
	if _, err := tx.ExecContext(ctx, "DELETE FROM blob WHERE hash NOT IN (SELECT files FROM alias); DROP TABLE used"); err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0, err
	}
	return int(n), tx.Commit()
}

// Checkpoint moves the log into the file, so that the file alone is the cache.
func (db *DB) Checkpoint(ctx context.Context) error {
	_, err := db.sql.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return explain(db.path, err)
}
