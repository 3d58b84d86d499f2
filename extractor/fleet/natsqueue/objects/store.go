package objects

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrLacking is wrapped by the error for an object that is not there, or not
// what its name says.
var ErrLacking = errors.New("not in the queue's store")

// MaxSize is how many bytes an object may have: a source tree has 0.14 GB
// packed.
const MaxSize = 4 << 30

// Store is a bucket of objects on a server. Its fields are all needed; its
// methods may be called from several goroutines.
type Store struct {
	Bucket string
	JS     jetstream.JetStream
	Stream jetstream.Stream // StreamOf(Bucket), which has SubjectsOf(Bucket)
	Log    *slog.Logger     // is told of what is left on the server
	// RequestLimit is how long one request may take.
	RequestLimit time.Duration
	// Within calls f with a limit. Persist calls it again, each time with that
	// limit, until it succeeds, fails for good, or ctx ends.
	Within, Persist func(ctx context.Context, limit time.Duration, f func(context.Context) error) error
	// Full reports whether the server says by this error that it has no room.
	Full func(error) bool
}

// StreamOf names the stream that holds a bucket.
func StreamOf(bucket string) string { return "OBJ_" + bucket }

// SubjectsOf are the subjects of that stream: chunks, and descriptions.
func SubjectsOf(bucket string) []string {
	return []string{"$O." + bucket + ".C.>", "$O." + bucket + ".M.>"}
}

func (s *Store) metaSubject(name string) string {
	return "$O." + s.Bucket + ".M." + base64.URLEncoding.EncodeToString([]byte(name))
}

func (s *Store) chunkSubject(info *jetstream.ObjectInfo) string {
	return "$O." + s.Bucket + ".C." + info.NUID
}

// Has reports whether an object is there.
func (s *Store) Has(ctx context.Context, name string) (bool, error) {
	err := s.Persist(ctx, s.RequestLimit, func(ctx context.Context) error {
		_, err := s.info(ctx, name)
		return err
	})
	if errors.Is(err, ErrLacking) {
		return false, nil
	}
	return err == nil, err
}

// Holds reports whether an object is there and has this SHA-256 and size.
func (s *Store) Holds(ctx context.Context, name, digest string, size int64) (bool, error) {
	found := false
	err := s.Persist(ctx, s.RequestLimit, func(ctx context.Context) error {
		info, err := s.info(ctx, name)
		if errors.Is(err, ErrLacking) {
			return nil
		}
		found = err == nil && digestOf(info) == digest && int64(info.Size) == size
		return err
	})
	return found, err
}

// Drop deletes an object. One that stays costs room until the server's own
// time for it ends.
func (s *Store) Drop(ctx context.Context, name string) {
	err := s.Within(ctx, s.RequestLimit, func(ctx context.Context) error {
		info, err := s.info(ctx, name)
		if err != nil {
			return err
		}
		gone := *info
		gone.Deleted, gone.Size, gone.Chunks, gone.Digest = true, 0, 0, ""
		err = s.describe(ctx, &gone)
		if err != nil && !s.Full(err) {
			return err // it is there still, and stays whole
		}
		s.purge(ctx, info)
		if err != nil {
			err = s.describe(ctx, &gone) // now there is room for the note
		}
		return err
	})
	if err != nil && !errors.Is(err, ErrLacking) {
		s.Log.Debug("left on the queue", "object", name, "error", err)
	}
}

// info returns an object's description; ErrLacking when it is not there. It
// asks the leader: a copy that lags would not know what was just stored.
func (s *Store) info(ctx context.Context, name string) (*jetstream.ObjectInfo, error) {
	var response struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Data []byte `json:"data"`
		} `json:"message"`
	}
	ctx, cancel := context.WithTimeout(ctx, s.RequestLimit)
	defer cancel()
	question, err := json.Marshal(map[string]string{"last_by_subj": s.metaSubject(name)})
	if err != nil {
		return nil, err
	}
	m, err := s.JS.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+StreamOf(s.Bucket), question)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(m.Data, &response); err != nil {
		return nil, err
	}
	if api := response.Error; api != nil && errors.Is(api, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("%s: %w", name, ErrLacking)
	} else if api != nil {
		return nil, api
	}
	info := &jetstream.ObjectInfo{}
	if err := json.Unmarshal(response.Message.Data, info); err != nil || info.Deleted || info.NUID == "" || info.Chunks > 1<<20 {
		return nil, fmt.Errorf("%s: %w", name, ErrLacking)
	}
	return info, nil
}

// describe stores an object's description in place of the one before; from now
// on the object is there.
func (s *Store) describe(ctx context.Context, info *jetstream.ObjectInfo) error {
	ctx, cancel := context.WithTimeout(ctx, s.RequestLimit)
	defer cancel()
	text, err := json.Marshal(info)
	if err != nil {
		return err
	}
	m := nats.NewMsg(s.metaSubject(info.Name))
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	m.Data = text
	_, err = s.JS.PublishMsg(ctx, m)
	return err
}

func digestOf(info *jetstream.ObjectInfo) string {
	sum, err := jetstream.DecodeObjectDigest(info.Digest)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sum)
}

// transferLimit is how long an object of n bytes may take: half a megabyte a
// second is slow for machines that share a queue.
func transferLimit(n int64) time.Duration {
	return time.Minute + time.Duration(n/(500<<10))*time.Second
}
