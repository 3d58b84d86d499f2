package merge

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
)

// Sink takes kernels one after the other: another cache, or a file.
type Sink interface {
	// Wants says whether the sink lacks this layout still.
	Wants(layout.Hash) bool
	Add(context.Context, *bundle.Kernel) error
	Fail(context.Context, tpinfo.Failure) error
}

// source reads kernels of a cache, checking all that it hands on.
type source struct {
	tx *sql.Tx
	// layouts are known by row; that of an event as a whole once it was sent.
	layouts map[int64]layout.Layout
	sent    map[int64]bool
}

// Send hands the kernels with these ids to a sink, all without ids; failures too
// if asked for. What is damaged is layout.ErrDamaged or table.ErrKernel.
func Send(ctx context.Context, tx *sql.Tx, ids []string, failures bool, to Sink) error {
	s := &source{tx: tx, layouts: map[int64]layout.Layout{}, sent: map[int64]bool{}}
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
	list, err := table.Failures(ctx, tx, "SELECT key, body FROM failure ORDER BY key")
	for _, f := range list {
		if err := to.Fail(ctx, f); err != nil {
			return err
		}
	}
	return err
}

// index notes which layouts there are.
func (s *source) index(ctx context.Context) error {
	rows, err := s.tx.QueryContext(ctx, "SELECT id, hash, rest, kind FROM layout")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var l layout.Layout
		if err := rows.Scan(&l.ID, &l.Hash[0], &l.Hash[1], &l.Kind); err != nil {
			return err
		}
		s.layouts[l.ID] = l
	}
	return rows.Err()
}

// storedKernel is a kernel as its row has it.
type storedKernel struct {
	bundle.Kernel
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
				return nil, fmt.Errorf("kernel %s: %w", id, sql.ErrNoRows)
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
		if len(k.Aliases) == 0 {
			return nil, fmt.Errorf("kernel %s has no name: %w", k.ID, table.ErrKernel)
		}
	}
	slices.SortFunc(kernels, func(a, b *storedKernel) int {
		return cmp.Or(tpinfo.CompareReleases(a.Aliases[0].Release, b.Aliases[0].Release), cmp.Compare(a.ID, b.ID))
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
		k := &storedKernel{Kernel: bundle.Kernel{Lists: map[string]string{}}}
		var problems []byte
		var lists [2][]byte
		if err := rows.Scan(&k.ID, &k.Arch, &k.ByteOrder, &k.WordSize, &k.Source, &problems, &lists[0], &lists[1], &k.content); err != nil {
			return nil, err
		}
		if k.Problems, err = layout.Unpack(problems); err != nil {
			return nil, fmt.Errorf("problems of kernel %s: %w", k.ID, err)
		}
		for _, list := range lists {
			if list, err = layout.Unpack(list); err != nil {
				return nil, fmt.Errorf("kernel %s: %w", k.ID, err)
			}
			ids, err := layout.DecodeList(list)
			if err != nil {
				return nil, fmt.Errorf("kernel %s: %w", k.ID, err)
			}
			k.ids = append(k.ids, ids...)
		}
		found[k.ID] = k
	}
	return found, rows.Err()
}

func (s *source) addAliases(ctx context.Context, found map[string]*storedKernel) error {
	rows, err := s.tx.QueryContext(ctx, `SELECT a.kernel, a.release, a.tree, a.compiler, a.extracted, a.digest, a.btf, a.files, b.body, b.whole
		FROM alias a LEFT JOIN `+table.Files+` b ON b.hash = a.files ORDER BY a.kernel, a.release, a.tree`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var kernel string
		var a layout.Alias
		var body, whole sql.RawBytes
		if err := rows.Scan(&kernel, &a.Release, &a.Tree, &a.Compiler, &a.Extracted, &a.Digest, &a.BTF, &a.Files, &body, &whole); err != nil {
			return err
		}
		k := found[kernel]
		if k == nil {
			continue
		}
		text, err := table.ReadFiles(a.Files, layout.Packed{Body: body, Whole: whole})
		if err != nil {
			return fmt.Errorf("list of headers of kernel %s: %w", a.Release, err)
		}
		k.Aliases = append(k.Aliases, a)
		k.Lists[string(a.Files)] = string(text)
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
			k.Origins = append(k.Origins, o)
		}
	}
	return rows.Err()
}

// send hands over one kernel. Events are all read once, and types where the
// sink lacks them; what was read has the hash it was stored under.
func (s *source) send(ctx context.Context, k *storedKernel, to Sink) error {
	missing := 0
	var fresh []int64
	for _, id := range k.ids {
		l, ok := s.layouts[id]
		switch {
		case !ok:
			missing++
		case !s.sent[id] && (l.Kind == layout.KindEvent || to.Wants(l.Hash)):
			fresh = append(fresh, id)
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d layouts of kernel %s are missing: %w", missing, k.Aliases[0].Release, table.ErrKernel)
	}
	bodies, err := s.fetch(ctx, fresh)
	if err != nil {
		return err
	}
	for i, id := range fresh {
		s.layouts[id], s.sent[id] = bodies[i], true
	}
	for _, id := range k.ids {
		k.Layouts = append(k.Layouts, s.layouts[id])
	}
	if !slices.Equal(k.Content(), k.content) {
		return fmt.Errorf("kernel %s is not what was stored: %w", k.Aliases[0].Release, table.ErrKernel)
	}
	if err := to.Add(ctx, &k.Kernel); err != nil {
		return err
	}
	// They were for this one alone, and take the memory.
	for _, id := range fresh {
		l := s.layouts[id]
		l.Body, l.Stored = nil, nil
		s.layouts[id] = l
	}
	k.Layouts = nil
	return nil
}

// fetch reads rows and checks them.
func (s *source) fetch(ctx context.Context, ids []int64) ([]layout.Layout, error) {
	find, err := s.tx.PrepareContext(ctx, "SELECT l.name, l.body, w.body FROM "+table.Layouts+" WHERE l.id = ?")
	if err != nil {
		return nil, err
	}
	defer find.Close()
	names, bodies := make([]string, len(ids)), make([]layout.Packed, len(ids))
	for i, id := range ids {
		if err := find.QueryRowContext(ctx, id).Scan(&names[i], &bodies[i].Body, &bodies[i].Whole); err != nil {
			return nil, err
		}
	}
	out := make([]layout.Layout, len(ids))
	err = layout.Each(len(ids), func(i int) error {
		stated := s.layouts[ids[i]]
		l, err := layout.OfStored(stated.Kind, names[i], bodies[i])
		if err == nil && l.Hash != stated.Hash {
			err = layout.ErrDamaged
		}
		out[i] = l
		if err != nil {
			return fmt.Errorf("layout %d (%s): %w", ids[i], names[i], err)
		}
		return nil
	})
	return out, err
}
