package extractor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// What nearly every source includes takes half of its unit's time. gcc can keep
// it read (precompiled headers): it is read once as a part of the kernel itself
// and once as a part of modules, since linux/module.h differs. gcc looks by
// itself whether a unit's flags allow its use, and else reads the headers as
// always, so that the same comes out of it.

// modular is how the command line says that a file is part of a module.
const modular = "-DMODULE"

// readPrefix prepares the common part of all instances' units. Compilers that
// cannot keep it read it in every unit.
func (w *workshop) readPrefix(ctx context.Context, all []*instance) error {
	if w.compiler.Family != kbuild.GCC || len(all) < fewInstances {
		return nil
	}
	for _, flags := range [][]string{nil, {modular}} {
		in := &instance{path: "prefix.c", flags: flags}
		var text strings.Builder
		for _, h := range w.preincludes() {
			fmt.Fprintf(&text, "#include %q\n", h)
		}
		for _, h := range prefix {
			fmt.Fprintf(&text, "#include <%s>\n", h)
		}
		path := w.prefixPath(in)
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			return err
		}
		u := &unit{name: strings.TrimSuffix(filepath.Base(path), ".h"), instance: in}
		args := append(w.flags(u), "-MD", "-MF", w.depsPath(u), "-x", "c-header", path, "-o", path+".gch")
		res, err := w.run(ctx, args)
		if err != nil {
			return err
		}
		if _, err := w.checkRead(u, cc.Diagnostics(res.Stderr)); err != nil {
			return err
		}
		if res.ExitCode != 0 {
			return w.prefixError(firstWords(res.Stderr))
		}
	}
	for _, in := range all {
		in.prefixed = !in.bent
	}
	return nil
}

// fewInstances are too few to win the time back.
const fewInstances = 20

// prefixPath is the header that stands for the common part in a unit.
func (w *workshop) prefixPath(in *instance) string {
	if slices.Contains(in.flags, modular) {
		return filepath.Join(w.dir, "prefix-module.h")
	}
	return filepath.Join(w.dir, "prefix.h")
}
