package cache

import (
	"context"
	"database/sql"
	"errors"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
)

// BuiltFrom returns the id of the kernel that was built from what has this
// key (tpinfo.Origin); "" when there is none.
func (db *DB) BuiltFrom(ctx context.Context, key string) (string, error) {
	return db.kernelOf(ctx, "SELECT kernel FROM origin WHERE key = ?", key)
}

// SameHeaders returns the id of a kernel that was built from headers with this
// digest (tpinfo.Origin), the smallest when there are several; "" when there
// is none.
func (db *DB) SameHeaders(ctx context.Context, digest string) (string, error) {
	return db.kernelOf(ctx, "SELECT kernel FROM origin WHERE headers = ? ORDER BY kernel LIMIT 1", digest)
}

// kernelOf answers with one kernel's id. Nothing is known of an empty digest.
func (db *DB) kernelOf(ctx context.Context, query, digest string) (id string, err error) {
	if digest == "" {
		return "", nil
	}
	err = db.sql.QueryRowContext(ctx, query, digest).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, explain(db.path, err)
}

// AddAlias notes that a kernel that is there is also known as the release of
// as, found in its tree: the same content in another package. Only Release,
// Tree, Compiler and Extracted of as are looked at. What the kernel's last
// extraction read is taken to be what one of this tree would read.
func (db *DB) AddAlias(ctx context.Context, kernelID string, as tpinfo.Kernel, origin tpinfo.Origin) error {
	if as.Release == "" {
		return errors.New("a kernel needs a release to be stored")
	}
	return db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		a := layout.Alias{Release: as.Release, Tree: as.Tree, Compiler: as.Compiler, Extracted: as.Extracted.Unix()}
		err := tx.QueryRowContext(ctx, "SELECT digest, btf, files FROM alias WHERE kernel = ? ORDER BY extracted DESC, release, tree LIMIT 1", kernelID).
			Scan(&a.Digest, &a.BTF, &a.Files)
		if errors.Is(err, sql.ErrNoRows) {
			return &NotFoundError{What: "kernel", Name: kernelID, In: "the cache"}
		}
		if err != nil {
			return err
		}
		if _, err := table.StoreAlias(ctx, tx, kernelID, a); err != nil {
			return err
		}
		return table.StoreOrigin(ctx, tx, kernelID, origin)
	})
}
