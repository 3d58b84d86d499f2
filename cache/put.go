package cache

import (
	"context"
	"database/sql"
	"errors"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/table"
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
	k, err := bundle.Of(snap)
	if err != nil {
		return res, err
	}
	err = db.write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if res.NewLayouts, err = db.stock.Store(ctx, tx, k.Layouts, db.keep != nil); err != nil {
			return err
		}
		if res.Known, err = table.StoreKernel(ctx, tx, k.Kernel); err != nil {
			return err
		}
		for _, alias := range k.Aliases {
			if _, err := table.StoreFiles(ctx, tx, []byte(k.Lists[string(alias.Files)])); err != nil {
				return err
			}
			if _, err := table.StoreAlias(ctx, tx, k.ID, alias); err != nil {
				return err
			}
		}
		return table.StoreOrigin(ctx, tx, k.ID, origin)
	})
	return res, err
}
