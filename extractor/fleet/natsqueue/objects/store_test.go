package objects

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/tpinfo/tpinfo/fixtures/natsserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func configOf(bucket string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamOf(bucket), Subjects: SubjectsOf(bucket), Discard: jetstream.DiscardNew, AllowRollup: true, AllowDirect: true,
	}
}

// newStore is an empty one. A call that fails is tried three times.
func newStore(t *testing.T) *Store {
	t.Helper()
	nc, err := nats.Connect(natsserver.Start(t, "").URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	s := &Store{Bucket: "files", Log: slog.New(slog.DiscardHandler), RequestLimit: 5 * time.Second, Full: func(error) bool { return false }}
	s.Within = func(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return f(ctx)
	}
	s.Persist = func(ctx context.Context, limit time.Duration, f func(context.Context) error) (err error) {
		for range 3 {
			if err = s.Within(ctx, limit, f); err == nil || errors.Is(err, ErrLacking) || errors.Is(err, jetstream.ErrMsgNotFound) {
				return err
			}
		}
		return err
	}
	if s.JS, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	if s.Stream, err = s.JS.CreateStream(t.Context(), configOf(s.Bucket)); err != nil {
		t.Fatal(err)
	}
	return s
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (s *Store) putBytes(t *testing.T, name string, data []byte) {
	t.Helper()
	got, err := s.Put(t.Context(), name, int64(len(data)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
	if err != nil || got != digest(data) {
		t.Fatalf("put %s: %s, %v", name, got, err)
	}
}

// inMemory is a buffer that wants no closing.
type inMemory struct{ *bytes.Buffer }

func (inMemory) Close() error { return nil }

func (s *Store) getBytes(t *testing.T, name string, want []byte) error {
	t.Helper()
	var got bytes.Buffer
	err := s.Get(t.Context(), name, digest(want), MaxSize, func() (io.WriteCloser, error) {
		got.Reset()
		return inMemory{&got}, nil
	})
	if err == nil && !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s: %d other bytes", name, got.Len())
	}
	return err
}

// sample has a number of bytes, each chunk other ones.
func sample(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i>>18 + i)
	}
	return data
}

// messages is how many there are in the stream.
func (s *Store) messages(t *testing.T) uint64 {
	t.Helper()
	info, err := s.Stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.State.Msgs
}

func TestObjects(t *testing.T) {
	s, ctx := newStore(t), t.Context()
	if there, err := s.Has(ctx, "a"); there || err != nil {
		t.Errorf("nothing is there: %v, %v", there, err)
	}
	large, small := sample(40*chunk+1), []byte("other content")
	s.putBytes(t, "a", large)
	s.putBytes(t, "empty", nil)
	for name, data := range map[string][]byte{"a": large, "empty": nil} {
		if err := s.getBytes(t, name, data); err != nil {
			t.Error(err)
		}
		if there, err := s.Holds(ctx, name, digest(data), int64(len(data))); !there || err != nil {
			t.Errorf("%s is held: %v, %v", name, there, err)
		}
	}
	for _, err := range []error{s.getBytes(t, "a", small), s.getBytes(t, "b", small)} {
		if !errors.Is(err, ErrLacking) {
			t.Errorf("what is not there: %v", err)
		}
	}
	// NATS's own tools see the same.
	theirs, err := s.JS.ObjectStore(ctx, s.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := theirs.GetBytes(ctx, "a"); err != nil || !bytes.Equal(data, large) {
		t.Errorf("to NATS's client it is %d bytes: %v", len(data), err)
	}
	s.putBytes(t, "a", small)
	if n := s.messages(t); n != 3 {
		t.Errorf("%d messages for an object of one chunk and an empty one", n)
	}
	s.Drop(ctx, "a")
	if there, err := s.Has(ctx, "a"); there || err != nil {
		t.Errorf("what was dropped is there: %v, %v", there, err)
	}
	if n := s.messages(t); n != 2 {
		t.Errorf("%d messages for a note and an empty object", n)
	}
}

// Content that is not whole any more is lacking.
func TestPartsGone(t *testing.T) {
	s := newStore(t)
	data := sample(3 * chunk)
	s.putBytes(t, "a", data)
	if err := s.Stream.DeleteMsg(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if err := s.getBytes(t, "a", data); !errors.Is(err, ErrLacking) {
		t.Errorf("error %v", err)
	}
}

// reader gives a chunk at a time; before is called with the number of each.
type reader struct {
	*bytes.Reader
	before func(n int)
	n      int
}

func (r *reader) Read(p []byte) (int, error) {
	r.before(r.n)
	r.n++
	return r.Reader.Read(p)
}

func (r *reader) Close() error { return nil }

// A server that takes no chunk for a moment does not get them out of order.
func TestChunksInOrder(t *testing.T) {
	s, ctx := newStore(t), t.Context()
	data := sample(3 * chunk)
	tries := 0
	_, err := s.Put(ctx, "a", int64(len(data)), func() (io.ReadCloser, error) {
		tries++
		return &reader{Reader: bytes.NewReader(data), before: func(n int) {
			var err error
			switch {
			case tries == 1 && n == 0:
				err = s.JS.DeleteStream(ctx, StreamOf(s.Bucket))
			case tries == 1 && n == 1:
				time.Sleep(100 * time.Millisecond) // for the answer that nobody takes the first
				_, err = s.JS.CreateStream(ctx, configOf(s.Bucket))
			}
			if err != nil {
				t.Error(err)
			}
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.getBytes(t, "a", data); err != nil {
		t.Error(err)
	}
}

// refusing stores no descriptions.
type refusing struct{ jetstream.JetStream }

func (refusing) PublishMsg(context.Context, *nats.Msg, ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	return nil, nats.ErrTimeout
}

// What could not be dropped is whole: who finds it there can have it.
func TestNotDropped(t *testing.T) {
	s := newStore(t)
	data := sample(2 * chunk)
	s.putBytes(t, "a", data)
	js := s.JS
	s.JS = refusing{js}
	s.Drop(t.Context(), "a")
	s.JS = js
	if err := s.getBytes(t, "a", data); err != nil {
		t.Error(err)
	}
}
