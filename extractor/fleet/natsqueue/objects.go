package natsqueue

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"golang.org/x/sync/errgroup"
)

// Objects lie in the store as NATS lays them out (ADR-20), so that its tools
// show them: chunks under a number of their own, and a description that names
// it. The client's own calls are not used. Its Put leaves goroutines behind and
// has no bound on what is on the way; its Get makes a consumer for each
// object, which a cluster that lost a node may never answer.

// errLacking is wrapped by the error for an object that is not there, or not
// what its name says.
var errLacking = errors.New("not in the queue's store")

// chunk is how much of an object goes into one message; servers take 1 MiB
// unless told otherwise.
const chunk = 256 << 10

// flying is how many chunks may be on the way to the server at once.
const flying = 32

// transferLimit is how long an object of n bytes may take: half a megabyte a
// second is slow for machines that share a queue.
func transferLimit(n int64) time.Duration {
	return time.Minute + time.Duration(n/(500<<10))*time.Second
}

func metaSubject(name string) string {
	return "$O." + bucket + ".M." + base64.URLEncoding.EncodeToString([]byte(name))
}

func chunkSubject(info *jetstream.ObjectInfo) string { return "$O." + bucket + ".C." + info.NUID }

// info returns an object's description; errLacking when it is not there. It
// asks the leader: a copy that lags would not know what was just stored.
func (q *Queue) info(ctx context.Context, name string) (*jetstream.ObjectInfo, error) {
	var response struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Data []byte `json:"data"`
		} `json:"message"`
	}
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	m, err := q.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+objectStream, encode(map[string]string{"last_by_subj": metaSubject(name)}))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(m.Data, &response); err != nil {
		return nil, err
	}
	if api := response.Error; api != nil && errors.Is(api, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("%s: %w", name, errLacking)
	} else if api != nil {
		return nil, api
	}
	info := &jetstream.ObjectInfo{}
	if err := json.Unmarshal(response.Message.Data, info); err != nil || info.Deleted || info.NUID == "" || info.Chunks > 1<<20 {
		return nil, fmt.Errorf("%s: %w", name, errLacking)
	}
	return info, nil
}

func digestOf(info *jetstream.ObjectInfo) string {
	sum, err := jetstream.DecodeObjectDigest(info.Digest)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sum)
}

// holds reports whether a package is there and is what it should be.
func (q *Queue) holds(ctx context.Context, p *parcel) (bool, error) {
	found := false
	err := q.persist(ctx, requestLimit, func(ctx context.Context) error {
		info, err := q.info(ctx, p.object())
		if errors.Is(err, errLacking) {
			return nil
		}
		found = err == nil && digestOf(info) == p.Digest && int64(info.Size) == p.Size
		return err
	})
	return found, err
}

// put stores an object and returns the SHA-256 of what was stored. open is
// called again for each try.
func (q *Queue) put(ctx context.Context, name string, n int64, open func() (io.ReadCloser, error)) (digest string, err error) {
	err = q.persist(ctx, transferLimit(n), func(ctx context.Context) error {
		r, err := open()
		if err != nil {
			return err
		}
		defer r.Close()
		old, err := q.info(ctx, name)
		if err != nil && !errors.Is(err, errLacking) {
			return err
		}
		info := &jetstream.ObjectInfo{
			ObjectMeta: jetstream.ObjectMeta{Name: name, Opts: &jetstream.ObjectMetaOptions{ChunkSize: chunk}},
			Bucket:     bucket, NUID: nuid.Next(),
		}
		err = q.send(ctx, info, r)
		if err == nil {
			err = q.describe(ctx, info)
		}
		if err != nil {
			q.purge(ctx, info)
			return err
		}
		if old != nil {
			q.purge(ctx, old)
		}
		digest = digestOf(info)
		return nil
	})
	return digest, err
}

// send stores an object's content, and fills in what the description says of
// it.
func (q *Queue) send(ctx context.Context, info *jetstream.ObjectInfo, r io.Reader) error {
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
			f, err := q.js.PublishAsync(chunkSubject(info), buf[:n])
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

// describe stores an object's description in place of the one before; from now
// on the object is there.
func (q *Queue) describe(ctx context.Context, info *jetstream.ObjectInfo) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	m := nats.NewMsg(metaSubject(info.Name))
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	m.Data = encode(info)
	_, err := q.js.PublishMsg(ctx, m)
	return err
}

