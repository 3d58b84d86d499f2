package kpkg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// Opener unpacks sets into a scratch folder. What several sets share is
// unpacked once and stays until the last of them was closed. It is safe for
// concurrent use.
type Opener struct {
	dir    string
	limits archive.Limits

	mu     sync.Mutex
	parts  map[string]*part // unpacked for several sets, by key
	wanted map[string]int   // sets that are yet to be opened, by key
}

// NewOpener makes an opener that unpacks below dir, which must exist. Zero
// limits are the default ones.
func NewOpener(dir string, limits archive.Limits) *Opener {
	return &Opener{dir: dir, limits: limits, parts: map[string]*part{}, wanted: map[string]int{}}
}

// Expect announces that each of the sets will be opened once, or forgotten:
// what they share is kept from the first to the last of them. Without it, it
// is kept while an opened set uses it.
func (o *Opener) Expect(sets ...Set) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range sets {
		for _, key := range s.shared() {
			o.wanted[key]++
		}
	}
}

// Forget takes back what Expect said of sets that will not be opened.
func (o *Opener) Forget(sets ...Set) error {
	var all []error
	for _, s := range sets {
		for _, key := range s.shared() {
			all = append(all, o.release(key, false))
		}
	}
	return errors.Join(all...)
}

// shared are the keys of the parts that a set may have in common with others.
func (s *Set) shared() []string {
	var keys []string
	for i, p := range s.Headers {
		if i > 0 {
			keys = append(keys, "headers "+p.key())
		}
	}
	if s.Source != "" {
		keys = append(keys, "source "+s.Source)
	}
	return keys
}

func (p *Package) key() string {
	if p.Digest != "" {
		return p.Digest
	}
	return p.Path
}

// Opened is a set on disk.
type Opened struct {
	// Build is the folder of the build tree, as kbuild.Find takes it.
	Build string
	// BTF is the kernel's image; empty when the set has none.
	BTF string
	// Source is the folder of the full source tree; empty when there is none.
	Source string
	// Headers is the digest of all header content that a compile could read:
	// sets that differ in the release's name alone have the same. With a
	// source tree, it is part of it.
	Headers string

	close func() error
}

// Close removes what was unpacked for this set alone.
func (o *Opened) Close() error { return o.close() }

// Open unpacks a set. Nothing stays on disk when it fails. An error about a
// file is an [*archive.Error].
func (o *Opener) Open(ctx context.Context, s Set) (*Opened, error) {
	opened := &Opened{}
	var undo []func() error
	opened.close = sync.OnceValue(func() error {
		var all []error
		for _, f := range slices.Backward(undo) {
			all = append(all, f())
		}
		return errors.Join(all...)
	})
	// Whatever becomes of this set, it is not expected any more.
	parts := map[string]*part{}
	for _, key := range s.shared() {
		parts[key] = o.acquire(key)
		undo = append(undo, func() error { return o.release(key, true) })
	}
	fail := func(err error) (*Opened, error) {
		return nil, errors.Join(err, opened.close())
	}
	dir, err := o.folder("set")
	if err != nil {
		return fail(err)
	}
	undo = append(undo, func() error { return os.RemoveAll(dir) })

	var sums []string
	if s.Tree != "" {
		opened.Build = s.Tree
		sums, err = hashTree(ctx, s.Tree)
	} else {
		opened.Build, sums, err = o.headers(ctx, dir, s, parts)
	}
	if err != nil {
		return fail(err)
	}
	if opened.BTF, err = o.image(ctx, dir, s); err != nil {
		return fail(err)
	}
	if s.Source != "" {
		p := parts["source "+s.Source]
		if err := o.fill(p, func() error { return o.source(ctx, p, s.Source) }); err != nil {
			return fail(err)
		}
		opened.Source = p.dir
		sums = append(sums, "source "+p.sum)
	}
	all := sha256.Sum256([]byte(strings.Join(sums, "\n")))
	opened.Headers = hex.EncodeToString(all[:])
	return opened, nil
}

