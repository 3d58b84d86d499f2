package cache

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tpinfo/tpinfo"
)

// sink takes kernels one after the other: another cache, or a file.
type sink interface {
	// wants says whether the sink lacks this layout still.
	wants(hash) bool
	kernel(context.Context, *arrival) error
	failure(context.Context, tpinfo.Failure) error
}

// arrival is a kernel on its way into a sink.
type arrival struct {
	row     kernelRow // with the bodies of those layouts that the sink wants
	aliases []alias   // by release, then tree
	origins []tpinfo.Origin
	// lists are the lists of headers that aliases name, by hash; those that
	// an earlier arrival had may be missing.
	lists map[string]string
}

// source reads kernels of a cache, checking all that it hands on.
type source struct {
	db *DB
	tx *sql.Tx
	// layouts are known by row; that of an event as a whole once it was sent.
	layouts map[int64]layout
	sent    map[int64]bool
}

// read calls f with the cache as it is at one moment.
func (db *DB) read(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return explain(db.path, err)
	}
	defer tx.Rollback()
	return explain(db.path, f(ctx, tx))
}

// send hands kernels to a sink, all without ids; failures too if asked for.
func (db *DB) send(ctx context.Context, ids []string, failures bool, to sink) error {
	return db.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		s := &source{db: db, tx: tx, layouts: map[int64]layout{}, sent: map[int64]bool{}}
		if err := s.index(ctx); err != nil {
			return err
		}
		kernels, err := s.kernels(ctx, ids)
		if err != nil {
			return err
		}
		for _, k := range kernels {
			if err := s.send(ctx, k, to); err != nil {
				return err
			}
		}
		if !failures {
			return nil
		}
		list, err := failuresOf(ctx, tx, "SELECT key, body FROM failure ORDER BY key")
		for _, f := range list {
			if err := to.failure(ctx, f); err != nil {
				return err
			}
		}
		return err
	})
}

// index notes which layouts there are.
func (s *source) index(ctx context.Context) error {
	rows, err := s.tx.QueryContext(ctx, "SELECT id, hash, rest, kind FROM layout")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var l layout
		if err := rows.Scan(&l.id, &l.hash[0], &l.hash[1], &l.kind); err != nil {
			return err
		}
		s.layouts[l.id] = l
	}
	return rows.Err()
}

// storedKernel is a kernel as its row has it.
type storedKernel struct {
	arrival
	content []byte
	ids     []int64
}

// kernels returns those with the ids, all without; the oldest release first,
// so that neighbours stand together.
func (s *source) kernels(ctx context.Context, ids []string) ([]*storedKernel, error) {
	found, err := s.kernelRows(ctx)
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		all := found
		found = map[string]*storedKernel{}
		for _, id := range ids {
			if all[id] == nil {
				return nil, &NotFoundError{What: "kernel", Name: id, In: "the cache"}
			}
			found[id] = all[id]
		}
	}
	if err := s.addAliases(ctx, found); err != nil {
		return nil, err
	}
	if err := s.addOrigins(ctx, found); err != nil {
		return nil, err
	}
	kernels := slices.Collect(maps.Values(found))
	for _, k := range kernels {
		if len(k.aliases) == 0 {
			return nil, fmt.Errorf("kernel %s has no name: %w", k.row.id, errKernel)
		}
	}
	slices.SortFunc(kernels, func(a, b *storedKernel) int {
		return cmp.Or(tpinfo.CompareReleases(a.aliases[0].release, b.aliases[0].release), cmp.Compare(a.row.id, b.row.id))
	})
	return kernels, nil
}

func (s *source) kernelRows(ctx context.Context) (map[string]*storedKernel, error) {
	rows, err := s.tx.QueryContext(ctx, "SELECT id, arch, byte_order, word_size, source, problems, event_ids, type_ids, content FROM kernel")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]*storedKernel{}
	for rows.Next() {
		k := &storedKernel{arrival: arrival{lists: map[string]string{}}}
		var problems []byte
		var lists [2][]byte
		if err := rows.Scan(&k.row.id, &k.row.arch, &k.row.byteOrder, &k.row.wordSize, &k.row.source, &problems, &lists[0], &lists[1], &k.content); err != nil {
			return nil, err
		}
		if k.row.problems, err = unpack(problems); err != nil {
			return nil, fmt.Errorf("problems of kernel %s: %w", k.row.id, err)
		}
		for _, list := range lists {
			if list, err = unpack(list); err != nil {
				return nil, fmt.Errorf("kernel %s: %w", k.row.id, err)
			}
			ids, err := decodeIDs(list)
			if err != nil {
				return nil, fmt.Errorf("kernel %s: %w", k.row.id, err)
			}
			k.ids = append(k.ids, ids...)
		}
		found[k.row.id] = k
	}
	return found, rows.Err()
}

