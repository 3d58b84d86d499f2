package cache

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
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
	row, err := layout.OfKernel(&snap.Kernel)
	if err != nil {
		return res, err
	}
	row.Layouts = layout.OfSnapshot(snap)
	err = db.write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if res.NewLayouts, err = db.storeLayouts(ctx, tx, row.Layouts); err != nil {
			return err
		}
		if res.Known, err = storeKernel(ctx, tx, row); err != nil {
			return err
		}
		files, err := storeFiles(ctx, tx, []byte(strings.Join(snap.Inputs.Files, "\n")))
		if err != nil {
			return err
		}
		k := &snap.Kernel
		_, err = storeAlias(ctx, tx, k.ID, layout.Alias{
			Release: k.Release, Tree: k.Tree, Compiler: k.Compiler, Extracted: k.Extracted.Unix(),
			Digest: snap.Inputs.Digest, BTF: snap.Inputs.BTF, Files: files,
		})
		if err != nil {
			return err
		}
		return storeOrigin(ctx, tx, k.ID, origin)
	})
	return res, err
}

// storeKernel stores a kernel whose layouts are there; known: it was there,
// and the same.
func storeKernel(ctx context.Context, tx *sql.Tx, k layout.Kernel) (known bool, err error) {
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

// storeAlias keeps an alias; new: its release and tree were not there. The
// tree of an exported file is a name without its folder, and where the same is
// known with its folder, that one alone is kept.
func storeAlias(ctx context.Context, tx *sql.Tx, kernelID string, a layout.Alias) (fresh bool, err error) {
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
	return known == 0, err
}
