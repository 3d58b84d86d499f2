package cache

import (
	"context"
	"crypto/sha256"
	"database/sql"

	"github.com/tpinfo/tpinfo"
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
		var k kernelRow
		var problems []byte
		var lists [2][]byte
		if err := rows.Scan(&k.id, &k.arch, &k.byteOrder, &k.wordSize, &k.source, &problems, &lists[0], &lists[1]); err != nil {
			return err
		}
		if k.problems, err = unpack(problems); err != nil {
			return err
		}
		for _, list := range lists {
			if list, err = unpack(list); err != nil {
				return err
			}
			ids, err := decodeIDs(list)
			if err != nil {
				return err
			}
			for _, id := range ids {
				k.layouts = append(k.layouts, layout{hash: there[id]})
			}
		}
		contents[k.id] = k.content()
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
func rehashEvents(ctx context.Context, tx *sql.Tx) (map[int64]hash, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, hash, rest, kind, name, body FROM layout")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	there := map[int64]hash{}
	changed := map[int64]hash{}
	for rows.Next() {
		var id int64
		var h hash
		var kind int
		var name string
		var body sql.RawBytes
		if err := rows.Scan(&id, &h[0], &h[1], &kind, &name, &body); err != nil {
			return nil, err
		}
		there[id] = h
		if kind != kindEvent {
			continue
		}
		// What is damaged stays so, for Verify to see.
		text, err := unpack(body)
		if err != nil {
			continue
		}
		e, err := decodeEvent(name, text)
		if err != nil || wordless(e) != h {
			continue
		}
		if full := eventHash(e); full != h {
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
func wordless(e *tpinfo.Tracepoint) hash {
	id := e.ContentID()
	sum := sha256.Sum256(append(id[:], e.Source...))
	return hashOf(tpinfo.ContentID(sum[:16]))
}
