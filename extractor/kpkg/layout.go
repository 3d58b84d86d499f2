package kpkg

import (
	"bytes"
	"path"
	"regexp"
	"strings"
)

// rootPattern matches the folders that packages put build trees in:
// usr/src/kernels/REL (Fedora, RHEL, make binrpm-pkg),
// usr/src/linux-VERSION-obj/ARCH/FLAVOUR (openSUSE), usr/src/linux-headers-REL
// (Debian, Ubuntu, make bindeb-pkg), usr/src/linux-VERSION (openSUSE's shared
// part), lib/modules/REL/build (Arch).
var rootPattern = regexp.MustCompile(`^(usr/src/kernels/[^/]+|usr/src/[^/]+-obj/[^/]+/[^/]+|usr/src/[^/]+|(?:usr/)?lib/modules/[^/]+/build)/(.+)$`)

// treeRoot splits an entry's name into the folder of its tree and the rest.
func treeRoot(name string) (root, rel string, ok bool) {
	m := rootPattern.FindStringSubmatch(name)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// tarRoot is treeRoot for tarballs: of a tree as it is, of a folder with one
// in it, or of an unpacked package.
func tarRoot(name string) (root, rel string, ok bool) {
	if root, rel, ok = treeRoot(name); ok {
		return root, rel, ok
	}
	first, rest, deeper := strings.Cut(name, "/")
	if deeper {
		if root, rel, ok = treeRoot(rest); ok {
			return first + "/" + root, rel, true
		}
	}
	root, rel = sourceRoot(name)
	return root, rel, true
}

// imagePattern matches where packages put a kernel's image: vmlinuz-REL in
// /boot (Debian, Ubuntu; vmlinux-REL for architectures without compressed
// images), vmlinuz in lib/modules/REL (Fedora, openSUSE, Debian since 7.0).
// Debugging packages have theirs under usr/lib/debug, which is not matched:
// a whole vmlinux of a gigabyte says no more than the image does.
var imagePattern = regexp.MustCompile(`^(?:boot/(?:vmlinuz|vmlinux|Image|image)-([^/]+)|(?:usr/)?lib/modules/([^/]+)/(?:vmlinuz|vmlinux|Image|image))$`)

// imageRelease is the release of the kernel image that name is, if it is one.
func imageRelease(name string) (string, bool) {
	m := imagePattern.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	return m[1] + m[2], true
}

// headerFile reports whether a build tree's file is one that compiling its
// headers may need: include and every folder of that name under arch (arm64
// includes files of arm, and peci-cpu.h one of x86), the configuration, and
// the Makefile, which names the other folder of a split tree.
func headerFile(rel string) bool {
	switch {
	case rel == "Makefile" || rel == ".config":
		return true
	case strings.HasPrefix(rel, "include/config/"):
		return rel == "include/config/auto.conf" // the rest are make's time stamps
	case rel == "include" || rel == "arch" || strings.HasPrefix(rel, "include/"):
	case strings.HasPrefix(rel, "arch/"):
		if !strings.Contains(rel+"/", "/include/") {
			return false
		}
	default:
		return false
	}
	// What is generated for other languages and for make names the release.
	return !strings.Contains(rel, "include/generated/") || strings.HasSuffix(rel, ".h")
}

// sourceSkipped are folders of a source tree that no kernel is built from.
var sourceSkipped = []string{"Documentation/", "tools/", "samples/"}

// sourceFile reports whether a source tree's file may be one that extracting
// private trace headers needs, by its name: C, what the Makefiles say, and the
// tables of system calls.
func sourceFile(rel string) bool {
	for _, dir := range sourceSkipped {
		if strings.HasPrefix(rel, dir) {
			return false
		}
	}
	base := rel[strings.LastIndexByte(rel, '/')+1:]
	switch path.Ext(base) {
	case ".c", ".h", ".tbl":
		return true
	}
	return base == "Kbuild" || base == "Makefile" || strings.HasPrefix(base, "Makefile.")
}

// sourceStart is how many bytes at the start of a C source are looked at. The
// largest that instantiates tracepoints has 400 kB; what is larger than this
// are tables.
const sourceStart = 1 << 20

// sourceNeeded decides by a file's start, too: of C sources only those that
// instantiate tracepoints are read, 318 of 32,000 in 6.1, and init/main.c tells
// a kernel's source from other folders.
func sourceNeeded(rel string, start []byte) bool {
	return path.Ext(rel) != ".c" || rel == "init/main.c" || bytes.Contains(start, []byte("CREATE_TRACE_POINTS"))
}
