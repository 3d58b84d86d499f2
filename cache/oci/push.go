package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/errdef"
)

// Bundle is a kernel to publish.
type Bundle struct {
	Entry // without Size, which the bundle has
	// Export gives the bundle. It is called when the registry does not have
	// it, one call at a time: to make a bundle takes memory.
	Export func(context.Context) ([]byte, error)
}

// PushOptions change what Push does.
type PushOptions struct {
	// Replace leaves at the tag just what is pushed; without it, the other
	// kernels there stay.
	Replace bool
	// Report is called as each bundle is there, one call at a time.
	Report func(Pushed)
}

// Status is what became of a bundle.
type Status string

// What can become of a bundle.
const (
	New       Status = "new"       // the tag had no such kernel
	Changed   Status = "changed"   // the tag had another bundle of the kernel
	Unchanged Status = "unchanged" // the tag had it already
)

// Pushed is what became of one bundle.
type Pushed struct {
	Entry
	Status Status
	// Sent counts the bytes of the bundle that went to the registry: none
	// when it was there.
	Sent int64
}

// Push publishes bundles at the reference's tag. The tag changes at the end,
// when everything that its index leads to is there, or not at all.
//
// Registries know no condition for the change of a tag. Two pushes at once to
// one tag therefore look after themselves: each puts back what the other
// took out, until its own kernels are there and have stayed for a moment. A
// push that halts longer than that between its last look and its write can
// still undo another.
func (r *Repository) Push(ctx context.Context, bundles []Bundle, opts PushOptions) (*Index, error) {
	if r.ref.Digest != "" {
		return nil, fmt.Errorf("%q is %w to push to: a digest follows from what is pushed; leave it out", r.ref, ErrReference)
	}
	p := &push{r: r, replace: opts.Replace, report: opts.Report, before: map[string]*Entry{}}
	x, err := p.run(ctx, bundles)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.ref, r.explain(ctx, err))
	}
	return x, nil
}

// push is one call of Push.
type push struct {
	r       *Repository
	replace bool
	// before is what the tag had of each kernel.
	before map[string]*Entry

	exporting sync.Mutex

	mu     sync.Mutex
	report func(Pushed)
}

// transfers is how many bundles are on their way at once.
const transfers = 4

