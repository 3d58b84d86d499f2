package layout

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/flate"
	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/snapshots"
)

func TestEventBody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := snapshots.AnyEvent.Draw(t, "event")
		got, err := DecodeEvent(want.Name, encodeEvent(want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, snapshots.Alike); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if got.ContentID() != want.ContentID() {
			t.Fatal("the content id changed")
		}
	})
}

func TestTypeBody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := snapshots.AnyType(3).Draw(t, "type")
		got, err := DecodeType(want.Name, encodeType(want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func TestPackedBody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		stored, err := Pack(want)
		if err != nil {
			t.Fatal(err)
		}
		if len(stored) > len(want)+1 {
			t.Fatalf("%d bytes became %d", len(want), len(stored))
		}
		got, err := Unpack(stored)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("got %x, want %x", got, want)
		}
	})
}

// A body packed on another comes back with that one, and with no other.
func TestPackedOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.Byte())
		want, other := text.Draw(t, "body"), text.Draw(t, "other")
		whole, err := Pack(other)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := PackOn(want, other)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Packed{Body: stored, Whole: whole}.Unpack()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %x (%v), want %x", got, err, want)
		}
		for _, wrong := range []Packed{{Body: stored}, {Body: stored, Whole: stored}} {
			if body, err := wrong.Unpack(); !errors.Is(err, ErrDamaged) {
				t.Fatalf("without the other it gave %x (%v)", body, err)
			}
		}
		if alone, err := (Packed{Body: whole, Whole: stored}).Unpack(); err != nil || !bytes.Equal(alone, other) {
			t.Fatalf("one that stands alone gave %x (%v)", alone, err)
		}
	})
	if _, err := PackOn(make([]byte, MaxBody+1), nil); err == nil {
		t.Error("more than can be read back was packed")
	}
}

func TestIDList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfDistinct(rapid.Int64Range(1, 1<<30), rapid.ID[int64]).Draw(t, "ids")
		got, err := DecodeList(EncodeList(slices.Clone(want)))
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// A word of the dictionary that does not decode as what it is meant for would
// cost space and never be noticed.
func TestDictionary(t *testing.T) {
	d := string(dictionary())
	for _, want := range []string{
		"\x04list\x10struct list_head\x00\x20\x00", // a member
		"\x14struct task_struct *",
		"common_preempt_count",
	} {
		if !strings.Contains(d, want) {
			t.Errorf("the dictionary lacks %q", want)
		}
	}
	if len(d) > 32<<10 {
		t.Errorf("%d bytes: deflate looks back no further than 32 KiB", len(d))
	}
}

// A damaged body is an error, in bounded memory.
func TestDamagedBody(t *testing.T) {
	event := encodeEvent(&snapshots.Sample("6.1", 0).Events[1])
	typ := encodeType(&snapshots.Sample("6.1", 0).Types[7])
	for n := range event {
		if _, err := DecodeEvent("request", event[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("an event cut at %d of %d: %v", n, len(event), err)
		}
	}
	for n := range typ {
		if _, err := DecodeType("struct page", typ[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("a type cut at %d of %d: %v", n, len(typ), err)
		}
	}
	huge := []byte{0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f}
	if _, err := DecodeEvent("x", huge); !errors.Is(err, ErrDamaged) {
		t.Errorf("a list longer than its body: %v", err)
	}
	if _, err := Unpack([]byte{7, 1}); !errors.Is(err, ErrDamaged) {
		t.Errorf("an unknown form: %v", err)
	}
	if _, err := Pack(make([]byte, MaxBody+1)); err == nil {
		t.Error("a body is stored that cannot be read")
	}
	if largest, err := Pack(make([]byte, MaxBody)); err != nil {
		t.Error(err)
	} else if body, err := Unpack(largest); err != nil || len(body) != MaxBody {
		t.Errorf("the largest body there may be comes back as %d bytes (%v)", len(body), err)
	}
	var bomb bytes.Buffer
	bomb.WriteByte(packed)
	w, err := flate.NewWriterDict(&bomb, packLevel, dictionary())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, MaxBody+1)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, stored := range [][]byte{bomb.Bytes(), make([]byte, MaxBody+2)} {
		if _, err := Unpack(stored); !errors.Is(err, errTooLarge) {
			t.Errorf("a body of %d bytes that unpacks to more than there may be: %v", len(stored), err)
		}
	}
	nested := &tpinfo.Type{Kind: tpinfo.KindStruct}
	for range 200 {
		nested = &tpinfo.Type{Kind: tpinfo.KindStruct, Anon: nested}
	}
	if _, err := DecodeType("x", encodeType(nested)); !errors.Is(err, ErrDamaged) {
		t.Errorf("unnamed structs 200 deep: %v", err)
	}
}
