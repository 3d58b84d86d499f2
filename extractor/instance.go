package extractor

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/extractor/instantiate"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// instance is a source file that instantiates trace headers.
type instance struct {
	path  string   // relative to the source tree
	by    string   // the source that includes it as a part of itself; mostly none
	text  string   // of its unit
	flags []string // what its Makefiles add to the command line
	// notBuilt says why the configuration leaves the file out; empty when it
	// is built, or when the Makefiles do not tell.
	notBuilt string
	// bent: its macros come before all headers (instantiate.Prelude).
	bent bool
	// prefix is the header with the common part that its unit starts with, where
	// the compiler has kept that; empty where not.
	prefix string
	asks   []string // the headers that it includes to be instantiated, as far as its text shows

	// What came of it: events and types, or why there are none.
	events []tpinfo.Tracepoint
	types  []*tpinfo.Type
	deps   []string
	why    string
}

// instances prepares the units of all files that instantiate trace headers, in
// the order of their paths.
func (w *sourceShop) instances() ([]*instance, error) {
	all := make([]*instance, len(w.source.found.Sources))
	for i, rel := range w.source.found.Sources {
		in, err := w.instance(rel)
		if err != nil {
			return nil, fmt.Errorf("source tree: %w", err)
		}
		all[i] = in
	}
	return all, nil
}

func (w *sourceShop) instance(rel string) (*instance, error) {
	text, err := os.ReadFile(filepath.Join(w.source.dir, rel))
	if err != nil {
		return nil, err
	}
	object, by, err := w.source.object(rel)
	if err != nil {
		return nil, err
	}
	in := &instance{path: rel, by: by, flags: flagsOf(object)}
	if object.Status == kbuild.NotBuilt {
		in.notBuilt = object.Reason
	}
	prelude := instantiate.PreludeOf(string(text))
	in.bent = prelude.Bent
	var unit strings.Builder
	closing := ""
	if by != "" {
		around, err := os.ReadFile(filepath.Join(w.source.dir, by))
		if err != nil {
			return nil, err
		}
		start, open, _ := instantiate.Until(string(around), by, rel)
		fmt.Fprintf(&unit, "#line 1 %q\n%s", filepath.Join(w.source.dir, by), start)
		closing = strings.Repeat("#endif\n", open)
		in.bent = in.bent || instantiate.PreludeOf(string(around)).Bent
	}
	// The compiler speaks of the files and not of the unit.
	fmt.Fprintf(&unit, "#line 1 %q\n%s%s", filepath.Join(w.source.dir, rel), prelude.Text, closing)
	in.text = unit.String()
	for _, name := range prelude.Instantiated {
		in.asks = append(in.asks, w.lookUp(in, name))
	}
	return in, nil
}

// flagsOf writes an object's flags as a command line has them.
func flagsOf(o kbuild.Object) []string {
	flags := append(slices.Clone(o.Flags.Define), o.Flags.Other...)
	for _, dir := range o.Flags.Include {
		flags = append(flags, "-I"+dir)
	}
	for _, file := range o.Flags.Preinclude {
		flags = append(flags, "-include", file)
	}
	return flags
}

// instanceArgs is the part of the command line that a file brings along:
// behind the tree's own include folders, as the kernel's Makefile has it.
func (w *sourceShop) instanceArgs(in *instance) []string {
	own := filepath.Join(w.source.dir, filepath.Dir(in.path))
	args := []string{
		// Calls of tracepoints are not looked at, so they are left empty.
		"-DNOTRACE",
		"-iquote" + own,
		"-iquote" + filepath.Join(w.source.dir, filepath.Dir(cmp.Or(in.by, in.path))),
		// TRACE_INCLUDE_PATH counts from the kernel's define_trace.h.
		"-iquote" + filepath.Join(w.source.dir, "include", "trace"),
	}
	args = append(args, in.flags...)
	return append(args, w.fullInclude()...)
}

// fullInclude are the include folders of the full source: header packages do
// not have all that a driver may include.
func (w *sourceShop) fullInclude() []string {
	if w.source.dir == w.Tree.Source {
		return nil
	}
	var args []string
	for _, dir := range []string{
		filepath.Join("arch", w.Tree.Arch.Name, "include"), "include",
		filepath.Join("arch", w.Tree.Arch.Name, "include", "uapi"), filepath.Join("include", "uapi"),
	} {
		args = append(args, "-I"+filepath.Join(w.source.dir, dir))
	}
	return args
}

// lookUp finds the header that a file includes by name, relative to the tree;
// the name itself when it is not there.
func (w *sourceShop) lookUp(in *instance, name string) string {
	dirs := slices.Clone(w.include)
	for _, flag := range w.instanceArgs(in) {
		for _, how := range []string{"-iquote", "-I"} {
			if dir, ok := strings.CutPrefix(flag, how); ok {
				dirs = append(dirs, dir)
			}
		}
	}
	// The file's own folder first.
	for _, dir := range append([]string{filepath.Join(w.source.dir, filepath.Dir(in.path))}, dirs...) {
		path := filepath.Join(dir, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
			return w.Relative(path)
		}
	}
	return name
}

// makeInstances compiles and mines all instances, on all cores. What the
// public units told already is not kept twice: known has their types.
func (w *sourceShop) makeInstances(ctx context.Context, all []*instance, known *typePool, report func(Progress)) error {
	if err := w.keepPrefix(ctx, all); err != nil {
		return err
	}
	var mu sync.Mutex
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.jobs)
	for i, in := range all {
		g.Go(func() error {
			u := &compile.Unit{Name: fmt.Sprintf("source%d", i), Text: in.text, Args: w.instanceArgs(in), Prefix: in.prefix}
			made, said, err := w.Make(ctx, u)
			if len(said) > 0 && u.Prefix != "" {
				// It may be what came before its own first include.
				u.Prefix = ""
				made, said, err = w.Make(ctx, u)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", in.path, err)
			}
			if len(said) > 0 {
				in.why = w.Words(said[0])
			} else {
				in.events, in.deps = made.Events, made.Deps
				if in.by != "" {
					in.deps = append(in.deps, w.source.role(w.Tree)+":"+in.by)
				}
				if in.notBuilt == "" {
					in.types = known.keep(made.Types)
				}
				in.events = slices.Clip(in.events)
			}
			w.Forget(u.Name)
			mu.Lock()
			defer mu.Unlock()
			if done++; done%progressStep == 0 || done == len(all) {
				report(Progress{Stage: StageCompile, Detail: fmt.Sprintf("%d of %d sources that instantiate trace headers", done, len(all))})
			}
			return nil
		})
	}
	return g.Wait()
}

// progressStep is after how many sources progress is reported.
const progressStep = 20
