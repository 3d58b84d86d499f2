package cache

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tpinfo/tpinfo"
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
	p, err := newPacker()
	if err != nil {
		f.Fatal(err)
	}
	s := sample("6.1", 0)
	for i := range s.Types {
		stored, err := p.pack(encodeType(&s.Types[i]))
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
		p, err := newPacker()
		if err != nil {
			t.Fatal(err)
		}
		if stored, err = p.pack(body); err != nil {
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
