package cache

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo"
)

// Kinds of layouts.
const (
	kindEvent = 1
	kindType  = 2
)

// layout is one event or type on its way in.
type layout struct {
	id   int64 // of its row; 0 when it is not there yet
	hash hash
	kind int
	name string
	// text gives the body, for a layout that is not there yet.
	text func() ([]byte, error)
	// stored is the body as it is stored, where that is known already.
	stored []byte
	// incomplete: an event with something unknown.
	incomplete bool
}

// hash is what a layout is addressed by: two halves, since SQLite indexes an
// integer in half the space.
type hash [2]int64

func hashOf(id tpinfo.ContentID) hash {
	return hash{int64(binary.BigEndian.Uint64(id[:8])), int64(binary.BigEndian.Uint64(id[8:]))}
}

func (h hash) compare(other hash) int { return slices.Compare(h[:], other[:]) }

// eventHash digests all that is stored of an event: its content, and what a
// content id leaves out, its source and the words of its problems.
func eventHash(e *tpinfo.Tracepoint) hash {
	id := e.ContentID()
	all := id[:]
	all = append(all, e.Source...)
	for _, p := range e.Problems {
		all = append(all, 0)
		all = append(all, p.Message...)
	}
	sum := sha256.Sum256(all)
	return hashOf(tpinfo.ContentID(sum[:16]))
}

// nameKey is what names are indexed by: a quarter of the space that the names
// themselves would take. Two names may share one.
func nameKey(name string) int64 {
	h := fnv.New32a()
	io.WriteString(h, name)
	return int64(int32(h.Sum32()))
}

// identify digests all layouts, on all cores.
func identify(snap *tpinfo.Snapshot) []layout {
	events := len(snap.Events)
	out := make([]layout, events+len(snap.Types))
	_ = eachOnAllCores(len(out), func(i int) error {
		if i < events {
			out[i] = layoutOfEvent(&snap.Events[i])
		} else {
			out[i] = layoutOfType(&snap.Types[i-events])
		}
		return nil
	})
	return out
}

func layoutOfEvent(e *tpinfo.Tracepoint) layout {
	return layout{
		hash: eventHash(e), kind: kindEvent, name: e.Name, incomplete: !e.Complete(),
		text: func() ([]byte, error) { return encodeEvent(e), nil },
	}
}

func layoutOfType(t *tpinfo.Type) layout {
	return layout{
		hash: hashOf(t.ContentID()), kind: kindType, name: t.Name,
		text: func() ([]byte, error) {
			e := &encoder{}
			if e.typ(t); e.deepest > maxAnon {
				return nil, fmt.Errorf("its unnamed structs nest %d deep, more than %d", e.deepest, maxAnon)
			}
			return e.buf, nil
		},
	}
}

// pack gives what is to be stored; as it is, where that need not be small.
func (l *layout) pack(asItIs bool) ([]byte, error) {
	if l.stored != nil {
		return l.stored, nil
	}
	body, err := l.text()
	switch {
	case err != nil:
		return nil, err
	case asItIs && len(body) <= maxBody:
		return append([]byte{plain}, body...), nil
	}
	return pack(body)
}

// readLayout is the layout of a stored body, whatever hash it is stored under.
func readLayout(kind int, name string, stored []byte) (layout, error) {
	body, err := unpack(stored)
	if err != nil {
		return layout{}, err
	}
	l, err := layoutOf(kind, name, body)
	l.stored = stored
	return l, err
}

// layoutOf is the layout of a body.
func layoutOf(kind int, name string, body []byte) (layout, error) {
	switch kind {
	case kindEvent:
		e, err := decodeEvent(name, body)
		if err != nil {
			return layout{}, err
		}
		return layoutOfEvent(e), nil
	case kindType:
		t, err := decodeType(name, body)
		if err != nil {
			return layout{}, err
		}
		return layoutOfType(t), nil
	}
	return layout{}, fmt.Errorf("%w: it is neither an event nor a type", errBody)
}

