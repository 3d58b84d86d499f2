package layout

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/snapshots"
)

// What decodes encodes to something that decodes as the same; what does not is
// a damaged body and nothing else.

func FuzzDecodeEvent(f *testing.F) {
	s := snapshots.Sample("6.1", 0)
	for i := range s.Events {
		addWithHalf(f, encodeEvent(&s.Events[i]))
	}
	f.Fuzz(func(t *testing.T, body []byte) { comesBack(t, body, DecodeEvent, encodeEvent, snapshots.Alike) })
}

func FuzzDecodeType(f *testing.F) {
	for _, s := range []*tpinfo.Snapshot{snapshots.Sample("6.1", 0), snapshots.Tangled()} {
		for i := range s.Types {
			addWithHalf(f, encodeType(&s.Types[i]))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) { comesBack(t, body, DecodeType, encodeType, cmpopts.EquateEmpty()) })
}

func addWithHalf(f *testing.F, body []byte) {
	f.Add(body)
	f.Add(body[:len(body)/2])
}

func comesBack[T any](t *testing.T, body []byte, decode func(string, []byte) (T, error), encode func(T) []byte, alike cmp.Option) {
	first, err := decode("name", body)
	if err != nil {
		if !errors.Is(err, ErrDamaged) {
			t.Fatalf("an error of another kind: %v", err)
		}
		return
	}
	again, err := decode("name", encode(first))
	if err != nil {
		t.Fatalf("what decodes does not come back: %v", err)
	}
	if diff := cmp.Diff(first, again, alike); diff != "" {
		t.Fatalf("what decodes comes back as another (-first +again):\n%s", diff)
	}
}

func FuzzUnpack(f *testing.F) {
	s := snapshots.Sample("6.1", 0)
	for i := range s.Types {
		stored, err := Pack(encodeType(&s.Types[i]))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stored)
		f.Add(stored[:len(stored)/2])
	}
	f.Add([]byte{plain})
	f.Add([]byte{packed})
	f.Fuzz(func(t *testing.T, stored []byte) {
		body, err := Unpack(stored)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if len(body) > MaxBody {
			t.Fatalf("%d bytes unpack to %d", len(stored), len(body))
		}
		if stored, err = Pack(body); err != nil {
			t.Fatal(err)
		}
		if again, err := Unpack(stored); err != nil || !bytes.Equal(again, body) {
			t.Fatalf("%d bytes come back as %d (%v)", len(body), len(again), err)
		}
	})
}

// A body that is packed on another needs that one, whatever either says.
func FuzzPacked(f *testing.F) {
	s := snapshots.Sample("6.1", 0)
	other := encodeType(&s.Types[7])
	whole, err := Pack(other)
	if err != nil {
		f.Fatal(err)
	}
	for i := range s.Types {
		stored, err := PackOn(encodeType(&s.Types[i]), other)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stored, whole)
		f.Add(stored, whole[:len(whole)/2])
		f.Add(stored, stored)
	}
	f.Fuzz(func(t *testing.T, stored, whole []byte) {
		body, err := Packed{Body: stored, Whole: whole}.Unpack()
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if len(body) > MaxBody {
			t.Fatalf("%d bytes unpack to %d", len(stored), len(body))
		}
		if len(stored) > 0 && (stored[0] == onOther || stored[0] == onLong) {
			if _, err := (Packed{Body: stored}).Unpack(); !errors.Is(err, ErrDamaged) {
				t.Fatalf("without the one that it is packed on: %v", err)
			}
		}
	})
}

func FuzzUnpackLong(f *testing.F) {
	base := []byte(headerPaths("linux"))
	whole, err := Pack(base)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"", "a", string(base), headerPaths("uapi")} {
		body, err := PackOn([]byte(text), base)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
		f.Add(body[:len(body)/2])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		text, err := Packed{Body: body, Whole: whole}.Unpack()
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if len(text) > MaxBody {
			t.Fatalf("%d bytes unpack to %d", len(body), len(text))
		}
		if body, err = PackOn(text, base); err != nil {
			t.Fatal(err)
		}
		if again, err := (Packed{Body: body, Whole: whole}).Unpack(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("%d bytes come back as %d (%v)", len(text), len(again), err)
		}
	})
}

func FuzzDecodeList(f *testing.F) {
	f.Add([]byte{})
	f.Add(EncodeList([]int64{1, 2, 3, 700, 1 << 40}))
	f.Add([]byte{0x80})
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, body []byte) {
		ids, err := DecodeList(body)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		for i, id := range ids {
			if id <= 0 || i > 0 && id <= ids[i-1] {
				t.Fatalf("ids do not ascend: %v", ids)
			}
		}
		if again, err := DecodeList(EncodeList(slices.Clone(ids))); err != nil || !slices.Equal(again, ids) {
			t.Fatalf("%v comes back as %v (%v)", ids, again, err)
		}
	})
}

// Unnamed structs in each other, each of which claims a member for every few
// bytes left, take no more memory than their bytes are worth.
func TestClaimedMembers(t *testing.T) {
	const size = 1 << 20
	e := &Encoder{}
	for range MaxAnon - 1 {
		e.Text("", "", "")
		e.Number(0)
		e.flag(false)
		e.Number(size / 5) // members
		e.Text("", "")
		e.Number(0, 0)
		e.buf = append(e.buf, marks(false, true))
	}
	body := slices.Concat(e.buf, make([]byte, size+size/5))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := DecodeType("x", body)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want a damaged body", err)
	}
	// A member of five bytes is 100 in memory, and a growing list is copied.
	if took, limit := after.TotalAlloc-before.TotalAlloc, uint64(100*len(body)); took > limit {
		t.Errorf("%d bytes took %d of memory, more than %d", len(body), took, limit)
	}
}
