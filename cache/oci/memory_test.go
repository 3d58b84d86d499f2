package oci

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/goleak"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/errdef"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memoryStore is a registry in memory that counts what is done to it.
type memoryStore struct {
	*memory.Store
	// mangle, when there, changes what is fetched.
	mangle func(ocispec.Descriptor, []byte) []byte
	lost   map[digest.Digest]bool // what it no longer has

	mu     sync.Mutex
	pushed []ocispec.Descriptor
	tags   []string // all that were ever given, in order
	tagged int
	delay  func() // before a tag changes
}

func newMemoryStore() *memoryStore { return &memoryStore{Store: memory.New()} }

func (s *memoryStore) Push(ctx context.Context, d ocispec.Descriptor, r io.Reader) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.Store.Push(ctx, d, r)
	if err == nil || s.lost[d.Digest] {
		s.pushed = append(s.pushed, d)
		delete(s.lost, d.Digest)
	}
	return err
}

func (s *memoryStore) Tag(ctx context.Context, d ocispec.Descriptor, tag string) error {
	if s.delay != nil {
		s.delay()
	}
	s.mu.Lock()
	s.tagged++
	s.tags = append(s.tags, tag)
	s.mu.Unlock()
	return s.Store.Tag(ctx, d, tag)
}

func (s *memoryStore) Tags(_ context.Context, _ string, fn func([]string) error) error {
	return fn(s.tags)
}

// Resolve knows digests too, as registries do.
func (s *memoryStore) Resolve(ctx context.Context, name string) (ocispec.Descriptor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.pushed {
		if d.Digest.String() == name {
			return d, nil
		}
	}
	return s.Store.Resolve(ctx, name)
}

func (s *memoryStore) Exists(ctx context.Context, d ocispec.Descriptor) (bool, error) {
	if s.lost[d.Digest] {
		return false, nil
	}
	return s.Store.Exists(ctx, d)
}

func (s *memoryStore) Fetch(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if s.lost[d.Digest] {
		return nil, errdef.ErrNotFound
	}
	r, err := s.Store.Fetch(ctx, d)
	if err != nil || s.mangle == nil {
		return r, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	return io.NopCloser(bytes.NewReader(s.mangle(d, data))), err
}

// open is the repository that a store holds.
func (s *memoryStore) open(t *testing.T, place string) *Repository {
	t.Helper()
	ref, err := ParseReference(Scheme + "registry.example/" + place)
	if err != nil {
		t.Fatal(err)
	}
	return &Repository{ref: ref, store: s, patience: time.Second, settle: time.Millisecond, close: func() {}}
}

// bundle is a kernel to publish, with bytes that follow from its release and
// edition.
func bundle(release string, edition int) Bundle {
	data := fmt.Appendf(nil, "the bundle of %s, edition %d\n", release, edition)
	id, sum := sha256.Sum256([]byte(release)), sha256.Sum256(data)
	return Bundle{
		Entry: Entry{
			ID: hex.EncodeToString(id[:16]), Releases: []string{release}, Arch: "x86", Events: 41,
			Content: hex.EncodeToString(sum[:]),
		},
		Export: func(context.Context) ([]byte, error) { return data, nil },
	}
}

func data(t *testing.T, b Bundle) []byte {
	t.Helper()
	text, err := b.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// publish pushes, and returns what became of each by release.
func publish(t *testing.T, r *Repository, o PushOptions, bundles ...Bundle) (*Index, map[string]Status) {
	t.Helper()
	became := map[string]Status{}
	o.Report = func(p Pushed) { became[p.Releases[0]] = p.Status }
	x, err := r.Push(t.Context(), bundles, o)
	if err != nil {
		t.Fatal(err)
	}
	return x, became
}

// releases are what an index has, in its order.
func releases(x *Index) []string {
	var all []string
	for _, k := range x.Kernels {
		all = append(all, k.Releases...)
	}
	return all
}
