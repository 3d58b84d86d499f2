package cache

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
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

// PutResult says what Put did.
type PutResult struct {
	ID string
	// Known: the kernel was there with this content; at most its release,
	// tree or inputs are new.
	Known bool
	// NewLayouts counts the layouts that no kernel had before.
	NewLayouts int
}

// Put stores a snapshot: whole, or not at all. A kernel whose ID is there gets
// the snapshot's content, so that one extracted again with more sources knows
// more than before.
func (db *DB) Put(ctx context.Context, snap *tpinfo.Snapshot) (PutResult, error) {
	return db.PutFrom(ctx, snap, tpinfo.Origin{})
}

// PutFrom is Put for a kernel that was built from origin: BuiltFrom and
// SameHeaders find it by that afterwards, and the failure of an earlier try is
// forgotten. An origin without a key is not kept.
func (db *DB) PutFrom(ctx context.Context, snap *tpinfo.Snapshot, origin tpinfo.Origin) (PutResult, error) {
	res := PutResult{ID: snap.Kernel.ID}
	if snap.Kernel.ID == "" || snap.Kernel.Release == "" {
		return res, errors.New("a kernel needs an id and a release to be stored")
	}
	if err := db.writable(); err != nil {
		return res, err
	}
	layouts := identify(snap)
	err := db.put(ctx, snap, layouts, origin, &res)
	return res, explain(db.path, err)
}

// layout is one event or type on its way in.
type layout struct {
	id     int64
	hash   hash
	kind   int
	name   string
	encode func() []byte
	// incomplete: an event with something unknown.
	incomplete bool
}

// hash is what a layout is addressed by: two halves, since SQLite indexes an
// integer in half the space.
type hash [2]int64

func hashOf(id tpinfo.ContentID) hash {
	return hash{int64(binary.BigEndian.Uint64(id[:8])), int64(binary.BigEndian.Uint64(id[8:]))}
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
	var g errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for n := range workers {
		g.Go(func() error {
			for i := n; i < len(out); i += workers {
				if i < events {
					e := &snap.Events[i]
					out[i] = layout{hash: eventHash(e), kind: kindEvent, name: e.Name, encode: func() []byte { return encodeEvent(e) }, incomplete: !e.Complete()}
				} else {
					t := &snap.Types[i-events]
					out[i] = layout{hash: hashOf(t.ContentID()), kind: kindType, name: t.Name, encode: func() []byte { return encodeType(t) }}
				}
			}
			return nil
		})
	}
	_ = g.Wait() // no worker fails
	return out
}

// eventHash tells events of one content from different sources apart: what is
// stored includes the source.
func eventHash(e *tpinfo.Tracepoint) hash {
	id := e.ContentID()
	sum := sha256.Sum256(append(id[:], e.Source...))
	return hashOf(tpinfo.ContentID(sum[:16]))
}

func (db *DB) put(ctx context.Context, snap *tpinfo.Snapshot, layouts []layout, origin tpinfo.Origin, res *PutResult) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if res.NewLayouts, err = storeLayouts(ctx, tx, layouts); err != nil {
		return err
	}
	// What a snapshot lists twice a kernel has once.
	slices.SortFunc(layouts, func(a, b layout) int { return cmp.Compare(a.id, b.id) })
	layouts = slices.CompactFunc(layouts, func(a, b layout) bool { return a.id == b.id })
	content := contentOf(layouts)
	var old []byte
	err = tx.QueryRowContext(ctx, "SELECT content FROM kernel WHERE id = ?", snap.Kernel.ID).Scan(&old)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	default:
		res.Known = string(old) == string(content)
	}
	if err := storeKernel(ctx, tx, snap, layouts, content); err != nil {
		return err
	}
	if err := storeAlias(ctx, tx, snap); err != nil {
		return err
	}
	if err := storeOrigin(ctx, tx, snap.Kernel.ID, origin); err != nil {
		return err
	}
	return tx.Commit()
}

