package runner

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// fakeRing is a ring buffer in plain memory, with what the kernel's side does.
func fakeRing(size int) (*ring, func(length uint32, payload string)) {
	r := &ring{consumer: new(uint64), producer: new(uint64), data: make([]byte, 2*size)}
	write := func(length uint32, payload string) {
		at := int(*r.producer) % size
		record := binary.NativeEndian.AppendUint32(nil, length)
		record = append(append(record, 0, 0, 0, 0), payload...)
		for len(record)%8 != 0 {
			record = append(record, 0)
		}
		for i, b := range record {
			// The second mapping shows the same memory.
			r.data[(at+i)%size], r.data[(at+i)%size+size] = b, b
		}
		*r.producer += uint64(len(record))
	}
	return r, write
}

func TestRing(t *testing.T) {
	r, write := fakeRing(64)
	var got []string
	take := func(record []byte) error { got = append(got, string(record)); return nil }
	drain := func() bool {
		t.Helper()
		took, err := r.drain(take)
		if err != nil {
			t.Fatal(err)
		}
		return took
	}
	if drain() {
		t.Error("an empty ring gave a record")
	}
	// Records of 13 bytes take 24, so they wrap around 64 in all ways.
	for i := range 20 {
		payload := "record number"[:13-i%3]
		write(uint32(len(payload)), payload)
		if !drain() || got[len(got)-1] != payload {
			t.Fatalf("record %d: got %q, want %q", i, got, payload)
		}
	}
	got = nil
	write(3|ringDiscard, "bad")
	write(2, "ab")
	write(2|ringBusy, "cd")
	write(2, "ef")
	if drain(); !slices.Equal(got, []string{"ab"}) {
		t.Errorf("got %q, want what stands in front of the record that is not committed", got)
	}
	at := int(*r.consumer) % 64
	for _, i := range []int{at, at + 64} {
		binary.NativeEndian.PutUint32(r.data[i%128:], 2)
	}
	if drain(); !slices.Equal(got, []string{"ab", "cd", "ef"}) {
		t.Errorf("got %q after the commit", got)
	}
}

func TestRingStops(t *testing.T) {
	r, write := fakeRing(64)
	write(1, "a")
	write(1, "b")
	failure := errors.New("full disk")
	var got string
	_, err := r.drain(func(record []byte) error { got += string(record); return failure })
	if !errors.Is(err, failure) || got != "a" {
		t.Errorf("took %q, error %v", got, err)
	}
	if _, err := r.drain(func(record []byte) error { got += string(record); return nil }); err != nil || got != "ab" {
		t.Errorf("took %q, error %v", got, err)
	}
	write(1000, "longer than the ring")
	if _, err := r.drain(func([]byte) error { return nil }); err == nil {
		t.Error("a record that is longer than what is there was taken")
	}
}
