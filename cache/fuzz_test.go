package cache

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/merge"
)

// What reads as kernels is taken in, and then the cache is sound; or it is
// refused.
func FuzzImport(f *testing.F) {
	for editions := range 3 {
		db := openTemp(f)
		for n := range editions {
			put(f, db, sample("6.1.0-1", n))
		}
		payload := payloadOf(f, db)
		f.Add(payload)
		f.Add(payload[:len(payload)/2])
	}
	ctx := context.Background()
	f.Fuzz(func(t *testing.T, payload []byte) {
		nowhere := func(context.Context, *bundle.Kernel) error { return nil }
		if bundle.ReadKernels(ctx, bytes.NewReader(payload), nowhere) != nil {
			return // FuzzReadKernels of package bundle looks at these
		}
		db := inMemoryCache(t)
		defer db.Close()
		var res merge.Result
		err := db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
			into, err := db.target(ctx, tx, &res)
			if err != nil {
				return err
			}
			return bundle.ReadKernels(ctx, bytes.NewReader(payload), into.Add)
		})
		if err == nil {
			sound(t, db)
		} else if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("an error of another kind: %v", err)
		}
	})
}
