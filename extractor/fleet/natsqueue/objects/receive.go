package objects

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Get writes the object with this name and SHA-256, of at most limit bytes, to
// what open gives, which is called again for each try. Other content, or some
// that is gone, is ErrLacking.
func (s *Store) Get(ctx context.Context, name, digest string, limit int64, open func() (io.WriteCloser, error)) error {
	return s.Persist(ctx, transferLimit(limit), func(ctx context.Context) error {
		info, err := s.info(ctx, name)
		if err != nil {
			return err
		}
		if digestOf(info) != digest || int64(info.Size) > limit {
			return fmt.Errorf("%s: %w: it holds something else", name, ErrLacking)
		}
		w, err := open()
		if err != nil {
			return err
		}
		got, err := s.receive(ctx, info, w)
		err = errors.Join(err, w.Close())
		if err == nil && got != digest {
			return fmt.Errorf("%s: %w: it is damaged", name, ErrLacking)
		}
		return err
	})
}

// receive reads an object's content, and returns its SHA-256.
func (s *Store) receive(ctx context.Context, info *jetstream.ObjectInfo, w io.Writer) (digest string, err error) {
	h := sha256.New()
	left := int64(info.Size)
	next := uint64(1)
	for range info.Chunks {
		m, err := s.part(ctx, info, next)
		if err != nil {
			return "", err
		}
		next = m.Sequence + 1
		if left -= int64(len(m.Data)); left < 0 {
			return "", fmt.Errorf("%s: %w: it has more than its %d bytes", info.Name, ErrLacking, info.Size)
		}
		h.Write(m.Data)
		if _, err := w.Write(m.Data); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// part reads the first chunk from a place in the stream on. Any copy of the
// stream may answer, and one that lags is given a moment.
func (s *Store) part(ctx context.Context, info *jetstream.ObjectInfo, from uint64) (*jetstream.RawStreamMsg, error) {
	for try := range 10 {
		var m *jetstream.RawStreamMsg
		err := s.Persist(ctx, s.RequestLimit, func(ctx context.Context) (err error) {
			m, err = s.Stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject(s.chunkSubject(info)))
			return err
		})
		if !errors.Is(err, jetstream.ErrMsgNotFound) {
			return m, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(try+1) * 10 * time.Millisecond):
		}
	}
	return nil, fmt.Errorf("%s: %w: parts of it are gone", info.Name, ErrLacking)
}
