package objects

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"golang.org/x/sync/errgroup"
)

// chunk is how much of an object goes into one message; servers take 1 MiB
// unless told otherwise.
const chunk = 256 << 10

// flying is how many chunks may be on the way to the server at once.
const flying = 32

// Put stores an object and returns the SHA-256 of what was stored. open is
// called again for each try.
func (s *Store) Put(ctx context.Context, name string, n int64, open func() (io.ReadCloser, error)) (digest string, err error) {
	err = s.Persist(ctx, transferLimit(n), func(ctx context.Context) error {
		r, err := open()
		if err != nil {
			return err
		}
		defer r.Close()
		old, err := s.info(ctx, name)
		if err != nil && !errors.Is(err, ErrLacking) {
			return err
		}
		info := &jetstream.ObjectInfo{
			ObjectMeta: jetstream.ObjectMeta{Name: name, Opts: &jetstream.ObjectMetaOptions{ChunkSize: chunk}},
			Bucket:     s.Bucket, NUID: nuid.Next(),
		}
		err = s.send(ctx, info, r)
		if err == nil {
			err = s.describe(ctx, info)
		}
		if err != nil {
			s.purge(ctx, info)
			return err
		}
		if old != nil {
			s.purge(ctx, old)
		}
		digest = digestOf(info)
		return nil
	})
	return digest, err
}

// send stores an object's content, and fills in what the description says of
// it.
func (s *Store) send(ctx context.Context, info *jetstream.ObjectInfo, r io.Reader) error {
	h := sha256.New()
	var sent []jetstream.PubAckFuture
	var places []span
	defer func() { info.Metadata = map[string]string{placesKey: spell(places)} }()
	settle := func(leave int) error {
		for ; len(sent) > leave; sent = sent[1:] {
			select {
			case ack := <-sent[0].Ok():
				places = extend(places, ack.Sequence)
			case err := <-sent[0].Err():
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	for {
		buf := make([]byte, chunk) // the client keeps it until it is acknowledged
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			h.Write(buf[:n])
			// The client's own tries would store it behind those that follow.
			f, err := s.JS.PublishAsync(s.chunkSubject(info), buf[:n], jetstream.WithRetryAttempts(0))
			if err != nil {
				return err
			}
			sent = append(sent, f)
			info.Size, info.Chunks = info.Size+uint64(n), info.Chunks+1
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			info.Digest = jetstream.GetObjectDigestValue(h)
			return settle(0)
		case err != nil:
			return err
		}
		if err := settle(flying - 1); err != nil {
			return err
		}
	}
}

// purge removes content that no description names any more, one message after
// the other: servers before 2.9.12 go on counting what a purge by subject
// removed, until they are full of nothing. Where it fails the server's own time
// for it ends.
func (s *Store) purge(ctx context.Context, info *jetstream.ObjectInfo) {
	if !s.JS.Conn().IsConnected() {
		return
	}
	places, err := parseSpans(info.Metadata[placesKey])
	if err != nil || len(places) == 0 {
		err = s.Within(context.WithoutCancel(ctx), s.RequestLimit, func(ctx context.Context) error {
			return s.Stream.Purge(ctx, jetstream.WithPurgeSubject(s.chunkSubject(info)))
		})
	}
	var deletes errgroup.Group
	deletes.SetLimit(8)
	for _, one := range places {
		for seq := one.first; seq <= one.last; seq++ {
			deletes.Go(func() error {
				return s.Within(context.WithoutCancel(ctx), s.RequestLimit, func(ctx context.Context) error { return s.Stream.DeleteMsg(ctx, seq) })
			})
		}
	}
	if err = errors.Join(err, deletes.Wait()); err != nil {
		s.Log.Debug("left on the queue", "object", info.Name, "error", err)
	}
}
