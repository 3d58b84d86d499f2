package extractor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/fault"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/headers"
)

// workshop is where units are compiled: a private folder, the tree and the
// compiler.
type workshop struct {
	dir      string // scratch; the caller removes it
	tree     *kbuild.Tree
	compiler *cc.Compiler
	include  []string
	shared   map[string]bool
	jobs     int

	// source is the full source that units of instances are compiled from;
	// nil for none.
	source *sourceTree

	prefixCompiles bool // was tried and found so
}

// newWorkshop prepares the scratch folder dir: the override headers, and an
// empty stand-in for each private header that a trace header includes by a
// path that the tree does not have.
func newWorkshop(dir string, tree *kbuild.Tree, compiler *cc.Compiler, found []traceHeader, jobs int) (*workshop, error) {
	w := &workshop{
		dir: dir, tree: tree, compiler: compiler, include: tree.IncludeDirs(),
		shared: sharedGuards(found), jobs: jobs,
	}
	for _, sub := range []string{w.overrides(), w.quoted()} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return nil, err
		}
	}
	if err := headers.Write(w.overrides()); err != nil {
		return nil, err
	}
	for _, h := range found {
		for _, q := range h.Quoted {
			if err := w.standIn(h, q); err != nil {
				return nil, err
			}
		}
	}
	return w, nil
}

func (w *workshop) overrides() string { return filepath.Join(w.dir, "headers") }

// quoted is the folder that "…" is looked up in after the including file's
// own. It lies deep, so that a path with several ".." stays in scratch.
func (w *workshop) quoted() string { return filepath.Join(w.dir, "private/1/2/3/4/5/6/7") }

// standIn makes an empty file for a quoted include that leads nowhere: a
// missing include is fatal to the whole unit.
func (w *workshop) standIn(h traceHeader, name string) error {
	if filepath.IsAbs(name) {
		return nil
	}
	for _, dir := range append([]string{filepath.Dir(h.Path)}, w.include...) {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return nil
		}
	}
	path := filepath.Join(w.quoted(), name)
	if !strings.HasPrefix(path, w.dir+string(filepath.Separator)) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o644)
}

// args is the command line for a unit. The object is never linked or run.
func (w *workshop) args(u *unit) []string {
	args := w.flags(u)
	before := w.preincludes()
	if u.instance != nil && u.instance.prefixed {
		before = []string{w.prefixPath(u.instance)}
	}
	for _, h := range before {
		args = append(args, "-include", h)
	}
	args = append(args, w.listAssembled(u)...)
	return append(args, "-MD", "-MF", w.depsPath(u), "-c", w.sourcePath(u), "-o", w.objectPath(u))
}

// preincludes are read before anything else in a unit.
func (w *workshop) preincludes() []string {
	before, after := w.tree.Preincludes()
	return slices.Concat(before, []string{filepath.Join(w.overrides(), headers.Compiler)}, after)
}

// flags is the command line for a unit, without its files.
func (w *workshop) flags(u *unit) []string {
	args := append([]string{}, w.compiler.Target...)
	args = append(args, w.tree.Flags(w.compiler.Family)...)
	args = append(args, "-O1", "-gdwarf-4", "-gz=none", "-fno-eliminate-unused-debug-types",
		"-fno-asynchronous-unwind-tables", "-fdiagnostics-color=never")
	if w.compiler.Family == kbuild.Clang {
		args = append(args, "-ferror-limit=0", "-fno-caret-diagnostics", "-fno-standalone-debug")
	} else {
		args = append(args, "-fmax-errors=0", "-fno-diagnostics-show-caret", "-pipe",
			// Together a tenth faster; an error is placed where the outermost
			// macro was used, and compile asks again for better.
			"-ftrack-macro-expansion=0", "-fno-merge-debug-strings")
	}
	args = append(args, "-I"+w.overrides())
	if u.instance == nil {
		args = append(args, "-iquote"+w.quoted())
	}
	for _, dir := range w.include {
		args = append(args, "-I"+dir)
	}
	if u.instance != nil {
		args = append(args, w.instanceArgs(u.instance)...)
	}
	if !w.tree.Version.AtLeast(5, 16) {
		// Before 5.16 the kernel takes <stdarg.h> from the compiler.
		args = append(args, "-isystem", w.compiler.Include)
	}
	return args
}

