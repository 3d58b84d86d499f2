package table

import (
	"context"
	"crypto/sha256"
	"database/sql"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// rehash gives events with problems, and all kernels, the hashes of schema 3.
func rehash(ctx context.Context, tx *sql.Tx) error {
	there, err := rehashEvents(ctx, tx)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, "SELECT id, arch, byte_order, word_size, source, problems, event_ids, type_ids FROM kernel")
	if err != nil {
		return err
	}
	defer rows.Close()
	contents := map[string][]byte{}
	for rows.Next() {
		var k layout.Kernel
		var problems []byte
		var lists [2][]byte
		if err := rows.Scan(&k.ID, &k.Arch, &k.ByteOrder, &k.WordSize, &k.Source, &problems, &lists[0], &lists[1]); err != nil {
			return err
		}
		if k.Problems, err = layout.Unpack(problems); err != nil {
			return err
		}
		for _, list := range lists {
			if list, err = layout.Unpack(list); err != nil {
				return err
			}
			ids, err := layout.DecodeList(list)
			if err != nil {
				return err
			}
			for _, id := range ids {
				k.Layouts = append(k.Layouts, layout.Layout{Hash: there[id]})
			}
		}
		contents[k.ID] = k.Content()
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for id, content := range contents {
		if _, err := tx.ExecContext(ctx, "UPDATE kernel SET content = ? WHERE id = ?", content, id); err != nil {
			return err
		}
	}
	return nil
}

// rehashEvents returns the hashes that all layouts then have, by row.
func rehashEvents(ctx context.Context, tx *sql.Tx) (map[int64]layout.Hash, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, hash, rest, kind, name, body FROM layout")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	there := map[int64]layout.Hash{}
	changed := map[int64]layout.Hash{}
	for rows.Next() {
		var id int64
		var h layout.Hash
		var kind int
		var name string
		var body sql.RawBytes
		if err := rows.Scan(&id, &h[0], &h[1], &kind, &name, &body); err != nil {
			return nil, err
		}
		there[id] = h
		if kind != layout.KindEvent {
			continue
		}
		// What is damaged stays so, for Verify to see.
		text, err := layout.Unpack(body)
		if err != nil {
			continue
		}
		e, err := layout.DecodeEvent(name, text)
		if err != nil || wordless(e) != h {
			continue
		}
		if full := layout.EventHash(e); full != h {
			there[id], changed[id] = full, full
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for id, h := range changed {
		if _, err := tx.ExecContext(ctx, "UPDATE layout SET hash = ?, rest = ? WHERE id = ?", h[0], h[1], id); err != nil {
			return nil, err
		}
	}
	return there, nil
}

// wordless is what an event's hash was before schema 3.
func wordless(e *tpinfo.Tracepoint) layout.Hash {
	id := e.ContentID()
	sum := sha256.Sum256(append(id[:], e.Source...))
	return layout.HashOf(tpinfo.ContentID(sum[:16]))
}
