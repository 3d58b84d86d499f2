package kbuild

import (
	"os"
	"path/filepath"
	"strings"
)

// Family is a compiler's family: they share a command line but for details.
type Family string

// The families.
const (
	GCC   Family = "gcc"
	Clang Family = "clang"
)

// IncludeDirs are the folders that <…> is looked up in, in the order of the
// kernel's Makefile (LINUXINCLUDE), each first in the build folder and then in
// the source folder. Folders that do not exist are left out.
func (t *Tree) IncludeDirs() []string {
	arch := filepath.Join("arch", t.Arch.Name, "include")
	order := []string{
		arch, filepath.Join(arch, "generated"), "include",
		filepath.Join(arch, "uapi"), filepath.Join(arch, "generated", "uapi"),
		filepath.Join("include", "uapi"), filepath.Join("include", "generated", "uapi"),
	}
	var dirs []string
	for _, rel := range order {
		for _, root := range t.Roots() {
			dir := filepath.Join(root.Dir, rel)
			if st, err := os.Stat(dir); err == nil && st.IsDir() {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

// Root is one folder of a tree and the role it plays, "build" or "source".
type Root struct{ Role, Dir string }

// Roots lists the folders that a tree consists of, without repeating one.
func (t *Tree) Roots() []Root {
	if t.Build == t.Source {
		return []Root{{"source", t.Source}}
	}
	return []Root{{"build", t.Build}, {"source", t.Source}}
}

// Relative is the path of a file below the root that holds it, with slashes;
// the path itself for a file of neither.
func (t *Tree) Relative(path string) string {
	for _, root := range t.Roots() {
		if rel, err := filepath.Rel(root.Dir, path); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return filepath.ToSlash(rel)
		}
	}
	return path
}

// Preincludes are the headers that the kernel's Makefile puts before every
// source file: compiler-version.h from 5.12 on, kconfig.h, compiler_types.h.
// The override for what the compiler lacks belongs behind the kconfig.h.
func (t *Tree) Preincludes() (before, after []string) {
	dir := filepath.Join(t.Source, "include", "linux")
	if v := filepath.Join(dir, "compiler-version.h"); exists(v) {
		before = append(before, v)
	}
	before = append(before, filepath.Join(dir, "kconfig.h"))
	return before, []string{filepath.Join(dir, "compiler_types.h")}
}

// Flags is the command line that the headers compile with, for one family of
// compilers, but for the include folders. It follows the tree alone, never
// the host: kernel Makefile and arch/NAME/Makefile of 5.10 to 7.3.
func (t *Tree) Flags(family Family) []string {
	flags := []string{
		"-nostdinc", "-D__KERNEL__", "-DKBUILD_MODNAME=\"tpinfo\"", "-DKBUILD_BASENAME=\"tpinfo\"",
		"-DKBUILD_MODFILE=\"tpinfo\"", "-fshort-wchar", "-fno-strict-aliasing", "-fno-common",
		"-fno-pie", "-fno-PIE",
	}
	if t.Version.AtLeast(5, 18) {
		flags = append(flags, "-std=gnu11")
	} else {
		flags = append(flags, "-std=gnu89")
	}
	if t.Version.AtLeast(6, 2) {
		flags = append(flags, "-funsigned-char")
	}
	if t.Config["CC_MS_EXTENSIONS"] != "" || t.Version.AtLeast(6, 19) {
		flags = append(flags, "-fms-extensions")
	}
	flags = append(flags, t.Arch.Flags...)
	for _, w := range t.Arch.When {
		if t.Config.On(w.Config) {
			flags = append(flags, w.Flags...)
		}
	}
	if family == Clang {
		return append(append(flags, "-Wno-everything"), t.Arch.Clang...)
	}
	return append(append(flags, "-w"), t.Arch.GCC...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
