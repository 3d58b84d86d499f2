package compile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// A header of a package is foreign, and can include any file of this machine,
// whose words would then stand in the compiler's complaints, or as names in the
// kernel's types. So what a unit read is looked at before anything is made of
// it: it has to lie in the tree, in the full source, in the scratch folder or
// in the compiler's own folder.

// ErrOutside is wrapped by the error for headers that read files of this
// machine.
var ErrOutside = errors.New("the headers read a file outside their tree")

// checkRead refuses a unit that read what is not the kernel's. said is what the
// compiler complained of; what comes back is as much of it as is known to be
// about the kernel. With a fatal error, which is an include that leads nowhere,
// compilers do not list what they read until then, and only that one stays.
func (w *Workshop) checkRead(unit string, said []cc.Diagnostic) ([]cc.Diagnostic, error) {
	dirs := w.readable()
	for _, d := range said {
		for _, p := range slices.Concat([]cc.Place{d.Place}, d.Chain, d.Expansion) {
			if err := w.checkInside(dirs, p.File); err != nil {
				return nil, err
			}
		}
	}
	for _, path := range []string{w.depsPath(unit), w.assembledPath(unit)} {
		list, err := ruleFiles(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && path == w.depsPath(unit) && len(said) > 0:
			said = unlisted(said)
		case errors.Is(err, fs.ErrNotExist):
			// Only gcc's assembler lists what it read.
		case err != nil:
			return nil, err
		}
		for _, file := range list {
			if err := w.checkInside(dirs, file); err != nil {
				return nil, err
			}
		}
	}
	return said, nil
}

// unlisted is what may be said of complaints when nobody knows what was read
// before them: that which is fatal, or else that they are there.
func unlisted(said []cc.Diagnostic) (kept []cc.Diagnostic) {
	for _, d := range said {
		if d.Fatal {
			kept = append(kept, d)
		}
	}
	if len(kept) > 0 {
		return kept
	}
	for _, d := range said {
		d.Message = "an error; the compiler does not list what it read before it"
		kept = append(kept, d)
	}
	return kept
}

// forgetRead removes what an earlier run listed under the unit's name.
func (w *Workshop) forgetRead(unit string) error {
	for _, path := range []string{w.depsPath(unit), w.assembledPath(unit)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// readable are the folders that a unit may read.
func (w *Workshop) readable() []string {
	dirs := []string{w.dir, w.Compiler.Include}
	for _, root := range w.Roots {
		dirs = append(dirs, root.Dir)
	}
	return dirs
}

// checkInside refuses a file that is in none of the folders.
func (w *Workshop) checkInside(dirs []string, file string) error {
	if file == "" || strings.HasPrefix(file, "<") {
		return nil // the command line, or the compiler itself
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(w.dir, file)
	}
	clean := filepath.Clean(file)
	within := slices.ContainsFunc(dirs, func(dir string) bool {
		rest, ok := strings.CutPrefix(clean, dir)
		return ok && strings.HasPrefix(rest, "/")
	})
	// Links of the tree may lead elsewhere, as Ubuntu's from a flavour's headers to
	// the common ones; but where ".." leads depends on the links before it.
	if within && (!strings.Contains(file, "..") || sameFile(file, clean)) {
		return nil
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		for _, dir := range dirs {
			if resolved, err := filepath.EvalSymlinks(dir); err == nil {
				dir = resolved
			}
			if _, ok := below(dir, real); ok {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: %s; a kernel's headers do not, and what it says must not end up among them", ErrOutside, clean)
}

// sameFile reports whether two paths lead to one file.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// listAssembled has gcc's assembler list what it reads (.include, .incbin): its
// bytes could pose as debugging information. clang's own assembler has no such
// list. The list is named from the scratch folder, where compilers run: a comma in
// that one's path would end the option.
func (w *Workshop) listAssembled(unit string) []string {
	if w.Compiler.Family != kbuild.GCC {
		return nil
	}
	return []string{"-Wa,--MD," + assembled(unit)}
}

func assembled(unit string) string { return unit + ".as.d" }

func (w *Workshop) assembledPath(unit string) string { return filepath.Join(w.dir, assembled(unit)) }
