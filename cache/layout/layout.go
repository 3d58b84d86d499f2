package layout

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo"
)

// Kinds of layouts.
const (
	KindEvent = 1
	KindType  = 2
)

// Layout is one event or type, apart from the kernels that have it.
type Layout struct {
	// ID is the number of its row in a cache; 0 for one that has none.
	ID   int64
	Hash Hash
	Kind int
	Name string
	// Body gives the body, where somebody may still want it.
	Body func() ([]byte, error)
	// Stored is the body as it is stored on its own, where that is known
	// already.
	Stored []byte
	// Incomplete: an event with something unknown.
	Incomplete bool
}

// Hash is what a layout is addressed by: two halves, since SQLite indexes an
// integer in half the space.
type Hash [2]int64

// HashOf is a content id as a hash.
func HashOf(id tpinfo.ContentID) Hash {
	return Hash{int64(binary.BigEndian.Uint64(id[:8])), int64(binary.BigEndian.Uint64(id[8:]))}
}

// Compare orders hashes.
func (h Hash) Compare(other Hash) int { return slices.Compare(h[:], other[:]) }

// EventHash digests all that is stored of an event: its content, and what a
// content id leaves out, its source and the words of its problems.
func EventHash(e *tpinfo.Tracepoint) Hash {
	id := e.ContentID()
	all := id[:]
	all = append(all, e.Source...)
	for _, p := range e.Problems {
		all = append(all, 0)
		all = append(all, p.Message...)
	}
	sum := sha256.Sum256(all)
	return HashOf(tpinfo.ContentID(sum[:16]))
}

// OfSnapshot digests all layouts of a snapshot, its events before its types.
func OfSnapshot(snap *tpinfo.Snapshot) []Layout {
	events := len(snap.Events)
	out := make([]Layout, events+len(snap.Types))
	_ = Each(len(out), func(i int) error {
		if i < events {
			out[i] = OfEvent(&snap.Events[i])
		} else {
			out[i] = OfType(&snap.Types[i-events])
		}
		return nil
	})
	return out
}

// OfEvent is the layout of an event, which must stay as it is.
func OfEvent(e *tpinfo.Tracepoint) Layout {
	return Layout{
		Hash: EventHash(e), Kind: KindEvent, Name: e.Name, Incomplete: !e.Complete(),
		Body: func() ([]byte, error) { return encodeEvent(e), nil },
	}
}

// OfType is the layout of a type, which must stay as it is. One whose unnamed
// structs nest deeper than MaxAnon has no body.
func OfType(t *tpinfo.Type) Layout {
	return Layout{
		Hash: HashOf(t.ContentID()), Kind: KindType, Name: t.Name,
		Body: func() ([]byte, error) {
			e := &typeEncoder{}
			if e.typ(t); e.deepest > MaxAnon {
				return nil, fmt.Errorf("its unnamed structs nest %d deep, more than %d", e.deepest, MaxAnon)
			}
			return e.buf, nil
		},
	}
}

// Of is the layout of a body. Its errors wrap ErrDamaged.
func Of(kind int, name string, body []byte) (Layout, error) {
	switch kind {
	case KindEvent:
		e, err := DecodeEvent(name, body)
		if err != nil {
			return Layout{}, err
		}
		return OfEvent(e), nil
	case KindType:
		t, err := DecodeType(name, body)
		if err != nil {
			return Layout{}, err
		}
		return OfType(t), nil
	}
	return Layout{}, fmt.Errorf("%w: it is neither an event nor a type", ErrDamaged)
}

// OfStored is the layout of a body as it is stored, under whatever hash that
// is. Its errors wrap ErrDamaged.
func OfStored(kind int, name string, stored Packed) (Layout, error) {
	body, err := stored.Unpack()
	if err != nil {
		return Layout{}, err
	}
	l, err := Of(kind, name, body)
	if stored.Whole == nil {
		l.Stored = stored.Body
	}
	return l, err
}

// Pack gives what is to be stored; as it is, where that need not be small.
func (l *Layout) Pack(asItIs bool) ([]byte, error) {
	if l.Stored != nil {
		return l.Stored, nil
	}
	body, err := l.Body()
	switch {
	case err != nil:
		return nil, err
	case asItIs && len(body) <= MaxBody:
		return append([]byte{plain}, body...), nil
	}
	return Pack(body)
}

// Each calls do for 0 to n-1, on all cores: a kernel has thousands of layouts,
// and what is done with one waits for no other.
func Each(n int, do func(i int) error) error {
	var g errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		g.Go(func() error {
			for i := w; i < n; i += workers {
				if err := do(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
