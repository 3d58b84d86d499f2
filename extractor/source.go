package extractor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/extractor/instantiate"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// ErrOtherSource says that a source tree of the right version has other
// headers than the build tree.
var ErrOtherSource = errors.New("source tree of another kernel")

// sourceTree is the full kernel source that a build tree was made from.
type sourceTree struct {
	dir       string // absolute
	makefiles *kbuild.Source
	found     *instantiate.Found
}

// fullRole is the role of the full source's folder among those of a tree, in
// tpinfo.Inputs, where it is another folder than the tree's own source part.
const fullRole = "full"

// fromSource completes a snapshot of the public trace headers from the full
// source. It returns the sorted list of all files that were read, the public
// ones among them, and the kernel's problems, those of the public headers among
// them as far as they still are.
func fromSource(ctx context.Context, shop *compile.Workshop, source *sourceTree, req Request, snap *tpinfo.Snapshot, public []string, problems []tpinfo.Problem) ([]string, []tpinfo.Problem, error) {
	w := newSourceShop(shop, source, req.Jobs)
	if err := source.sameHeaders(shop.Tree, public); err != nil {
		return nil, nil, err
	}
	all, err := w.instances()
	if err != nil {
		return nil, nil, err
	}
	if err := w.makeInstances(ctx, all, newTypePool(snap.Types), req.Report); err != nil {
		return nil, nil, err
	}
	j := newJoiner(snap, all)
	problems = append(j.known(problems), j.join()...)
	named := j.headers(source.found.Headers, source.found.Foreign)
	problems = append(append(problems, named...), j.sources(named)...)
	files, more, err := w.systemCalls(ctx, snap)
	if err != nil {
		return nil, nil, err
	}
	problems = append(problems, more...)
	files = append(files, public...)
	for _, in := range all {
		files = append(append(files, in.deps...), source.role(shop.Tree)+":"+in.path)
	}
	slices.Sort(files)
	return slices.Compact(files), problems, nil
}

// sourceShop is where sources that instantiate trace headers are compiled.
type sourceShop struct {
	*compile.Workshop
	source  *sourceTree
	include []string // folders of the tree
	jobs    int
}

func newSourceShop(shop *compile.Workshop, source *sourceTree, jobs int) *sourceShop {
	return &sourceShop{Workshop: shop, source: source, include: shop.Tree.IncludeDirs(), jobs: jobs}
}

// openSource looks through the full source at dir, which must be that of the
// tree.
func openSource(ctx context.Context, dir string, tree *kbuild.Tree) (*sourceTree, error) {
	makefiles, err := kbuild.OpenSource(dir, tree)
	if err != nil {
		return nil, err
	}
	found, err := instantiate.Find(ctx, makefiles.Dir, tree.Arch.Name)
	if err != nil {
		return nil, err
	}
	return &sourceTree{dir: makefiles.Dir, makefiles: makefiles, found: found}, nil
}

// SourceAmong chooses the full source tree of the target's version; empty when
// there are none to choose from. The error says why each one is unfit.
func (t *Target) SourceAmong(dirs []string) (string, error) {
	var unfit []error
	for _, dir := range dirs {
		_, err := kbuild.OpenSource(dir, t.tree)
		if err == nil {
			return dir, nil
		}
		unfit = append(unfit, err)
	}
	return "", errors.Join(unfit...)
}

// sameHeaders holds the headers that the build tree's compile read against the
// full source's: a source of the same version with other patches lays out
// other structs.
func (s *sourceTree) sameHeaders(tree *kbuild.Tree, files []string) error {
	if s.dir == tree.Source {
		return nil
	}
	compared, differ := 0, []string(nil)
	for _, f := range files {
		rel, ok := strings.CutPrefix(f, "source:")
		if !ok {
			continue
		}
		theirs, err := os.ReadFile(filepath.Join(s.dir, rel))
		if errors.Is(err, os.ErrNotExist) {
			continue // a file that only the distribution's header package has
		}
		if err != nil {
			return fmt.Errorf("source tree: %w", err)
		}
		ours, err := os.ReadFile(filepath.Join(tree.Source, rel))
		if err != nil {
			return fmt.Errorf("build tree: %w", err)
		}
		compared++
		if !bytes.Equal(ours, theirs) {
			differ = append(differ, rel)
		}
	}
	if len(differ) > 0 {
		slices.Sort(differ)
		patches := "the patches that the build tree was made with"
		if tree.Config.On("PREEMPT_RT") {
			patches += " (" + kbuild.RealTimePatches + ")"
		}
		return fmt.Errorf("%w: %d of %d headers of %s are not those of %s, %s the first; the source needs %s",
			ErrOtherSource, len(differ), compared, s.dir, tree.Source, differ[0], patches)
	}
	return nil
}

// role is that of the source's folder among roots.
func (s *sourceTree) role(tree *kbuild.Tree) string {
	if s.dir == tree.Source {
		return "source"
	}
	return fullRole
}

// object is what the Makefiles say of a source. One that none of them asks for
// may be a part of another source, which includes it: then it is built as that
// one is, and by names it (kernel/sched/ext.c, from 6.12).
func (s *sourceTree) object(rel string) (o kbuild.Object, by string, err error) {
	o = s.makefiles.File(rel)
	if o.Status != kbuild.NotBuilt || o.Place != "" {
		return o, "", nil
	}
	own := filepath.Dir(rel)
	for _, dir := range []string{own, filepath.Dir(own)} {
		entries, err := os.ReadDir(filepath.Join(s.dir, dir))
		if err != nil {
			return o, "", err
		}
		for _, entry := range entries {
			if filepath.Ext(entry.Name()) != ".c" {
				continue
			}
			other := filepath.Join(dir, entry.Name())
			text, err := os.ReadFile(filepath.Join(s.dir, other))
			if err != nil {
				return o, "", err
			}
			if _, _, ok := instantiate.Until(string(text), other, rel); !ok {
				continue
			}
			if whole := s.makefiles.File(other); whole.Status == kbuild.Built {
				return whole, other, nil
			}
		}
	}
	return o, "", nil
}

// roots are the folders whose files an extraction may depend on.
func (s *sourceTree) roots(tree *kbuild.Tree) []kbuild.Root {
	roots := tree.Roots()
	if s != nil && !slices.ContainsFunc(roots, func(r kbuild.Root) bool { return r.Dir == s.dir }) {
		roots = append(roots, kbuild.Root{Role: fullRole, Dir: s.dir})
	}
	return roots
}
