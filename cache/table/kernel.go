package table

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// StoreKernel stores a kernel whose layouts are there; known: it was there,
// and the same.
func StoreKernel(ctx context.Context, tx *sql.Tx, k layout.Kernel) (known bool, err error) {
	// What a snapshot lists twice a kernel has once.
	slices.SortFunc(k.Layouts, func(a, b layout.Layout) int { return cmp.Compare(a.ID, b.ID) })
	k.Layouts = slices.CompactFunc(k.Layouts, func(a, b layout.Layout) bool { return a.ID == b.ID })
	content := k.Content()
	var old []byte
	err = tx.QueryRowContext(ctx, "SELECT content FROM kernel WHERE id = ?", k.ID).Scan(&old)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	known = string(old) == string(content)
	problems, err := layout.Pack(k.Problems)
	if err != nil {
		return false, err
	}
	var ids [layout.KindType + 1][]int64
	incomplete := 0
	for i := range k.Layouts {
		ids[k.Layouts[i].Kind] = append(ids[k.Layouts[i].Kind], k.Layouts[i].ID)
		if k.Layouts[i].Incomplete {
			incomplete++
		}
	}
	events, err := layout.Pack(layout.EncodeList(ids[layout.KindEvent]))
	if err != nil {
		return false, err
	}
	types, err := layout.Pack(layout.EncodeList(ids[layout.KindType]))
	if err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO kernel (id, arch, byte_order, word_size, source, problems, event_ids, type_ids, content, events, incomplete, types)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET source = excluded.source, problems = excluded.problems, event_ids = excluded.event_ids, type_ids = excluded.type_ids,
			content = excluded.content, events = excluded.events, incomplete = excluded.incomplete, types = excluded.types`,
		k.ID, k.Arch, k.ByteOrder, k.WordSize, k.Source, problems, events, types, content,
		len(ids[layout.KindEvent]), incomplete, len(ids[layout.KindType]))
	return known, err
}

// StoreAlias keeps an alias; fresh: its release and tree were not there. The
// tree of an exported file is a name without its folder, and where the same is
// known with its folder, that one alone is kept.
func StoreAlias(ctx context.Context, tx *sql.Tx, kernelID string, a layout.Alias) (fresh bool, err error) {
	name := a.TreeName()
	if name == a.Tree {
		var known int
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM alias WHERE kernel = ? AND release = ? AND substr(tree, -length(?3) - 1) = '/' || ?3", kernelID, a.Release, name).Scan(&known)
		if err != nil || known > 0 {
			return false, err
		}
	} else if _, err := tx.ExecContext(ctx, "DELETE FROM alias WHERE kernel = ? AND release = ? AND tree = ?", kernelID, a.Release, name); err != nil {
		return false, err
	}
	var known int
	err = tx.QueryRowContext(ctx, "SELECT count(*) FROM alias WHERE kernel = ? AND release = ? AND tree = ?", kernelID, a.Release, a.Tree).Scan(&known)
	if err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO alias (kernel, release, tree, compiler, extracted, digest, btf, files)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		kernelID, a.Release, a.Tree, a.Compiler, a.Extracted, a.Digest, a.BTF, a.Files)
	if err != nil {
		return false, err
	}
	return known == 0, forgetFailures(ctx, tx, kernelID, a)
}

// Kernel is the kernel with this id; of its layouts, only their ids.
func Kernel(ctx context.Context, tx *sql.Tx, id string) (layout.Kernel, error) {
	k := layout.Kernel{ID: id}
	var problems []byte
	var lists [2][]byte
	err := tx.QueryRowContext(ctx, "SELECT arch, byte_order, word_size, source, problems, event_ids, type_ids FROM kernel WHERE id = ?", id).
		Scan(&k.Arch, &k.ByteOrder, &k.WordSize, &k.Source, &problems, &lists[0], &lists[1])
	if err != nil {
		return k, err
	}
	if k.Problems, err = layout.Unpack(problems); err != nil {
		return k, err
	}
	for _, list := range lists {
		if list, err = layout.Unpack(list); err != nil {
			return k, err
		}
		ids, err := layout.DecodeList(list)
		if err != nil {
			return k, err
		}
		for _, id := range ids {
			k.Layouts = append(k.Layouts, layout.Layout{ID: id})
		}
	}
	return k, nil
}

// StoreOrigin notes what a kernel was built from. What was built failed no
// more.
func StoreOrigin(ctx context.Context, tx *sql.Tx, kernelID string, origin tpinfo.Origin) error {
	if origin.Key == "" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO origin (key, headers, kernel) VALUES (?, ?, ?)", origin.Key, origin.Headers, kernelID); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM failure WHERE key = ?", origin.Key)
	return err
}