// headers unpacks the header packages of a set below dir, as if they were
// installed there: its own packages as they are, and links of ours to what is
// shared. It gives the build folder and the digests of all trees, the build
// tree's first.
func (o *Opener) headers(ctx context.Context, dir string, s Set, parts map[string]*part) (build string, sums []string, err error) {
	if len(s.Headers) == 0 {
		return "", nil, &archive.Error{Kind: ErrIncomplete, Path: s.Release, Reason: "there are no headers", Supply: []string{"give the kernel's header packages"}}
	}
	own := s.Headers[0]
	trees, err := unpackHeaders(ctx, own, dir, o.limits)
	if err != nil {
		return "", nil, err
	}
	for _, t := range trees {
		if t.build && build == "" {
			build = filepath.Join(dir, t.root)
			sums = append(sums, "build "+t.sum)
		}
	}
	if build == "" {
		return "", nil, &archive.Error{Kind: ErrIncomplete, Path: own.Path, Reason: "it holds no configured build tree (include/generated/autoconf.h)",
			Supply: []string{"give the header package of a kernel's flavour"}}
	}
	for _, t := range trees {
		if !t.build {
			sums = append(sums, "own "+t.sum)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", nil, err
	}
	defer root.Close()
	for _, p := range s.Headers[1:] {
		shared := parts["headers "+p.key()]
		if err := o.fill(shared, func() error { return o.sharedHeaders(ctx, shared, p) }); err != nil {
			return "", nil, err
		}
		for _, t := range shared.trees {
			// Nothing is made in what another package shares with other sets.
			err := root.MkdirAll(filepath.Dir(t.root), 0o755)
			if err == nil {
				err = root.Symlink(filepath.Join(shared.dir, t.root), t.root)
			}
			switch {
			case errors.Is(err, fs.ErrExist):
				return "", nil, archive.Errorf(archive.ErrHostile, p.Path, t.root, "another package has the same folder")
			case err != nil && !errors.As(err, new(syscall.Errno)): // not the machine's: the way leads out
				return "", nil, archive.Errorf(archive.ErrHostile, p.Path, t.root, "it lies in a folder of another package")
			case err != nil:
				return "", nil, err
			}
			sums = append(sums, "shared "+t.sum)
		}
	}
	return build, sums, nil
}

// image unpacks the kernel's image; what comes behind it stays packed.
func (o *Opener) image(ctx context.Context, dir string, s Set) (string, error) {
	const name = "kernel-image"
	for _, p := range s.Image {
		out, err := archive.NewSink(dir)
		if err != nil {
			return "", err
		}
		err = walk(ctx, p, o.limits, func(e *archive.Entry) error {
			if of, ok := imageRelease(e.Name); !ok || e.Kind != archive.Regular || s.Release != "" && of != s.Release {
				return nil
			}
			if err := out.Put(e, name); err != nil {
				return err
			}
			return archive.ErrStop
		})
		out.Close()
		if err != nil {
			return "", err
		}
		if _, written := out.Sums()[name]; written {
			return filepath.Join(dir, name), nil
		}
	}
	if len(s.Image) > 0 {
		return "", &archive.Error{Kind: ErrIncomplete, Path: s.Image[0].Path, Reason: fmt.Sprintf("it has no image of the kernel %s", s.Release),
			Supply: []string{"give the package that has /boot/vmlinuz-" + s.Release, "leave the package out"}}
	}
	return "", nil
}

// walk calls visit for each entry of a package's data. A visit that gives
// archive.ErrStop ends it early and well; otherwise the file must still have
// the digest it was inspected with.
func walk(ctx context.Context, p Package, limits archive.Limits, visit func(*archive.Entry) error) error {
	r, err := archive.Open(ctx, p.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	err = r.Walk(p.Format, limits, visit)
	if errors.Is(err, archive.ErrStop) {
		return nil
	}
	if err != nil {
		return err
	}
	sum, err := r.Digest()
	if err != nil {
		return err
	}
	if p.Digest != "" && sum != p.Digest {
		return archive.Errorf(archive.ErrDamaged, p.Path, "", "it is not the file any more that was found before")
	}
	return nil
}
