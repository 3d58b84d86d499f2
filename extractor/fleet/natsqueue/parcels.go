package natsqueue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue/objects"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
)

// DefaultStore is how many bytes of packages a worker keeps.
const DefaultStore = 2 << 30

// lackError: a package is not on the queue, or not what it should be.
type lackError struct {
	name, digest string
	err          error
}

func (e *lackError) Error() string { return fmt.Sprintf("package %s: %v", e.name, e.err) }
func (e *lackError) Unwrap() error { return e.err }

// shelf holds the packages that a worker fetched, by their digest. Kernels of
// one version share most of theirs.
type shelf struct {
	queue *Queue
	dir   string
	limit int64

	mu    sync.Mutex
	slots map[string]*packed
}

// packed is one package on the shelf.
type packed struct {
	fetching sync.Mutex
	path     string // empty until it is there
	size     int64
	users    int
	last     time.Time
}

func newShelf(q *Queue, dir string, limit int64) *shelf {
	if limit <= 0 {
		limit = DefaultStore
	}
	return &shelf{queue: q, dir: dir, limit: limit, slots: map[string]*packed{}}
}

// unpack fetches an offer's packages and returns its task with their paths on
// this machine. They stay until release.
func (s *shelf) unpack(ctx context.Context, o *offer) (task fleet.Task, release func(), err error) {
	var held []*packed
	release = func() { s.release(held) }
	paths := map[string]string{}
	for _, p := range o.parcels() {
		slot := s.hold(p)
		held = append(held, slot)
		if err := s.fetch(ctx, p, slot); err != nil {
			return fleet.Task{}, release, err
		}
		paths[p.Digest] = slot.path
	}
	task = o.Task
	local := func(list []kpkg.Package) []kpkg.Package {
		list = slices.Clone(list)
		for i := range list {
			list[i].Path = paths[list[i].Digest]
		}
		return list
	}
	task.Set.Headers, task.Set.Image = local(task.Set.Headers), local(task.Set.Image)
	if o.Source != nil {
		task.Set.Source = paths[o.Source.Digest]
	}
	return task, release, nil
}

func (s *shelf) hold(p *parcel) *packed {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := s.slots[p.Digest]
	if slot == nil {
		slot = &packed{size: p.Size}
		s.slots[p.Digest] = slot
	}
	slot.users++
	return slot
}

// release lets packages go, and removes those that nobody used for longest
// where there are too many.
func (s *shelf) release(held []*packed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, slot := range held {
		slot.users--
		slot.last = time.Now()
	}
	total := int64(0)
	var free []string
	for digest, slot := range s.slots {
		total += slot.size
		if slot.users == 0 {
			free = append(free, digest)
		}
	}
	slices.SortFunc(free, func(a, b string) int {
		return cmp.Or(s.slots[a].last.Compare(s.slots[b].last), cmp.Compare(a, b))
	})
	for _, digest := range free {
		if total <= s.limit {
			return
		}
		total -= s.slots[digest].size
		os.RemoveAll(filepath.Join(s.dir, digest))
		delete(s.slots, digest)
	}
}

// fetch brings a package to the shelf, once however many tasks want it.
func (s *shelf) fetch(ctx context.Context, p *parcel, slot *packed) error {
	slot.fetching.Lock()
	defer slot.fetching.Unlock()
	if slot.path != "" {
		return nil
	}
	// A folder each, so that a file keeps its name.
	dir := filepath.Join(s.dir, p.Digest)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, p.name())
	err := s.queue.objects.Get(ctx, p.object(), p.Digest, p.Size, func() (io.WriteCloser, error) { return os.Create(path) })
	if err != nil {
		os.RemoveAll(dir)
		if errors.Is(err, objects.ErrLacking) {
			return &lackError{p.name(), p.Digest, err}
		}
		return fmt.Errorf("package %s: %w", p.name(), err)
	}
	slot.path = path
	return nil
}
