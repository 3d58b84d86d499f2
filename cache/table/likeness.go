package table

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tpinfo/tpinfo/cache/layout"
)

// A kernel changes a few members of a struct that was there before: its layout
// is packed on the earlier one of that name where that makes it much smaller,
// and so is its list of headers on another. Neighbours take a quarter of the
// space so, and a fleet two thirds. Nothing is packed on what does not stand
// alone, so that two rows give a text.

// Layouts are, for reading, the rows l with, as w, those that they are packed on.
const Layouts = "layout l LEFT JOIN layout w ON w.id = l.base AND w.base IS NULL"

// body is what a row stores.
type body struct {
	stored []byte
	base   any // key of the row that it is packed on; nil for none
}

// onAnother packs a text, which is alone on its own, on that of others, which
// stand alone, that makes it smallest; as it is, unless it gets so many times
// smaller.
func onAnother(text, alone []byte, others []body, times int) (body, error) {
	best, limit := body{stored: alone}, len(alone)/times
	for _, o := range others {
		other, err := layout.Unpack(o.stored)
		if err != nil {
			continue // verify tells of it
		}
		small, err := layout.PackOn(text, other)
		if err != nil {
			return body{}, err
		}
		if len(small) < limit {
			best, limit = body{small, o.base}, len(small)
		}
	}
	return best, nil
}

const (
	// candidates is how many earlier layouts of a name are tried, the latest
	// first: those of the two architectures, before and after a change.
	candidates = 4
	// smallBody is what packing on another cannot make much smaller, in bytes.
	smallBody = 48
	// muchSmaller is how many times a layout must get smaller.
	muchSmaller = 2
)

// pack gives what is to be stored of new layouts.
func pack(ctx context.Context, tx *sql.Tx, missing []*layout.Layout, asTheyAre bool) ([]body, error) {
	bodies := make([]body, len(missing))
	err := layout.Each(len(missing), func(i int) (err error) {
		if bodies[i].stored, err = missing[i].Pack(asTheyAre); err != nil {
			return fmt.Errorf("%s: %w", missing[i].Name, err)
		}
		return nil
	})
	if err != nil || asTheyAre {
		return bodies, err
	}
	alike, err := earlier(ctx, tx, missing, bodies)
	if err != nil {
		return nil, err
	}
	return bodies, layout.Each(len(missing), func(i int) error {
		if len(alike[i]) == 0 {
			return nil
		}
		text, err := missing[i].Body()
		if err != nil {
			return fmt.Errorf("%s: %w", missing[i].Name, err)
		}
		if bodies[i], err = onAnother(text, bodies[i].stored, alike[i], muchSmaller); err != nil {
			return fmt.Errorf("%s: %w", missing[i].Name, err)
		}
		return nil
	})
}

// earlier finds, for each layout, those of its kind and name that stand alone:
// their bodies, and their rows as base.
func earlier(ctx context.Context, tx *sql.Tx, missing []*layout.Layout, bodies []body) ([][]body, error) {
	find, err := tx.PrepareContext(ctx, "SELECT id, body FROM layout WHERE key = ? AND name = ? AND kind = ? AND base IS NULL ORDER BY id DESC LIMIT ?")
	if err != nil {
		return nil, err
	}
	defer find.Close()
	out := make([][]body, len(missing))
	one := func(i int) error {
		l := missing[i]
		rows, err := find.QueryContext(ctx, NameKey(l.Name), l.Name, l.Kind, candidates)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			var e body
			if err := rows.Scan(&id, &e.stored); err != nil {
				return err
			}
			e.base = id
			out[i] = append(out[i], e)
		}
		return rows.Err()
	}
	for i := range missing {
		if len(bodies[i].stored) < smallBody {
			continue
		}
		if err := one(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}