func (s *source) addAliases(ctx context.Context, found map[string]*storedKernel) error {
	rows, err := s.tx.QueryContext(ctx, `SELECT a.kernel, a.release, a.tree, a.compiler, a.extracted, a.digest, a.btf, a.files, b.body, b.whole
		FROM alias a LEFT JOIN `+storedFiles+` b ON b.hash = a.files ORDER BY a.kernel, a.release, a.tree`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var kernel string
		var a alias
		var body, whole sql.RawBytes
		if err := rows.Scan(&kernel, &a.release, &a.tree, &a.compiler, &a.extracted, &a.digest, &a.btf, &a.files, &body, &whole); err != nil {
			return err
		}
		k := found[kernel]
		if k == nil {
			continue
		}
		text, err := readFiles(a.files, body, whole)
		if err != nil {
			return fmt.Errorf("list of headers of kernel %s: %w", a.release, err)
		}
		k.aliases = append(k.aliases, a)
		k.lists[string(a.files)] = string(text)
	}
	return rows.Err()
}

func (s *source) addOrigins(ctx context.Context, found map[string]*storedKernel) error {
	rows, err := s.tx.QueryContext(ctx, "SELECT key, headers, kernel FROM origin ORDER BY key")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var o tpinfo.Origin
		var kernel string
		if err := rows.Scan(&o.Key, &o.Headers, &kernel); err != nil {
			return err
		}
		if k := found[kernel]; k != nil {
			k.origins = append(k.origins, o)
		}
	}
	return rows.Err()
}

// send hands over one kernel. Events are all read once, and types where the
// sink lacks them; what was read has the hash it was stored under.
func (s *source) send(ctx context.Context, k *storedKernel, to sink) error {
	missing := 0
	var fresh []int64
	for _, id := range k.ids {
		l, ok := s.layouts[id]
		switch {
		case !ok:
			missing++
		case !s.sent[id] && (l.kind == kindEvent || to.wants(l.hash)):
			fresh = append(fresh, id)
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d layouts of kernel %s are missing: %w", missing, k.aliases[0].release, errKernel)
	}
	bodies, err := s.fetch(ctx, fresh)
	if err != nil {
		return err
	}
	for i, id := range fresh {
		s.layouts[id], s.sent[id] = bodies[i], true
	}
	for _, id := range k.ids {
		k.row.layouts = append(k.row.layouts, s.layouts[id])
	}
	if !slices.Equal(k.row.content(), k.content) {
		return fmt.Errorf("kernel %s is not what was stored: %w", k.aliases[0].release, errKernel)
	}
	if err := to.kernel(ctx, &k.arrival); err != nil {
		return err
	}
	// They were for this one alone, and take the memory.
	for _, id := range fresh {
		l := s.layouts[id]
		l.text, l.stored = nil, nil
		s.layouts[id] = l
	}
	k.row.layouts = nil
	return nil
}

// fetch reads rows and checks them.
func (s *source) fetch(ctx context.Context, ids []int64) ([]layout, error) {
	find, err := s.tx.PrepareContext(ctx, "SELECT name, body FROM layout WHERE id = ?")
	if err != nil {
		return nil, err
	}
	defer find.Close()
	names, bodies := make([]string, len(ids)), make([][]byte, len(ids))
	for i, id := range ids {
		if err := find.QueryRowContext(ctx, id).Scan(&names[i], &bodies[i]); err != nil {
			return nil, err
		}
	}
	out := make([]layout, len(ids))
	err = eachOnAllCores(len(ids), func(i int) error {
		stated := s.layouts[ids[i]]
		l, err := readLayout(stated.kind, names[i], bodies[i])
		if err == nil && l.hash != stated.hash {
			err = errBody
		}
		out[i] = l
		if err != nil {
			return fmt.Errorf("layout %d (%s): %w", ids[i], names[i], err)
		}
		return nil
	})
	return out, err
}

// canonical gives a kernel's problems the form in which they are stored.
func canonical(problems []byte) ([]byte, error) {
	var list []tpinfo.Problem
	if err := json.Unmarshal(problems, &list); err != nil {
		return nil, fmt.Errorf("problems: %w", errBody)
	}
	return json.Marshal(list)
}