// eachOnAllCores calls do for 0 to n-1.
func eachOnAllCores(n int, do func(i int) error) error {
	var g errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		g.Go(func() error {
			for i := w; i < n; i += workers {
				if err := do(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// stock is which layouts there are. Who writes keeps it from one time to the
// next: to read it costs more, in a large cache, than to add a kernel.
type stock struct {
	ids    map[hash]int64
	last   int64 // row id used last
	sweeps int64 // how often layouts had been removed
}

// stocked returns the stock as this transaction sees it.
func (db *DB) stocked(ctx context.Context, tx *sql.Tx) (*stock, error) {
	var last, sweeps int64
	err := tx.QueryRowContext(ctx, "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'layout'), 0), n FROM sweeps").Scan(&last, &sweeps)
	if err != nil {
		return nil, err
	}
	if db.stock == nil || db.stock.sweeps != sweeps {
		db.stock = &stock{ids: map[hash]int64{}, sweeps: sweeps}
	}
	s := db.stock
	rows, err := tx.QueryContext(ctx, "SELECT id, hash, rest FROM layout WHERE id > ? AND id <= ?", s.last, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var h hash
		if err := rows.Scan(&id, &h[0], &h[1]); err != nil {
			return nil, err
		}
		s.ids[h] = id
	}
	s.last = last
	return s, rows.Err()
}

// storeLayouts gives each layout its row id, adding those that are new.
func (db *DB) storeLayouts(ctx context.Context, tx *sql.Tx, layouts []layout) (added int, err error) {
	s, err := db.stocked(ctx, tx)
	if err != nil {
		return 0, err
	}
	var missing []*layout
	for i := range layouts {
		l := &layouts[i]
		if l.id = s.ids[l.hash]; l.id == 0 {
			s.ids[l.hash] = -1 // to come: it is listed once
			missing = append(missing, l)
		}
	}
	// One order on every machine.
	slices.SortFunc(missing, func(a, b *layout) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), a.hash.compare(b.hash))
	})
	bodies := make([][]byte, len(missing))
	err = eachOnAllCores(len(missing), func(i int) (err error) {
		if bodies[i], err = missing[i].pack(db.keep != nil); err != nil {
			return fmt.Errorf("%s: %w", missing[i].name, err)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, l := range missing {
		s.last++
		l.id = s.last
		s.ids[l.hash] = l.id
	}
	if err := insert(ctx, tx, missing, bodies); err != nil {
		return 0, err
	}
	for i := range layouts {
		layouts[i].id = s.ids[layouts[i].hash]
	}
	return len(missing), nil
}

// rowsAtOnce is how many rows one statement inserts.
const rowsAtOnce = 64

// insert adds rows, many in one statement: it is the statements that cost.
func insert(ctx context.Context, tx *sql.Tx, list []*layout, bodies [][]byte) error {
	const columns = "INSERT INTO layout (id, hash, rest, kind, key, name, body) VALUES "
	const row = "(?, ?, ?, ?, ?, ?, ?)"
	many, err := tx.PrepareContext(ctx, columns+row+strings.Repeat(", "+row, rowsAtOnce-1))
	if err != nil {
		return err
	}
	defer many.Close()
	for at := 0; at < len(list); at += rowsAtOnce {
		n := min(rowsAtOnce, len(list)-at)
		args := make([]any, 0, 7*n)
		for i, l := range list[at : at+n] {
			args = append(args, l.id, l.hash[0], l.hash[1], l.kind, nameKey(l.name), l.name, bodies[at+i])
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

// encodeIDs writes row ids in ascending order, each once, as differences.
func encodeIDs(ids []int64) []byte {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var out []byte
	last := int64(0)
	for _, id := range ids {
		out = binary.AppendUvarint(out, uint64(id-last))
		last = id
	}
	return out
}

func decodeIDs(body []byte) ([]int64, error) {
	ids := make([]int64, 0, len(body))
	last := int64(0)
	for len(body) > 0 {
		d, n := binary.Uvarint(body)
		if n <= 0 || d == 0 || d > 1<<40 {
			return nil, fmt.Errorf("list of layouts: %w", errBody)
		}
		last += int64(d)
		ids = append(ids, last)
		body = body[n:]
	}
	return ids, nil
}
