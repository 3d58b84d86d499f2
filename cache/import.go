package cache

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"io"

	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/merge"
)

// ImportOption changes what Import accepts.
type ImportOption func(*importOptions)

type importOptions struct {
	trusted []ed25519.PublicKey
	only    string
}

// Trust has Import accept only what the owner of one of these keys signed.
func Trust(keys ...ed25519.PublicKey) ImportOption {
	return func(o *importOptions) { o.trusted = append(o.trusted, keys...) }
}

// Only has Import accept just a file of the one kernel with this id; other
// files get ErrOther of package bundle.
func Only(id string) ImportOption { return func(o *importOptions) { o.only = id } }

// Import adds the kernels of an exported file, all or none. Errors of what is
// read wrap one of package bundle's. Other writers wait while r is read.
func (db *DB) Import(ctx context.Context, r io.Reader, opts ...ImportOption) (res merge.Result, err error) {
	var o importOptions
	for _, opt := range opts {
		opt(&o)
	}
	b, err := bundle.Open(r, o.trusted...)
	if err != nil {
		return res, err
	}
	defer b.Close()
	if key := b.Signer(); key != nil {
		res.Signer = bundle.Name(key)
	}
	err = db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		into, err := db.target(ctx, tx, &res)
		if err != nil {
			return err
		}
		if o.only == "" {
			return bundle.ReadKernels(ctx, b, into.Add)
		}
		return onlyKernel(ctx, b, o.only, into)
	})
	if err != nil {
		res = merge.Result{Signer: res.Signer}
	}
	return res, err
}

// onlyKernel takes the kernel with this id in, and no other.
func onlyKernel(ctx context.Context, payload io.Reader, id string, into *merge.Target) error {
	seen := false
	err := bundle.ReadKernels(ctx, payload, func(ctx context.Context, k *bundle.Kernel) error {
		if k.ID != id {
			return fmt.Errorf("%w: %s with id %.12s instead of %.12s", bundle.ErrOther, k.Aliases[0].Release, k.ID, id)
		}
		seen = true
		return into.Add(ctx, k)
	})
	if err == nil && !seen {
		err = fmt.Errorf("%w: none at all", bundle.ErrOther)
	}
	return err
}
