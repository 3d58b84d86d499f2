package kbuild

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/fault"
)

// ModulesDir is where installed kernels have their "build" link.
const ModulesDir = "/lib/modules"

// Tree is a configured kernel build tree.
type Tree struct {
	// Build holds the configuration and the generated headers, Source the
	// headers of the kernel's source. They are one folder for a kernel that
	// was built in place. Both are absolute.
	Build, Source string
	Release       string // include/generated/utsrelease.h
	Version       Version
	Arch          *Arch
	Config        Config
}

// Version is a kernel version.
type Version struct{ Major, Minor, Patch int }

// AtLeast reports whether v is major.minor or later.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// Problems with a tree. The errors that wrap them say what to do.
var (
	ErrNoTree        = errors.New("no kernel build tree")
	ErrDangling      = errors.New("the build link leads nowhere")
	ErrNoSource      = errors.New("the tree's source part is missing")
	ErrNotConfigured = errors.New("the kernel tree is not configured")
	ErrUnknownArch   = errors.New("unknown architecture")
)

// Find resolves where: a release name ("6.1.0-56-cloud-amd64"), the folder of
// a build tree, or a folder that has one as its "build" (as
// /lib/modules/RELEASE does). Links whose absolute target lies under another
// root, as in an unpacked package, are followed under that root.
func Find(where string) (*Tree, error) {
	dir, err := locate(where)
	if err != nil {
		return nil, err
	}
	t := &Tree{Build: dir}
	if t.Source, err = findSource(dir); err != nil {
		return nil, err
	}
	if err := t.read(); err != nil {
		return nil, err
	}
	return t, nil
}

// locate turns where into the absolute path of a build folder.
func locate(where string) (string, error) {
	if !strings.ContainsRune(where, filepath.Separator) {
		if _, err := os.Stat(where); err != nil {
			return follow(filepath.Join(ModulesDir, where, "build"), where)
		}
	}
	abs, err := filepath.Abs(where)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, lerr := os.Lstat(abs); lerr == nil {
			return follow(abs, filepath.Base(filepath.Dir(abs)))
		}
		return "", fmt.Errorf("%w at %s: no such folder; give a release name or the folder that /lib/modules/RELEASE/build points at", ErrNoTree, where)
	case err != nil:
		return "", fmt.Errorf("kernel tree %s: %w", where, err)
	case !st.IsDir():
		return "", fmt.Errorf("%w at %s: not a folder", ErrNoTree, where)
	}
	link := filepath.Join(abs, "build")
	if _, err := os.Lstat(link); err == nil && !looksLikeTree(abs) {
		return follow(link, filepath.Base(abs))
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	return abs, nil
}

// follow resolves a build link, within the link's own root when its target
// does not exist in the machine's.
func follow(link, release string) (string, error) {
	if _, err := os.Lstat(link); err != nil {
		return "", fmt.Errorf("%w for %s: there is no %s; install the kernel's header package (on Debian: apt-get install linux-headers-%s) or give the folder of its headers", ErrNoTree, release, link, release)
	}
	target, err := os.Readlink(link)
	if err == nil && filepath.IsAbs(target) {
		if dir, ok := underRoot(link, target); ok {
			return dir, nil
		}
	}
	if dir, err := filepath.EvalSymlinks(link); err == nil {
		return dir, nil
	}
	return "", fmt.Errorf("%w: %s points at %q; the kernel's headers are not installed (on Debian: apt-get install linux-headers-%s)", ErrDangling, link, target, release)
}

// underRoot looks for the absolute path target under each folder above from,
// nearest first: the root that an unpacked package was unpacked to, and at
// last the machine's own.
func underRoot(from, target string) (string, bool) {
	for root := filepath.Dir(from); ; root = filepath.Dir(root) {
		if real, err := filepath.EvalSymlinks(filepath.Join(root, target)); err == nil {
			return real, true
		}
		if root == filepath.Dir(root) {
			return "", false
		}
	}
}

// includeLine is how a build folder's Makefile names its source: Debian's is
// one absolute include, kbuild's own (make O=) one too, sometimes through a
// variable that is set just above.
var includeLine = regexp.MustCompile(`^include\s+(\S+)/Makefile\s*$`)

// findSource finds the source part of a build folder.
func findSource(build string) (string, error) {
	if isSource(build) {
		return build, nil
	}
	var tried []string
	try := func(path string) (string, bool) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(build, path)
		}
		// A pair of folders that was moved together comes first: an installed
		// package of the same name may hold other content.
		if dir := filepath.Join(filepath.Dir(build), filepath.Base(path)); isSource(dir) {
			return dir, true
		}
		if dir, ok := underRoot(build, path); ok && isSource(dir) {
			return dir, true
		}
		tried = append(tried, path)
		return "", false
	}
	if target, err := os.Readlink(filepath.Join(build, "source")); err == nil {
		if dir, ok := try(target); ok {
			return dir, nil
		}
	}
	for _, target := range makefileIncludes(filepath.Join(build, "Makefile")) {
		if dir, ok := try(target); ok {
			return dir, nil
		}
	}
	// Debian links from /lib/modules/RELEASE/source too, but a build folder
	// does not know its release's link: what remains is to say what is missing.
	if len(tried) > 0 {
		name := filepath.Base(tried[0])
		return "", &fault.Advised{
			Err:    fmt.Errorf("%w: %s needs %s", ErrNoSource, build, tried[0]),
			Advice: fmt.Sprintf("on Debian it is the package %s, unpack or install it beside this one", name),
		}
	}
	return "", fmt.Errorf("%w at %s: it has neither include/linux nor a Makefile that names a source folder", ErrNoTree, build)
}

// makefileIncludes lists the folders whose Makefile the one at path includes.
func makefileIncludes(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var dirs []string
	for lines := bufio.NewScanner(f); lines.Scan() && len(dirs) < 8; {
		if m := includeLine.FindStringSubmatch(lines.Text()); m != nil && !strings.Contains(m[1], "$") {
			dirs = append(dirs, m[1])
		}
	}
	return dirs
}

// isSource reports whether dir has a kernel's own headers.
func isSource(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, "include", "linux", "tracepoint.h"))
	return err == nil && st.Mode().IsRegular()
}

// looksLikeTree reports whether dir itself is a build folder.
func looksLikeTree(dir string) bool {
	for _, name := range []string{"include/generated", "include/linux", ".config"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}