func (w *workshop) sourcePath(u *unit) string { return filepath.Join(w.dir, u.name+".c") }
func (w *workshop) objectPath(u *unit) string { return filepath.Join(w.dir, u.name+".o") }
func (w *workshop) depsPath(u *unit) string   { return filepath.Join(w.dir, u.name+".d") }

// compile runs the compiler on one unit and returns its complaints; none means
// that the object is there.
func (w *workshop) compile(ctx context.Context, u *unit) ([]cc.Diagnostic, error) {
	if err := os.WriteFile(w.sourcePath(u), []byte(u.render(w.shared)), 0o644); err != nil {
		return nil, err
	}
	args := w.args(u)
	if err := w.forgetRead(u); err != nil {
		return nil, err
	}
	res, err := w.run(ctx, args)
	if errors.Is(err, cc.ErrCrashed) {
		if _, outside := w.checkRead(u, cc.Diagnostics(res.Stderr)); outside != nil {
			return nil, outside // what it said before is not for others
		}
	}
	if err != nil {
		return nil, err
	}
	if res.ExitCode == 0 {
		return w.checkRead(u, nil)
	}
	said := cc.Diagnostics(res.Stderr)
	if len(said) == 0 {
		return nil, fmt.Errorf("%s failed with status %d: %s", w.compiler.Path, res.ExitCode, firstWords(res.Stderr))
	}
	if w.compiler.Family == kbuild.GCC && slices.ContainsFunc(said, func(d cc.Diagnostic) bool { return !d.Fatal }) {
		// Once more, for the places of errors inside macro calls. What is fatal
		// is an include, and in no macro.
		if res, err = w.run(ctx, append(args, "-ftrack-macro-expansion=2", "-fsyntax-only")); err != nil {
			return nil, err
		}
		if precise := cc.Diagnostics(res.Stderr); len(precise) > 0 {
			said = precise
		}
	}
	return w.checkRead(u, said)
}

func (w *workshop) run(ctx context.Context, args []string) (*cc.Result, error) {
	return cc.Run(ctx, cc.Command{Path: w.compiler.Path, Args: args, Dir: w.dir})
}

// round compiles units on all cores, and mines each object as soon as it is
// there; the answers are in the order of units.
func (w *workshop) round(ctx context.Context, units []*unit) ([][]cc.Diagnostic, error) {
	said := make([][]cc.Diagnostic, len(units))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.jobs)
	for i, u := range units {
		g.Go(func() (err error) {
			said[i], err = w.make(ctx, u)
			return err
		})
	}
	return said, g.Wait()
}

// make compiles one unit and, when nothing is wrong with it, mines its object.
func (w *workshop) make(ctx context.Context, u *unit) (said []cc.Diagnostic, err error) {
	defer fault.Catch(&err)
	said, err = w.compile(ctx, u)
	if err != nil || len(said) > 0 {
		return said, err
	}
	if u.deps, err = readDeps(w.depsPath(u), w.source.roots(w.tree)); err != nil {
		return nil, err
	}
	u.mined, err = w.mine(ctx, u)
	return nil, err
}

func firstWords(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	if s == "" {
		return "it says nothing"
	}
	return s
}

// relative is the path of a file below the folder that holds it, build tree or
// source.
func (w *workshop) relative(path string) string {
	path = filepath.Clean(path)
	for _, root := range w.source.roots(w.tree) {
		if rel, ok := below(root.Dir, path); ok {
			return rel
		}
	}
	return path
}

// supply is what would tell what the headers at hand leave unknown.
func (w *workshop) supply() []string {
	if w.source == nil {
		return []string{"--source DIR", "--btf FILE"}
	}
	return []string{"--btf FILE"}
}
