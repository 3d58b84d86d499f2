package cache

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/mattn/go-sqlite3"

	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
)

// Fault is something that is wrong inside a cache.
type Fault struct {
	Where string `json:"where"` // "file", "layout 12 (sched_switch)", "kernel …"
	What  string `json:"what"`
}

// Verify reads everything: SQLite's own check, every layout against its
// hash, every kernel against its digest, the lists of headers against theirs,
// and that what names a kernel or a list finds it.
func (db *DB) Verify(ctx context.Context) (faults []Fault, err error) {
	defer func() { err = explain(db.path, err) }()
	for _, check := range []func(context.Context) ([]Fault, error){db.verifyFile, db.verifyContent, db.verifyBlobs, db.verifyReferences, db.verifyFailures} {
		found, err := check(ctx)
		faults = append(faults, found...)
		var damaged sqlite3.Error
		if errors.As(err, &damaged) && damaged.Code == sqlite3.ErrCorrupt {
			return append(faults, Fault{"file", fmt.Sprintf("more cannot be read: %v", damaged)}), nil
		}
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
	hash       layout.Hash
	kind       int
	incomplete bool
}

func (db *DB) verifyLayouts(ctx context.Context) (map[int64]stocked, []Fault, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT l.id, l.hash, l.rest, l.kind, l.key, l.name, l.body, w.body FROM "+table.Layouts)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	there := map[int64]stocked{}
	var faults []Fault
	for rows.Next() {
		var id, key int64
		var l stocked
		var body layout.Packed
		var name string
		if err := rows.Scan(&id, &l.hash[0], &l.hash[1], &l.kind, &key, &name, &body.Body, &body.Whole); err != nil {
			return nil, faults, err
		}
		got, err := layout.OfStored(l.kind, name, body)
		if err == nil && got.Hash != l.hash {
			err = fmt.Errorf("its content does not have the id %016x%016x that it is stored under", uint64(l.hash[0]), uint64(l.hash[1]))
		}
		l.incomplete = got.Incomplete
		there[id] = l
		if err == nil && key != table.NameKey(name) {
			err = errors.New("its name is not the one it is found by")
		}
		if err != nil {
			faults = append(faults, Fault{fmt.Sprintf("layout %d (%s)", id, name), err.Error()})
		}
	}
	return there, faults, rows.Err()
}

// verify checks that the kernel's layouts are there, and that it is what was
// stored.
func (k *Kernel) verify(ctx context.Context, there map[int64]stocked) error {
	var content []byte
	counts := [layout.KindType + 1]int{}
	incomplete := 0
	err := k.db.sql.QueryRowContext(ctx, "SELECT content, events, incomplete, types FROM kernel WHERE id = ?", k.info.ID).
		Scan(&content, &counts[layout.KindEvent], &incomplete, &counts[layout.KindType])
	if err != nil {
		return err
	}
	row, err := layout.OfKernel(&k.info.Kernel)
	if err != nil {
		return err
	}
	for _, kind := range []int{layout.KindEvent, layout.KindType} {
		ids, err := k.ids(ctx, kind)
		if err != nil {
			return err
		}
		missing := 0
		for _, id := range ids {
			l, ok := there[id]
			if !ok || l.kind != kind {
				missing++
				continue
			}
			row.Layouts = append(row.Layouts, layout.Layout{Hash: l.hash})
			if l.incomplete {
				incomplete--
			}
		}
		if missing > 0 || len(ids) != counts[kind] {
			return fmt.Errorf("%d of its %d layouts are missing", missing+max(counts[kind]-len(ids), 0), counts[kind])
		}
	}
	if incomplete != 0 {
		return errors.New("it has not as many incomplete events as it says")
	}
	if !bytes.Equal(row.Content(), content) {
		return errors.New("it is not what was stored: its layouts, its problems or what it is")
	}
	return nil
}

// verifyBlobs checks the lists of headers that extractions read.
func (db *DB) verifyBlobs(ctx context.Context) ([]Fault, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT hash, body, whole FROM "+table.Files)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var faults []Fault
	for rows.Next() {
		var want, body, whole sql.RawBytes
		if err := rows.Scan(&want, &body, &whole); err != nil {
			return faults, err
		}
		if _, err := table.ReadFiles(want, layout.Packed{Body: body, Whole: whole}); err != nil {
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

// references are what must be found, by the table it is named in: each query
// gives where, and what is wrong.
var references = []string{
	`SELECT 'alias ' || release, 'kernel ' || kernel || ' is not there' FROM alias WHERE kernel NOT IN (SELECT id FROM kernel)`,
	`SELECT 'alias ' || release, 'its list of headers is not there' FROM alias WHERE files NOT IN (SELECT hash FROM blob)`,
	`SELECT 'list of headers ' || hex(hash), 'the list that it is packed with is not there' FROM blob WHERE base IS NOT NULL AND base NOT IN (SELECT hash FROM blob WHERE base IS NULL)`,
	`SELECT 'kernel ' || id, 'it has no name' FROM kernel WHERE id NOT IN (SELECT kernel FROM alias)`,
	`SELECT 'origin ' || key, 'kernel ' || kernel || ' is not there' FROM origin WHERE kernel NOT IN (SELECT id FROM kernel)`,
	`SELECT 'failure ' || key, 'what has this key was built all the same' FROM failure WHERE key IN (SELECT key FROM origin)`,
}

func (db *DB) verifyReferences(ctx context.Context) ([]Fault, error) {
	rows, err := db.sql.QueryContext(ctx, strings.Join(references, " UNION ALL "))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var faults []Fault
	for rows.Next() {
		var f Fault
		if err := rows.Scan(&f.Where, &f.What); err != nil {
			return faults, err
		}
		faults = append(faults, f)
	}
	return faults, rows.Err()
}

func (db *DB) verifyFailures(ctx context.Context) (faults []Fault, err error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT key, body FROM failure")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var body []byte
		if err := rows.Scan(&key, &body); err != nil {
			return faults, err
		}
		if _, err := table.DecodeFailure(key, body); err != nil {
			faults = append(faults, Fault{"failure " + key, err.Error()})
		}
	}
	return faults, rows.Err()
}
