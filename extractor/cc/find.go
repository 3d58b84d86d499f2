package cc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// Compiler is a C compiler that was tried.
type Compiler struct {
	Path    string
	Family  kbuild.Family
	Version string   // "12.2.0"
	Target  []string // flags that choose the architecture; empty for its own
	// Include is the compiler's own folder of headers (stdarg.h, stddef.h).
	Include string
}

// String is "gcc 12.2.0".
func (c *Compiler) String() string { return string(c.Family) + " " + c.Version }

// ErrNoCompiler is wrapped by the errors for a compiler that is not there;
// they name the package that has it.
var ErrNoCompiler = errors.New("no C compiler")

// MissingError is a compiler that is not there.
type MissingError struct {
	Why string
	// Hint is the package to install; empty where the name is a mistake.
	Hint string
	// Supply is what to do about it, as tpinfo.Problem has it.
	Supply []string
}

func (e *MissingError) Error() string {
	if e.Hint == "" {
		return e.Reason()
	}
	return e.Reason() + ": " + e.Hint
}

// Reason is the error without its hint.
func (e *MissingError) Reason() string { return ErrNoCompiler.Error() + " " + e.Why }

// Unwrap gives ErrNoCompiler.
func (e *MissingError) Unwrap() error { return ErrNoCompiler }

// versions of the compilers that Debian installs beside an unversioned name,
// newest first: a machine may have only gcc-14.
var gccVersions = []string{"", "-16", "-15", "-14", "-13", "-12", "-11", "-10"}
var clangVersions = []string{"", "-22", "-21", "-20", "-19", "-18", "-17", "-16", "-15", "-14"}

// Find returns a compiler for the architecture. choice is "gcc", "clang", a
// path, or empty for gcc and else clang.
func Find(ctx context.Context, choice string, arch *kbuild.Arch) (*Compiler, error) {
	native := slices.Contains(arch.Host, runtime.GOARCH)
	prefix := ""
	if !native {
		prefix = arch.GNU + "-"
	}
	var names []string
	switch {
	case strings.ContainsRune(choice, filepath.Separator):
		names = []string{choice}
	case choice == "gcc", choice == "":
		names = versioned(prefix+"gcc", gccVersions)
		if choice == "" {
			names = append(names, versioned("clang", clangVersions)...)
		}
	case choice == "clang":
		names = versioned("clang", clangVersions)
	default:
		names = []string{choice}
	}
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		return try(ctx, path, arch, native)
	}
	gcc := "gcc"
	if !native {
		gcc = "gcc-" + arch.GNU
	}
	install := "apt-get install " + gcc
	switch {
	case strings.ContainsRune(choice, filepath.Separator):
		return nil, &MissingError{Why: fmt.Sprintf("at %s: not an executable file", choice), Supply: another}
	case choice == "clang":
		return nil, &MissingError{Why: "named clang", Hint: "apt-get install clang", Supply: []string{"apt-get install clang"}}
	case choice == "gcc":
		return nil, &MissingError{
			Why:    fmt.Sprintf("named %sgcc", prefix),
			Hint:   install + ", or use clang, which compiles for every architecture (--cc clang)",
			Supply: []string{install, "--cc clang"},
		}
	case choice == "":
		return nil, &MissingError{Why: "for " + arch.Name, Hint: install + " (or clang)", Supply: []string{install, "apt-get install clang"}}
	}
	return nil, &MissingError{Why: fmt.Sprintf("named %s on the PATH", choice), Supply: another}
}

// another is what to do about a name that no compiler has.
var another = []string{"--cc gcc or clang, or the path of one"}

// Check is the error for a choice that is no compiler for any architecture: it
// is mistyped, or not installed. The empty choice is none, and right.
func Check(ctx context.Context, choice string) error {
	if choice == "" {
		return nil
	}
	var first error
	for _, arch := range kbuild.Arches() {
		_, err := Find(ctx, choice, arch)
		if err == nil {
			return nil
		}
		if first == nil || slices.Contains(arch.Host, runtime.GOARCH) && arch.WordSize == 8 {
			first = err
		}
	}
	return first
}

func versioned(name string, versions []string) []string {
	names := make([]string, len(versions))
	for i, v := range versions {
		names[i] = name + v
	}
	return names
}

// try asks the program at path what it is: one run tells its family, version,
// target and include folders.
func try(ctx context.Context, path string, arch *kbuild.Arch, native bool) (*Compiler, error) {
	out, err := probe(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	c := &Compiler{Path: path, Family: kbuild.GCC}
	if out.macros["__clang__"] != "" {
		c.Family = kbuild.Clang
		c.Version = join(out.macros, "__clang_major__", "__clang_minor__", "__clang_patchlevel__")
		if !native || arch.WordSize == 4 {
			c.Target = []string{"--target=" + arch.LLVM}
		}
	} else {
		c.Version = join(out.macros, "__GNUC__", "__GNUC_MINOR__", "__GNUC_PATCHLEVEL__")
	}
	if c.Version == "" {
		return nil, fmt.Errorf("%s is neither gcc nor clang", path)
	}
	if c.Family == kbuild.GCC && len(arch.Macros) > 0 && !slices.ContainsFunc(arch.Macros, func(m string) bool { return out.macros[m] != "" }) {
		install := "apt-get install gcc-" + arch.GNU
		return nil, &MissingError{
			Why:    fmt.Sprintf("for %s: %s compiles for another machine", arch.Name, path),
			Hint:   install + ", or use clang (--cc clang)",
			Supply: []string{install, "--cc clang"},
		}
	}
	for _, dir := range out.include {
		if _, err := os.Stat(filepath.Join(dir, "stdarg.h")); err == nil {
			c.Include = dir
			return c, nil
		}
	}
	return nil, fmt.Errorf("%s has no folder with stdarg.h: its installation is incomplete", path)
}

func join(macros map[string]string, names ...string) string {
	var parts []string
	for _, n := range names {
		if macros[n] == "" {
			return ""
		}
		parts = append(parts, macros[n])
	}
	return strings.Join(parts, ".")
}

type probed struct {
	macros  map[string]string
	include []string
}

// probe preprocesses nothing, verbosely.
func probe(ctx context.Context, path string, flags []string) (*probed, error) {
	args := append(slices.Clone(flags), "-v", "-dM", "-E", "-x", "c", "-")
	// It writes no file, and so needs no folder of its own.
	res, err := Run(ctx, Command{Path: path, Args: args, Dir: os.TempDir(), Limits: Limits{}.orDefault()})
	if err != nil {
		return nil, err
	}
	if res.ExitCode != 0 {
		return nil, fmt.Errorf("%s does not work: %s", path, firstLine(res.Stderr))
	}
	p := &probed{macros: map[string]string{}}
	for lines := bufio.NewScanner(strings.NewReader(res.Stdout)); lines.Scan(); {
		if f := strings.SplitN(lines.Text(), " ", 3); len(f) == 3 && f[0] == "#define" {
			p.macros[f[1]] = f[2]
		}
	}
	listing := false
	for lines := bufio.NewScanner(strings.NewReader(res.Stderr)); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#include <...>"):
			listing = true
		case strings.HasPrefix(line, "End of search list"):
			listing = false
		case listing:
			p.include = append(p.include, strings.TrimSpace(line))
		}
	}
	return p, nil
}

func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return "it says nothing"
}
