package table

import (
	"cmp"
	"context"
	"database/sql"
	"hash/fnv"
	"io"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/cache/layout"
)

// NameKey is what names are indexed by: a quarter of the space that the names
// themselves would take. Two names may share one.
func NameKey(name string) int64 {
	h := fnv.New32a()
	io.WriteString(h, name)
	return int64(int32(h.Sum32()))
}

// Stock is which layouts there are. Who writes keeps it from one transaction to
// the next: to read it costs more, in a large cache, than to add a kernel. After
// a transaction that failed it is of no use any more.
type Stock struct {
	ids    map[layout.Hash]int64
	last   int64 // row id used last
	sweeps int64 // how often layouts had been removed
}

// Has says whether a layout is there.
func (s *Stock) Has(h layout.Hash) bool { return s.ids[h] != 0 }

// Refresh makes it the stock that this transaction sees.
func (s *Stock) Refresh(ctx context.Context, tx *sql.Tx) error {
	var last, sweeps int64
	err := tx.QueryRowContext(ctx, "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'layout'), 0), n FROM sweeps").Scan(&last, &sweeps)
	if err != nil {
		return err
	}
	if s.ids == nil || s.sweeps != sweeps {
		*s = Stock{ids: map[layout.Hash]int64{}, sweeps: sweeps}
	}
	rows, err := tx.QueryContext(ctx, "SELECT id, hash, rest FROM layout WHERE id > ? AND id <= ?", s.last, last)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var h layout.Hash
		if err := rows.Scan(&id, &h[0], &h[1]); err != nil {
			return err
		}
		s.ids[h] = id
	}
	s.last = last
	return rows.Err()
}

// Store gives each layout its row id, adding those that are new: packed, or as
// they are, since what is read once and thrown away need not be small.
func (s *Stock) Store(ctx context.Context, tx *sql.Tx, layouts []layout.Layout, asTheyAre bool) (added int, err error) {
	if err := s.Refresh(ctx, tx); err != nil {
		return 0, err
	}
	var missing []*layout.Layout
	for i := range layouts {
		l := &layouts[i]
		if l.ID = s.ids[l.Hash]; l.ID == 0 {
			s.ids[l.Hash] = -1 // to come: it is listed once
			missing = append(missing, l)
		}
	}
	// One order on every machine.
	slices.SortFunc(missing, func(a, b *layout.Layout) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Hash.Compare(b.Hash))
	})
	bodies, err := pack(ctx, tx, missing, asTheyAre)
	if err != nil {
		return 0, err
	}
	for _, l := range missing {
		s.last++
		l.ID = s.last
		s.ids[l.Hash] = l.ID
	}
	if err := insert(ctx, tx, missing, bodies); err != nil {
		return 0, err
	}
	for i := range layouts {
		layouts[i].ID = s.ids[layouts[i].Hash]
	}
	return len(missing), nil
}

// rowsAtOnce is how many rows one statement inserts.
const rowsAtOnce = 64

// insert adds rows, many in one statement: it is the statements that cost.
func insert(ctx context.Context, tx *sql.Tx, list []*layout.Layout, bodies []body) error {
	const columns = "INSERT INTO layout (id, hash, rest, kind, key, name, body, base) VALUES "
	const row = "(?, ?, ?, ?, ?, ?, ?, ?)"
	many, err := tx.PrepareContext(ctx, columns+row+strings.Repeat(", "+row, rowsAtOnce-1))
	if err != nil {
		return err
	}
	defer many.Close()
	for at := 0; at < len(list); at += rowsAtOnce {
		n := min(rowsAtOnce, len(list)-at)
		args := make([]any, 0, 8*n)
		for i, l := range list[at : at+n] {
			args = append(args, l.ID, l.Hash[0], l.Hash[1], l.Kind, NameKey(l.Name), l.Name, bodies[at+i].stored, bodies[at+i].base)
		}
		if n == rowsAtOnce {
			_, err = many.ExecContext(ctx, args...)
		} else {
			_, err = tx.ExecContext(ctx, columns+row+strings.Repeat(", "+row, n-1), args...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
