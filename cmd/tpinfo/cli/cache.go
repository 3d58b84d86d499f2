package cli

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/extractor"
)

// ReadCache opens the cache for reading.
func (a *App) ReadCache(ctx context.Context) (*cache.DB, error) {
	keys, err := TrustedKeys(a.Settings.Verify)
	if err != nil {
		return nil, err
	}
	return cache.Open(ctx, a.Settings.Cache, cache.ReadOnly(), cache.TrustedBy(keys...))
}

// TrustedKeys reads the keys that --verify names.
func TrustedKeys(files []string) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for _, file := range files {
		key, err := bundle.ReadPublicKey(file)
		if err != nil {
			return nil, fmt.Errorf("--verify: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Unchanged returns the id of the kernel that an earlier extraction of the
// same content gave; "" when there is none.
func Unchanged(ctx context.Context, req extractor.Request, recorded []cache.Recorded) (string, error) {
	tried := map[string]bool{}
	for _, r := range recorded {
		if tried[r.Inputs.Digest] {
			continue
		}
		tried[r.Inputs.Digest] = true
		same, err := extractor.Unchanged(ctx, req, r.Inputs)
		if err != nil {
			return "", err
		}
		if same {
			return r.KernelID, nil
		}
	}
	return "", nil
}
