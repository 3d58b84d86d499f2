package kpkg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// part is something unpacked that sets share: headers, or a source tree.
type part struct {
	users int // opened sets that use it; held by the opener

	mu      sync.Mutex
	dir     string // "" until filled
	scratch string // what goes with the part; "" when dir is the user's
	trees   []tree // of headers
	sum     string // of sources
	err     error  // of the package itself, which no second try changes
}

// tree is a kernel tree that was unpacked.
type tree struct {
	root  string // relative to where it was unpacked
	build bool   // configured
	sum   string // digest of its headers
}

// maxTrees bounds the trees of one package or tarball; real ones have one or two.
const maxTrees = 64

// acquire gives the part of that key to one more set, which thereby is not
// expected any more.
func (o *Opener) acquire(key string) *part {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.parts[key]
	if p == nil {
		p = &part{}
		o.parts[key] = p
	}
	p.users++
	o.less(key)
	return p
}

func (o *Opener) less(key string) {
	if o.wanted[key]--; o.wanted[key] <= 0 {
		delete(o.wanted, key)
	}
}

// release ends one set's use of a part (used), or one's claim to it. Without
// users and claims it is removed.
func (o *Opener) release(key string, used bool) error {
	o.mu.Lock()
	p := o.parts[key]
	if used {
		p.users--
	} else {
		o.less(key)
	}
	if p == nil || p.users > 0 || o.wanted[key] > 0 {
		o.mu.Unlock()
		return nil
	}
	delete(o.parts, key)
	o.mu.Unlock()
	if p.scratch == "" {
		return nil
	}
	return os.RemoveAll(p.scratch)
}

// fill has a part unpacked by the first set that needs it, while the others
// wait. A try that the machine or its own context ended is made again by the
// next one.
func (o *Opener) fill(p *part, unpack func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dir != "" || p.err != nil {
		return p.err
	}
	err := unpack()
	if err == nil {
		return nil
	}
	if p.scratch != "" {
		err = errors.Join(err, os.RemoveAll(p.scratch))
	}
	p.dir, p.scratch = "", ""
	var own *archive.Error
	if errors.As(err, &own) {
		p.err = err
	}
	return err
}

// folder makes a new folder in the scratch folder.
func (o *Opener) folder(what string) (string, error) {
	dir, err := filepath.Abs(o.dir)
	if err == nil {
		dir, err = os.MkdirTemp(dir, what+"-")
	}
	if err != nil {
		return "", fmt.Errorf("scratch folder: %w", err)
	}
	return dir, nil
}

// sharedHeaders fills a part with the headers of a package.
func (o *Opener) sharedHeaders(ctx context.Context, p *part, of Package) (err error) {
	if p.scratch, err = o.folder("headers"); err != nil {
		return err
	}
	if p.trees, err = unpackHeaders(ctx, of, p.scratch, o.limits); err == nil {
		p.dir = p.scratch
	}
	return err
}

// unpackHeaders unpacks what compiling headers needs of a package or tarball
// below dir, and gives the trees in it, sorted.
func unpackHeaders(ctx context.Context, p Package, dir string, limits archive.Limits) ([]tree, error) {
	out, err := archive.NewSink(dir)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	split := treeRoot
	if p.Format == archive.Tar {
		split = tarRoot
	}
	found := map[string]bool{} // root, and whether it is configured
	err = walk(ctx, p, limits, func(e *archive.Entry) error {
		in, rel, ok := split(e.Name)
		if !ok || !headerFile(rel) {
			return nil
		}
		if err := out.Put(e, e.Name); err != nil {
			return err
		}
		if strings.HasPrefix(rel, "include/") {
			found[in] = found[in] || rel == "include/generated/autoconf.h"
			if len(found) > maxTrees {
				return archive.Errorf(archive.ErrTooLarge, p.Path, "", "it holds more than %d kernel trees", maxTrees)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &archive.Error{Kind: ErrIncomplete, Path: p.Path, Reason: "it holds no kernel headers", Supply: []string{"give the kernel's header packages"}}
	}
	var trees []tree
	sums := out.Sums()
	for in, build := range found {
		sum, err := treeSum(sums, in, isHeader, out.ReadFile)
		if err != nil {
			return nil, err
		}
		trees = append(trees, tree{path.Clean(in), build, sum})
	}
	slices.SortFunc(trees, func(a, b tree) int { return strings.Compare(a.root, b.root) })
	return trees, nil
}
