package kbuild

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
)

// Problems with a full source tree. The errors that wrap them say what to do.
var (
	// ErrNotSource: the folder is not a full kernel source tree.
	ErrNotSource = errors.New("no full kernel source tree")
	// ErrOtherVersion: the source is of another version than the build tree.
	ErrOtherVersion = errors.New("the source tree is of another version")
)

// RealTimePatches says where Debian's real-time patches are: the linux-source
// packages have the tree without them (Debian Linux Kernel Handbook, chapter 2).
const RealTimePatches = "on Debian they are in the source package linux"

// Source is a full source tree beside the build tree of one configuration. It
// answers what the Makefiles say about a source file. All of them are read at
// the first question, once; a Source may be asked from several goroutines.
type Source struct {
	Dir  string // absolute
	tree *Tree

	asked sync.Mutex
	rules *rules // nil until the first question
}

// OpenSource opens the full source tree in dir, which must be of the version
// that t was configured from.
func OpenSource(dir string, t *Tree) (*Source, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	for _, name := range []string{"Makefile", "Kbuild", "init/main.c"} {
		if exists(filepath.Join(abs, name)) {
			continue
		}
		hint := "give the folder that the kernel's source was unpacked to"
		if name != "Makefile" {
			hint += "; header packages hold only a part of it (on Debian: apt-get install linux-source-" +
				fmt.Sprintf("%d.%d", t.Version.Major, t.Version.Minor) + ", and unpack the archive in /usr/src)"
		}
		return nil, fmt.Errorf("%w at %s: there is no %s; %s", ErrNotSource, dir, name, hint)
	}
	have, err := makefileVersion(filepath.Join(abs, "Makefile"))
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrNotSource, dir, err)
	}
	want, err := t.sourceVersion()
	if err != nil {
		return nil, err
	}
	// LINUX_VERSION_CODE holds no patch above 255; sourceVersion knew no better.
	if want.Patch == clampedPatch && have.Patch > clampedPatch {
		want.Patch = have.Patch
	}
	if have != want {
		return nil, fmt.Errorf("%w: %s is %s, the build tree %s (%s) was made from %s; give the source of %s, or the build tree that belongs to this source",
			ErrOtherVersion, dir, have, t.Build, t.Release, want, want)
	}
	return &Source{Dir: abs, tree: t}, nil
}

var (
	versionLine     = regexp.MustCompile(`(?m)^(VERSION|PATCHLEVEL|SUBLEVEL)[ \t]*=[ \t]*(\d+)[ \t]*$`)
	versionCodeLine = regexp.MustCompile(`(?m)^#define LINUX_VERSION_(CODE|MAJOR|PATCHLEVEL|SUBLEVEL) (\d+)$`)
)

// makefileVersion reads the version that a kernel's Makefile starts with.
func makefileVersion(path string) (Version, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Version{}, err
	}
	found, err := numbers(versionLine, text)
	if err != nil || len(found) != 3 {
		return Version{}, errors.Join(fmt.Errorf("%s does not start with VERSION, PATCHLEVEL and SUBLEVEL", path), err)
	}
	return Version{found["VERSION"], found["PATCHLEVEL"], found["SUBLEVEL"]}, nil
}

const clampedPatch = 255

// sourceVersion is the version of the source that the tree was made from: the
// release name may leave the patch out, as Debian's do.
func (t *Tree) sourceVersion() (Version, error) {
	path := filepath.Join(t.Build, "include", "generated", "uapi", "linux", "version.h")
	text, err := os.ReadFile(path)
	if err != nil {
		return Version{}, fmt.Errorf("%w: version of %s: %w", ErrNotConfigured, t.Build, err)
	}
	found, err := numbers(versionCodeLine, text)
	if err != nil {
		return Version{}, fmt.Errorf("%s: %w", path, err)
	}
	if _, has := found["MAJOR"]; has { // from 5.12
		return Version{found["MAJOR"], found["PATCHLEVEL"], found["SUBLEVEL"]}, nil
	}
	code, has := found["CODE"]
	if !has {
		return Version{}, fmt.Errorf("%s: no LINUX_VERSION_CODE in it", path)
	}
	v := Version{code >> 16, code >> 8 & 0xff, code & 0xff}
	// The code holds no patch above 255. The headers' own Makefile tells it.
	if own, err := makefileVersion(filepath.Join(t.Source, "Makefile")); v.Patch == clampedPatch && err == nil &&
		own.Major == v.Major && own.Minor == v.Minor && own.Patch > v.Patch {
		return own, nil
	}
	return v, nil
}

func numbers(line *regexp.Regexp, text []byte) (map[string]int, error) {
	found := map[string]int{}
	for _, m := range line.FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(m[2]))
		if err != nil {
			return nil, err
		}
		if _, has := found[string(m[1])]; !has {
			found[string(m[1])] = n
		}
	}
	return found, nil
}
