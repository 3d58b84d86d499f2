package store

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// outgoing is what leaves the cache, and the key that signs it; nil for none.
type outgoing struct {
	db      *cache.DB // to be closed
	kernels []cache.KernelContent
	key     ed25519.PrivateKey
}

// openOutgoing opens the cache for the kernels that -k names.
func openOutgoing(ctx context.Context, a *cli.App) (*outgoing, error) {
	key, err := signingKey(a.Settings.Sign)
	if err != nil {
		return nil, err
	}
	db, err := a.ReadCache(ctx)
	if err != nil {
		return nil, err
	}
	kernels, err := chooseCached(ctx, a, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &outgoing{db, kernels, key}, nil
}

// chooseCached are the kernels of the cache that -k names.
func chooseCached(ctx context.Context, a *cli.App, db *cache.DB) ([]cache.KernelContent, error) {
	all, err := db.Contents(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &cache.NotFoundError{What: "kernel", In: "the cache: it is empty; tpinfo extract adds one"}
	}
	chosen, missing, err := choose(a.Settings.Kernels, all, func(c *cache.KernelContent) (string, []string) { return c.ID, c.Releases })
	if missing != nil {
		return nil, &cache.NotFoundError{What: "kernel", Name: missing.selector, In: "the cache", Near: missing.near}
	}
	return chosen, err
}

// exportKernel is the bundle of one kernel.
func exportKernel(ctx context.Context, db *cache.DB, id string, key ed25519.PrivateKey) ([]byte, error) {
	var opts []cache.ExportOption
	if key != nil {
		opts = append(opts, cache.Sign(key))
	}
	var out bytes.Buffer
	err := db.Export(ctx, &out, []string{id}, opts...)
	return out.Bytes(), err
}

// signingKey reads the key that --sign names; nil without one.
func signingKey(file string) (ed25519.PrivateKey, error) {
	if file == "" {
		return nil, nil
	}
	key, err := bundle.ReadPrivateKey(file)
	if err != nil {
		return nil, fmt.Errorf("--sign: %w", err)
	}
	return key, nil
}

// signerName is how a key's owner is told from others; empty without a key.
func signerName(key ed25519.PrivateKey) string {
	if key == nil {
		return ""
	}
	return bundle.Name(ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:]))
}