// storeLayouts gives each layout its row id, adding those that are new.
func storeLayouts(ctx context.Context, tx *sql.Tx, layouts []layout) (added int, err error) {
	there, last, err := stored(ctx, tx)
	if err != nil {
		return 0, err
	}
	var missing []*layout
	for i := range layouts {
		l := &layouts[i]
		if l.id = there[l.hash]; l.id == 0 {
			there[l.hash] = -1 // to come: it is listed once
			missing = append(missing, l)
		}
	}
	// In the order of their hashes, so that this index grows at its end.
	slices.SortFunc(missing, func(a, b *layout) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), slices.Compare(a.hash[:], b.hash[:]))
	})
	bodies, err := packAll(missing)
	if err != nil {
		return 0, err
	}
	for i, l := range missing {
		l.id = last + 1 + int64(i)
		there[l.hash] = l.id
	}
	if err := insert(ctx, tx, missing, bodies); err != nil {
		return 0, err
	}
	for i := range layouts {
		layouts[i].id = there[layouts[i].hash]
	}
	return len(missing), nil
}

// stored returns the rows that there are, and the last row id ever used. One
// pass over the table costs less than a question for each layout of a kernel.
func stored(ctx context.Context, tx *sql.Tx) (there map[hash]int64, last int64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'layout'").Scan(&last)
	if err != nil {
		return nil, 0, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT id, hash, rest FROM layout")
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	there = map[hash]int64{}
	for rows.Next() {
		var id int64
		var h hash
		if err := rows.Scan(&id, &h[0], &h[1]); err != nil {
			return nil, 0, err
		}
		there[h] = id
	}
	return there, last, rows.Err()
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

// packAll encodes layouts on all cores.
func packAll(list []*layout) ([][]byte, error) {
	bodies := make([][]byte, len(list))
	var g errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for n := range workers {
		g.Go(func() error {
			p, err := newPacker()
			if err != nil {
				return err
			}
			for i := n; i < len(list); i += workers {
				if bodies[i], err = p.pack(list[i].encode()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return bodies, g.Wait()
}

// contentOf digests which layouts a kernel has.
func contentOf(layouts []layout) []byte {
	hashes := make([]hash, len(layouts))
	for i := range layouts {
		hashes[i] = layouts[i].hash
	}
	slices.SortFunc(hashes, func(a, b hash) int { return slices.Compare(a[:], b[:]) })
	h := sha256.New()
	for i := range hashes {
		h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(hashes[i][0])), uint64(hashes[i][1])))
	}
	return h.Sum(nil)[:16]
}

func storeKernel(ctx context.Context, tx *sql.Tx, snap *tpinfo.Snapshot, layouts []layout, content []byte) error {
	k := &snap.Kernel
	p, err := newPacker()
	if err != nil {
		return err
	}
	problems, err := json.Marshal(k.Problems)
	if err != nil {
		return err
	}
	packedProblems, err := p.pack(problems)
	if err != nil {
		return err
	}
	var ids [kindType + 1][]int64
	incomplete := 0
	for i := range layouts {
		ids[layouts[i].kind] = append(ids[layouts[i].kind], layouts[i].id)
		if layouts[i].incomplete {
			incomplete++
		}
	}
	events, err := p.pack(encodeIDs(ids[kindEvent]))
	if err != nil {
		return err
	}
	types, err := p.pack(encodeIDs(ids[kindType]))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO kernel (id, arch, byte_order, word_size, source, problems, event_ids, type_ids, content, events, incomplete, types)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET source = excluded.source, problems = excluded.problems, event_ids = excluded.event_ids, type_ids = excluded.type_ids,
			content = excluded.content, events = excluded.events, incomplete = excluded.incomplete, types = excluded.types`,
		k.ID, k.Arch, string(k.ByteOrder), k.WordSize, string(k.Source), packedProblems, events, types, content,
		len(ids[kindEvent]), incomplete, len(ids[kindType]))
	return err
}

// storeAlias notes how the kernel was found and what the extraction read.
func storeAlias(ctx context.Context, tx *sql.Tx, snap *tpinfo.Snapshot) error {
	p, err := newPacker()
	if err != nil {
		return err
	}
	files := []byte(strings.Join(snap.Inputs.Files, "\n"))
	sum := sha256.Sum256(files)
	body, err := p.pack(files)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO blob (hash, body) VALUES (?, ?)", sum[:16], body); err != nil {
		return err
	}
	k := &snap.Kernel
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO alias (kernel, release, tree, compiler, extracted, digest, btf, files)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		k.ID, k.Release, k.Tree, k.Compiler, k.Extracted.Unix(), snap.Inputs.Digest, snap.Inputs.BTF, sum[:16])
	return err
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