func (p *push) run(ctx context.Context, bundles []Bundle) (*Index, error) {
	there, err := p.there(ctx)
	if err != nil {
		return nil, err
	}
	for i := range there.Kernels {
		p.before[there.Kernels[i].ID] = &there.Kernels[i]
	}
	// What is refused is refused before anything is sent.
	for i := range bundles {
		if err := bundles[i].check(); err != nil {
			return nil, fmt.Errorf("kernel %.12s cannot be published: %w", bundles[i].ID, err)
		}
	}
	if err := p.blob(ctx, ocispec.DescriptorEmptyJSON, ocispec.DescriptorEmptyJSON.Data); err != nil {
		return nil, err
	}
	ours := make([]Entry, len(bundles))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(transfers)
	for i := range bundles {
		group.Go(func() error {
			pushed, err := p.bundle(gctx, bundles[i])
			if err != nil {
				return fmt.Errorf("%s: %w", bundles[i].Releases[0], err)
			}
			ours[i] = pushed.Entry
			p.tell(pushed)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return p.publish(ctx, ours)
}

func (p *push) tell(done Pushed) {
	if p.report == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report(done)
}

// there is what the tag has now: nothing, or what tpinfo published. Something
// else is left alone.
func (p *push) there(ctx context.Context) (*Index, error) {
	x, err := p.r.index(ctx)
	if errors.Is(err, errdef.ErrNotFound) {
		return &Index{}, nil
	}
	if p.replace && errors.Is(err, ErrDamaged) {
		return &Index{}, nil
	}
	if errors.Is(err, ErrNotOurs) || errors.Is(err, ErrNewer) {
		return nil, fmt.Errorf("%w, and stays as it is; choose another tag", err)
	}
	return x, err
}

// bundle sees to it that the registry has a bundle and its manifest.
func (p *push) bundle(ctx context.Context, b Bundle) (Pushed, error) {
	done := Pushed{Entry: b.Entry, Status: New}
	if was := p.before[b.ID]; was != nil {
		if was.same(&b.Entry) {
			// Who holds a registry to its word finds out late. Ask.
			layer, err := p.r.layer(ctx, *was)
			whole := false
			if err == nil {
				whole, err = p.r.store.Exists(ctx, layer)
			}
			if whole {
				return Pushed{Entry: *was, Status: Unchanged}, nil
			}
			if err != nil && !errors.Is(err, errdef.ErrNotFound) && !errors.Is(err, ErrDamaged) {
				return done, err
			}
		}
		done.Status = Changed
	}
	data, err := p.export(ctx, b)
	if err != nil {
		return done, err
	}
	if len(data) > MaxBundle {
		return done, fmt.Errorf("%w: its bundle has %d bytes, at most %d are published", ErrTooLarge, len(data), MaxBundle)
	}
	layer := describe(BundleType, data)
	done.Size = layer.Size
	there, err := p.r.store.Exists(ctx, layer)
	if err != nil {
		return done, err
	}
	if !there {
		if err := p.put(ctx, layer, data); err != nil {
			return done, err
		}
		done.Sent = layer.Size
	}
	manifest, err := done.encodeManifest(layer)
	if err != nil {
		return done, err
	}
	done.manifest = describe(ocispec.MediaTypeImageManifest, manifest)
	return done, p.blob(ctx, done.manifest, manifest)
}

func (p *push) export(ctx context.Context, b Bundle) ([]byte, error) {
	p.exporting.Lock()
	defer p.exporting.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return b.Export(ctx)
}

// blob puts what may be there already.
func (p *push) blob(ctx context.Context, desc ocispec.Descriptor, data []byte) error {
	there, err := p.r.store.Exists(ctx, desc)
	if err != nil || there {
		return err
	}
	return p.put(ctx, desc, data)
}

func (p *push) put(ctx context.Context, desc ocispec.Descriptor, data []byte) error {
	ctx, done := p.r.within(ctx, desc.Size)
	defer done()
	err := p.r.store.Push(ctx, desc, bytes.NewReader(data))
	if errors.Is(err, errdef.ErrAlreadyExists) {
		err = nil // another push came first
	}
	return timely(ctx, err)
}

const (
	// rounds is how often a push puts its kernels back.
	rounds = 20
	// settle is how long they have to stay, at least; settleMost at most.
	settle     = 200 * time.Millisecond
	settleMost = 3 * time.Second
)

// publish makes the tag lead to ours.
func (p *push) publish(ctx context.Context, ours []Entry) (*Index, error) {
	for range rounds {
		start := time.Now()
		there, err := p.there(ctx)
		if err != nil {
			return nil, err
		}
		merged := p.merge(there, ours)
		text, err := merged.encode()
		if err != nil {
			return nil, err
		}
		if len(text) > maxIndex {
			return nil, fmt.Errorf("%w: the index of %d kernels has %d bytes, registries take %d; spread them over several tags", ErrTooLarge, len(merged.Kernels), len(text), maxIndex)
		}
		merged.Digest = describe(ocispec.MediaTypeImageIndex, text).Digest.String()
		if merged.Digest == there.Digest {
			return merged, nil
		}
		if err := p.tag(ctx, text); err != nil {
			return nil, err
		}
		if p.replace {
			return merged, nil
		}
		// Another push that looked before this one wrote has written by then,
		// unless it takes several times as long as this one did.
		window := min(max(3*time.Since(start), p.r.settle), settleMost)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(window):
		}
		now, err := p.there(ctx)
		if err != nil {
			return nil, err
		}
		if p.stayed(now, ours) {
			return now, nil
		}
	}
	return nil, fmt.Errorf("%w: after %d rounds it still lacks kernels of this one; push again", ErrContended, rounds)
}

func (p *push) tag(ctx context.Context, index []byte) error {
	ctx, done := p.r.within(ctx, int64(len(index)))
	defer done()
	_, err := oras.TagBytes(ctx, p.r.store, ocispec.MediaTypeImageIndex, index, p.r.ref.Tag)
	return timely(ctx, err)
}

// merge is what is there with ours in it.
func (p *push) merge(there *Index, ours []Entry) *Index {
	merged := &Index{Kernels: slices.Clone(ours)}
	if p.replace {
		return merged
	}
	own := map[string]bool{}
	for i := range ours {
		own[ours[i].ID] = true
	}
	for i := range there.Kernels {
		if !own[there.Kernels[i].ID] {
			merged.Kernels = append(merged.Kernels, there.Kernels[i])
		}
	}
	merged.others, merged.Newer = there.others, there.Newer
	return merged
}

// stayed reports whether ours are there. A bundle of the same kernel that is
// neither ours nor the one before is a later push's, and as good.
func (p *push) stayed(now *Index, ours []Entry) bool {
	at := map[string]*Entry{}
	for i := range now.Kernels {
		at[now.Kernels[i].ID] = &now.Kernels[i]
	}
	for i := range ours {
		e := at[ours[i].ID]
		if e == nil {
			return false
		}
		was := p.before[ours[i].ID]
		if e.manifest.Digest != ours[i].manifest.Digest && was != nil && e.manifest.Digest == was.manifest.Digest {
			return false
		}
	}
	return true
}
