package cache

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
)

// What decodes encodes to something that decodes as the same; what does not is
// a damaged body and nothing else.

func FuzzDecodeEvent(f *testing.F) {
	s := sample("6.1", 0)
	for i := range s.Events {
		body := encodeEvent(&s.Events[i])
		f.Add(body)
		f.Add(body[:len(body)/2])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := decodeEvent("name", body)
		if err != nil {
			if !errors.Is(err, errBody) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		again, err := decodeEvent("name", encodeEvent(e))
		if err != nil {
			t.Fatalf("what decodes does not come back: %v", err)
		}
		if diff := cmp.Diff(e, again, lists); diff != "" {
			t.Fatalf("what decodes comes back as another (-first +again):\n%s", diff)
		}
	})
}

func FuzzDecodeType(f *testing.F) {
	for _, s := range []*tpinfo.Snapshot{sample("6.1", 0), tangled()} {
		for i := range s.Types {
			body := encodeType(&s.Types[i])
			f.Add(body)
			f.Add(body[:len(body)/2])
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		typ, err := decodeType("name", body)
		if err != nil {
			if !errors.Is(err, errBody) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		again, err := decodeType("name", encodeType(typ))
		if err != nil {
			t.Fatalf("what decodes does not come back: %v", err)
		}
		if diff := cmp.Diff(typ, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("what decodes comes back as another (-first +again):\n%s", diff)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	s := sample("6.1", 0)
	for i := range s.Types {
		stored, err := pack(encodeType(&s.Types[i]))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stored)
		f.Add(stored[:len(stored)/2])
	}
	f.Add([]byte{plain})
	f.Add([]byte{packed})
	f.Fuzz(func(t *testing.T, stored []byte) {
		body, err := unpack(stored)
		if err != nil {
			if !errors.Is(err, errBody) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if len(body) > maxBody {
			t.Fatalf("%d bytes unpack to %d", len(stored), len(body))
		}
		if stored, err = pack(body); err != nil {
			t.Fatal(err)
		}
		if again, err := unpack(stored); err != nil || !bytes.Equal(again, body) {
			t.Fatalf("%d bytes come back as %d (%v)", len(body), len(again), err)
		}
	})
}

func FuzzDecodeIDs(f *testing.F) {
	f.Add([]byte{})
	f.Add(encodeIDs([]int64{1, 2, 3, 700, 1 << 40}))
	f.Add([]byte{0x80})
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, body []byte) {
		ids, err := decodeIDs(body)
		if err != nil {
			if !errors.Is(err, errBody) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		for i, id := range ids {
			if id <= 0 || i > 0 && id <= ids[i-1] {
				t.Fatalf("ids do not ascend: %v", ids)
			}
		}
		if again, err := decodeIDs(encodeIDs(slices.Clone(ids))); err != nil || !slices.Equal(again, ids) {
			t.Fatalf("%v comes back as %v (%v)", ids, again, err)
		}
	})
}

// Unnamed structs in each other, each of which claims a member for every few
// bytes left, take no more memory than their bytes are worth.
func TestClaimedMembers(t *testing.T) {
	const size = 1 << 20
	e := &encoder{}
	for range maxAnon - 1 {
		e.text("", "", "")
		e.number(0)
		e.flag(false)
		e.number(size / 5) // members
		e.text("", "")
		e.number(0, 0)
		e.buf = append(e.buf, marks(false, true))
	}
	body := slices.Concat(e.buf, make([]byte, size+size/5))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := decodeType("x", body)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, errBody) {
		t.Errorf("%v, want a damaged body", err)
	}
	// A member of five bytes is 100 in memory, and a growing list is copied.
	if took, limit := after.TotalAlloc-before.TotalAlloc, uint64(100*len(body)); took > limit {
		t.Errorf("%d bytes took %d of memory, more than %d", len(body), took, limit)
	}
}

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