// purge removes content that no description names any more, one message after
// the other: servers before 2.9.12 go on counting what a purge by subject
// removed, until they are full of nothing. Where it fails the server's own time
// for it ends.
func (q *Queue) purge(ctx context.Context, info *jetstream.ObjectInfo) {
	if !q.nc.IsConnected() {
		return
	}
	places, err := parseSpans(info.Metadata[placesKey])
	if err != nil || len(places) == 0 {
		err = q.within(context.WithoutCancel(ctx), requestLimit, func(ctx context.Context) error {
			return q.store.Purge(ctx, jetstream.WithPurgeSubject(chunkSubject(info)))
		})
	}
	var deletes errgroup.Group
	deletes.SetLimit(8)
	for _, s := range places {
		for seq := s.first; seq <= s.last; seq++ {
			deletes.Go(func() error {
				return q.within(context.WithoutCancel(ctx), requestLimit, func(ctx context.Context) error { return q.store.DeleteMsg(ctx, seq) })
			})
		}
	}
	if err = errors.Join(err, deletes.Wait()); err != nil {
		q.log.Debug("left on the queue", "object", info.Name, "error", err)
	}
}

// placesKey is where a description says which messages of the stream hold the
// content: "12-51,60-60".
const placesKey = "tpinfo-places"

// span is a range of messages.
type span struct{ first, last uint64 }

func extend(spans []span, seq uint64) []span {
	if n := len(spans); n > 0 && spans[n-1].last+1 == seq {
		spans[n-1].last = seq
		return spans
	}
	return append(spans, span{seq, seq})
}

func spell(spans []span) string {
	words := make([]string, len(spans))
	for i, s := range spans {
		words[i] = fmt.Sprintf("%d-%d", s.first, s.last)
	}
	return strings.Join(words, ",")
}

func parseSpans(text string) ([]span, error) {
	if text == "" {
		return nil, nil
	}
	var spans []span
	total := uint64(0)
	for word := range strings.SplitSeq(text, ",") {
		var s span
		if n, err := fmt.Sscanf(word, "%d-%d", &s.first, &s.last); n != 2 || err != nil || s.last < s.first || s.last+1 == 0 || s.last-s.first > maxParcel/chunk {
			return nil, fmt.Errorf("places %q", text)
		}
		if total += s.last - s.first + 1; total > maxParcel/chunk {
			return nil, fmt.Errorf("places %q", text)
		}
		spans = append(spans, s)
	}
	return spans, nil
}

// get writes the object with this name and SHA-256, of at most limit bytes, to
// what open gives, which is called again for each try. Other content, or some
// that is gone, is errLacking.
func (q *Queue) get(ctx context.Context, name, digest string, limit int64, open func() (io.WriteCloser, error)) error {
	return q.persist(ctx, transferLimit(limit), func(ctx context.Context) error {
		info, err := q.info(ctx, name)
		if err != nil {
			return err
		}
		if digestOf(info) != digest || int64(info.Size) > limit {
			return fmt.Errorf("%s: %w: it holds something else", name, errLacking)
		}
		w, err := open()
		if err != nil {
			return err
		}
		got, err := q.receive(ctx, info, w)
		err = errors.Join(err, w.Close())
		if err == nil && got != digest {
			return fmt.Errorf("%s: %w: it is damaged", name, errLacking)
		}
		return err
	})
}

// receive reads an object's content, and returns its SHA-256.
func (q *Queue) receive(ctx context.Context, info *jetstream.ObjectInfo, w io.Writer) (digest string, err error) {
	h := sha256.New()
	left := int64(info.Size)
	next := uint64(1)
	for range info.Chunks {
		m, err := q.part(ctx, info, next)
		if err != nil {
			return "", err
		}
		next = m.Sequence + 1
		if left -= int64(len(m.Data)); left < 0 {
			return "", fmt.Errorf("%s: %w: it has more than its %d bytes", info.Name, errLacking, info.Size)
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
func (q *Queue) part(ctx context.Context, info *jetstream.ObjectInfo, from uint64) (*jetstream.RawStreamMsg, error) {
	for try := range 10 {
		var m *jetstream.RawStreamMsg
		err := q.persist(ctx, requestLimit, func(ctx context.Context) (err error) {
			m, err = q.store.GetMsg(ctx, from, jetstream.WithGetMsgSubject(chunkSubject(info)))
			return err
		})
		if !errors.Is(err, jetstream.ErrMsgNotFound) {
			return m, err
		}
		pause(ctx, time.Duration(try+1)*10*time.Millisecond)
	}
	return nil, fmt.Errorf("%s: %w: parts of it are gone", info.Name, errLacking)
}

// drop deletes an object. One that stays costs room until the server's own
// time for it ends.
func (q *Queue) drop(ctx context.Context, name string) {
	err := q.within(ctx, requestLimit, func(ctx context.Context) error {
		info, err := q.info(ctx, name)
		if err != nil {
			return err
		}
		gone := *info
		gone.Deleted, gone.Size, gone.Chunks, gone.Digest = true, 0, 0, ""
		err = q.describe(ctx, &gone)
		q.purge(ctx, info)
		if isFull(err) {
			err = q.describe(ctx, &gone) // now there is room for the note
		}
		return err
	})
	if err != nil && !errors.Is(err, errLacking) {
		q.log.Debug("left on the queue", "object", name, "error", err)
	}
}
