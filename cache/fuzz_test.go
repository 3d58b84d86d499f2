package cache

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/tpinfo/tpinfo/cache/bundle"
)

// What reads as kernels is written as records that read as the same.
func FuzzReadRecords(f *testing.F) {
	for editions := range 3 {
		var out bytes.Buffer
		w := newRecordWriter(&out)
		db := openTemp(f)
		for n := range editions {
			put(f, db, sample("6.1.0-1", n))
		}
		if err := db.send(context.Background(), nil, false, w); err != nil {
			f.Fatal(err)
		}
		f.Add(out.Bytes())
		f.Add(out.Bytes()[:out.Len()/2])
	}
	f.Add([]byte{tagFiles, 0, tagKernel, 0})
	f.Add([]byte{tagLayout, 0xff, 0xff, 0xff, 0xff, 0x7f})
	ctx := context.Background()
	f.Fuzz(func(t *testing.T, payload []byte) {
		var first, second bytes.Buffer
		if err := readRecords(ctx, bytes.NewReader(payload), newRecordWriter(&first)); err != nil {
			if !errors.Is(err, bundle.ErrDamaged) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if err := readRecords(ctx, bytes.NewReader(first.Bytes()), newRecordWriter(&second)); err != nil {
			t.Fatalf("what was read does not come back: %v", err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("%d bytes come back as others (%d)", first.Len(), second.Len())
		}
		db := inMemoryCache(t)
		defer db.Close()
		var res MergeResult
		err := db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
			m, err := db.newMerger(ctx, tx, &res)
			if err != nil {
				return err
			}
			return readRecords(ctx, bytes.NewReader(first.Bytes()), m)
		})
		if err == nil {
			sound(t, db)
		} else if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("an error of another kind: %v", err)
		}
	})
}
