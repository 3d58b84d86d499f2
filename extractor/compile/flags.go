package compile

import (
	"path/filepath"
	"slices"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/headers"
)

// args is the command line for a unit. The object is never linked or run.
func (w *Workshop) args(u *Unit) []string {
	args := w.flags(u)
	before := w.preincludes()
	if u.Prefix != "" {
		before = []string{u.Prefix}
	}
	for _, h := range before {
		args = append(args, "-include", h)
	}
	args = append(args, w.listAssembled(u.Name)...)
	return append(args, "-MD", "-MF", w.depsPath(u.Name), "-c", w.SourcePath(u.Name), "-o", w.ObjectPath(u.Name))
}

// preincludes are read before anything else in a unit.
func (w *Workshop) preincludes() []string {
	before, after := w.Tree.Preincludes()
	return slices.Concat(before, []string{filepath.Join(w.overrides(), headers.Compiler)}, after)
}

// flags is the command line for a unit, without its files.
func (w *Workshop) flags(u *Unit) []string {
	args := append([]string{}, w.Compiler.Target...)
	args = append(args, w.Tree.Flags(w.Compiler.Family)...)
	args = append(args, "-O1", "-gdwarf-4", "-gz=none", "-fno-eliminate-unused-debug-types",
		"-fno-asynchronous-unwind-tables", "-fdiagnostics-color=never")
	if w.Compiler.Family == kbuild.Clang {
		args = append(args, "-ferror-limit=0", "-fno-caret-diagnostics", "-fno-standalone-debug")
	} else {
		args = append(args, "-fmax-errors=0", "-fno-diagnostics-show-caret", "-pipe",
			// Together a tenth faster; an error is placed where the outermost
			// macro was used, and Compile asks again for better.
			"-ftrack-macro-expansion=0", "-fno-merge-debug-strings")
	}
	args = append(args, "-I"+w.overrides())
	if u.StandIns {
		args = append(args, "-iquote"+w.standIns())
	}
	for _, dir := range w.include {
		args = append(args, "-I"+dir)
	}
	args = append(args, u.Args...)
	if !w.Tree.Version.AtLeast(5, 16) {
		// Before 5.16 the kernel takes <stdarg.h> from the compiler.
		args = append(args, "-isystem", w.Compiler.Include)
	}
	return args
}
