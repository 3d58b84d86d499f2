package kpkg

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// packageNames are the endings by which a file in a folder is taken for a
// package, and tarNames those of tarballs.
var (
	packageNames = []string{".deb", ".rpm"}
	tarNames     = []string{".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst", ".tar.bz2"}
)

func hasSuffix(name string, suffixes []string) bool {
	for _, s := range suffixes {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// tarball reports whether a file that is no package may be a tarball.
func tarball(path string) bool { return hasSuffix(path, tarNames) }

// packageArch is the packages' word for an architecture of kbuild. Debian's is
// taken, for trees do not say whose they are.
func packageArch(a *kbuild.Arch) string {
	switch a.Config {
	case "X86_64":
		return "amd64"
	case "X86_32":
		return "i386"
	}
	return a.Name
}

// folder looks for packages and trees in a folder.
func (f *finder) folder(ctx context.Context, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			f.skipError(path, err)
			return nil
		}
		switch {
		case d.IsDir() || path == dir:
			return f.treeFolder(path, path == dir)
		case hasSuffix(path, packageNames) || tarball(path):
			if st, err := os.Stat(path); err != nil {
				f.skipError(path, err)
			} else if st.Mode().IsRegular() {
				f.file(path)
			}
		case d.Name() == "build" && d.Type()&fs.ModeSymlink != 0:
			// As in /lib/modules/RELEASE. One that leads nowhere is that of a
			// kernel without headers.
			if t, err := kbuild.Find(filepath.Dir(path)); err == nil {
				f.tree(t)
			}
		}
		return nil
	})
}

// treeFolder recognises a folder that is a tree, which is then not walked.
func (f *finder) treeFolder(dir string, given bool) error {
	has := func(names ...string) bool {
		for _, name := range names {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				return false
			}
		}
		return true
	}
	full := has("Makefile", "init/main.c", "include/linux")
	switch {
	case has("include/generated/autoconf.h"):
		t, err := kbuild.Find(dir)
		if err != nil {
			f.skipError(dir, err)
			return fs.SkipDir
		}
		f.tree(t)
	case full:
		f.source(dir)
	case has("include/linux/tracepoint.h"):
		// The shared part of a split tree: the other part leads to it.
		if given {
			f.skip(Skipped{Path: dir, Reason: "it is the shared part of a kernel's headers, without a configuration", Supply: []string{"give the folder of the flavour's headers"}})
		}
	default:
		return nil
	}
	return fs.SkipDir
}

// tree notes a build tree, and the source that it may be the build of.
func (f *finder) tree(t *kbuild.Tree) {
	if f.seen[t.Build] {
		return
	}
	f.seen[t.Build] = true
	s := &builtSet{Set: Set{Release: t.Release, Arch: packageArch(t.Arch), Tree: t.Build}}
	if text, err := os.ReadFile(filepath.Join(t.Build, "include/generated/uapi/linux/version.h")); err == nil {
		s.kernel = headerVersion(text)
	}
	if _, err := os.Stat(filepath.Join(t.Source, "init/main.c")); err == nil {
		s.Source = t.Source
	}
	f.trees = append(f.trees, s)
}

var versionMacro = regexp.MustCompile(`(?m)^#define LINUX_VERSION_(CODE|SUBLEVEL) (\d+)$`)

// headerVersion is the version that a generated linux/version.h says; empty
// when it says none or one that only its distribution knows.
func headerVersion(text []byte) string {
	said := map[string]uint64{}
	for _, m := range versionMacro.FindAllSubmatch(text, 2) {
		said[string(m[1])], _ = strconv.ParseUint(string(m[2]), 10, 32)
	}
	code := said["CODE"]
	sub, ok := said["SUBLEVEL"] // since 5.15; the code has only its lowest 8 bits
	if !ok {
		sub = code & 0xff
	}
	if code == 0 || sub == 0 {
		return ""
	}
	return strconv.FormatUint(code>>16, 10) + "." + strconv.FormatUint(code>>8&0xff, 10) + "." + strconv.FormatUint(sub, 10)
}

// source notes a full source tree.
func (f *finder) source(dir string) {
	if f.seen[dir] {
		return
	}
	f.seen[dir] = true
	text, err := os.ReadFile(filepath.Join(dir, "Makefile"))
	if err != nil {
		f.skipError(dir, err)
		return
	}
	v, ok := sourceVersion(text)
	if !ok {
		f.skip(Skipped{Path: dir, Reason: "its Makefile does not say which version of the kernel it is the source of"})
		return
	}
	f.sources = append(f.sources, sourceTree{path: dir, kernel: v})
}
