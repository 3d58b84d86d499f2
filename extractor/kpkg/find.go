package kpkg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo/extractor/fault"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// Skipped is something given that became part of no set.
type Skipped struct {
	Path    string `json:"path"`
	Release string `json:"release,omitempty"` // of the kernel it is for, where known
	Arch    string `json:"arch,omitempty"`
	// Reason is one sentence in lower case; Supply is what to do about it, as
	// tpinfo.Problem has it.
	Reason string   `json:"reason"`
	Supply []string `json:"supply,omitempty"`
	// NotNeeded says that nothing is missing for it: a package that no
	// kernel's metadata comes from, or a second copy.
	NotNeeded bool `json:"notNeeded,omitempty"`
}

// Find makes sets of what lies at paths: package files, folders of them,
// unpacked build trees, source trees, and tarballs of either. Folders are
// walked; in them a file counts by its name (.deb, .rpm, .tar and packed
// ones), a folder by what it holds. Sets come sorted by release and
// architecture. What is wrong with one file skips that file; the error is
// ctx's.
func Find(ctx context.Context, paths []string) ([]Set, []Skipped, error) {
	f := &finder{seen: map[string]bool{}}
	for _, p := range paths {
		if err := f.path(ctx, p); err != nil {
			return nil, nil, err
		}
	}
	if err := f.inspectAll(ctx); err != nil {
		return nil, nil, err
	}
	f.join()
	slices.SortFunc(f.skipped, func(a, b Skipped) int { return strings.Compare(a.Path, b.Path) })
	return f.sets, f.skipped, nil
}

// candidate is a package that may be part of a set.
type candidate struct {
	Package
	said    *about
	role    role
	release string
	used    bool
}

// sourceTree is a full source that may be joined to sets.
type sourceTree struct {
	path    string
	version string // of the package; empty for a folder or tarball
	kernel  string // as its Makefile says; empty for a package
}

// builtSet is a set with what joining needs to know.
type builtSet struct {
	Set
	version  string // of the packages; empty for trees
	kernel   string // "6.1.192"; empty when it cannot be known
	realtime bool   // from a source with patches of its own
}

type finder struct {
	seen    map[string]bool // resolved paths
	files   []string        // packages and tarballs
	trees   []*builtSet
	sources []sourceTree

	mu       sync.Mutex
	packages []*candidate

	sets    []Set
	skipped []Skipped
}

func (f *finder) skip(s Skipped) { f.skipped = append(f.skipped, s) }

// skipError skips a path for an error.
func (f *finder) skipError(path string, err error) {
	s := Skipped{Path: path, Reason: err.Error()}
	var own *archive.Error
	if errors.As(err, &own) {
		s.Path = cmp.Or(own.Path, path)
		s.Supply = own.Supply
		bare := *own
		bare.Path, bare.Supply = "", nil
		s.Reason = bare.Error()
	}
	f.skip(s)
}

// path looks at one path that was given.
func (f *finder) path(ctx context.Context, given string) error {
	abs, err := filepath.Abs(given)
	if err != nil {
		return err
	}
	st, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.skip(Skipped{Path: given, Reason: "there is no such file or folder"})
	case err != nil:
		f.skipError(given, err)
	case st.IsDir():
		return f.folder(ctx, abs)
	case st.Mode().IsRegular():
		f.file(abs)
	default:
		// A pipe, a device: packages are read more than once.
		f.skip(Skipped{Path: given, Reason: "it is neither a file nor a folder", Supply: []string{"write what it gives to a file, and give that"}})
	}
	return nil
}

// file notes a file once, however many ways lead to it.
func (f *finder) file(path string) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		f.skipError(path, err)
		return
	}
	if !f.seen[real] {
		f.seen[real] = true
		f.files = append(f.files, path)
	}
}

// inspectAll reads what the packages and tarballs say, some at a time.
func (f *finder) inspectAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, path := range f.files {
		group.Go(func() error {
			f.inspect(ctx, path)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	slices.SortFunc(f.packages, func(a, b *candidate) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version), strings.Compare(a.Path, b.Path))
	})
	return nil
}

// inspect reads one file.
func (f *finder) inspect(ctx context.Context, path string) {
	c, peeked, why, err := look(ctx, path)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		f.skipError(path, err)
	case peeked != nil:
		f.tarball(path, peeked)
	case c.role == other:
		f.skip(Skipped{Path: c.Path, Reason: fmt.Sprintf("%s is not needed: %s", c.Name, why), NotNeeded: true})
	default:
		f.packages = append(f.packages, c)
	}
}

// look reads what a file says: a package, and why it is not needed where it is
// not, or else what a tarball holds.
func look(ctx context.Context, path string) (c *candidate, peeked *tarContent, why string, err error) {
	defer fault.Catch(&err)
	c = &candidate{}
	c.Package, c.said, err = inspect(ctx, path, func(said *about) bool {
		c.role, c.release, why = classify(said)
		return c.role != other
	})
	var own *archive.Error
	if errors.As(err, &own) && errors.Is(own, archive.ErrUnknownFormat) && own.Entry == "" && tarball(path) {
		peeked, err = peekTar(ctx, path)
	}
	return c, peeked, why, err
}
