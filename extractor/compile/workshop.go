package compile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/fault"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/mine"
	"github.com/tpinfo/tpinfo/headers"
)

// Config is what units are compiled for, and with what.
type Config struct {
	Tree     *kbuild.Tree
	Compiler *cc.Compiler
	// Roots are the folders whose files a unit may read, those of the tree
	// first.
	Roots []kbuild.Root
	// Supply is what would tell what units leave unknown.
	Supply []string
}

// Workshop is where units are compiled: a private folder, the tree and the
// compiler. Units of different names may be compiled at once.
type Workshop struct {
	Config
	dir     string
	include []string

	prefixCompiles bool // was tried and found so
}

// New prepares the scratch folder dir, which the caller removes.
func New(dir string, config Config) (*Workshop, error) {
	w := &Workshop{Config: config, dir: dir, include: config.Tree.IncludeDirs()}
	for _, sub := range []string{w.overrides(), w.standIns()} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return nil, err
		}
	}
	return w, headers.Write(w.overrides())
}

func (w *Workshop) overrides() string { return filepath.Join(w.dir, "headers") }

// Unit is one translation unit.
type Unit struct {
	Name string // of its files, without extension
	Text string
	// Args come behind the tree's own include folders on the command line.
	Args []string
	// StandIns: quoted includes that lead nowhere find what StandIn made.
	StandIns bool
	// Prefix is the header of KeepPrefix that it starts with, instead of what
	// every unit reads first; empty for none.
	Prefix string
	// Why has the compiler's words for what its text gives up.
	Why map[mine.GivenUp]string
}

// Made is what came of a unit that compiled.
type Made struct {
	*mine.Told
	// Deps are the files that it read, as "role:path".
	Deps []string
}

// SourcePath is where the text of a unit is compiled.
func (w *Workshop) SourcePath(unit string) string { return filepath.Join(w.dir, unit+".c") }

// ObjectPath is where the object of a unit ends up.
func (w *Workshop) ObjectPath(unit string) string { return filepath.Join(w.dir, unit+".o") }

func (w *Workshop) depsPath(unit string) string { return filepath.Join(w.dir, unit+".d") }

// Make compiles one unit and, when nothing is wrong with it, mines its object.
// Otherwise the compiler's complaints come back.
func (w *Workshop) Make(ctx context.Context, u *Unit) (made *Made, said []cc.Diagnostic, err error) {
	defer fault.Catch(&err)
	said, err = w.Compile(ctx, u)
	if err != nil || len(said) > 0 {
		return nil, said, err
	}
	deps, err := readDeps(w.depsPath(u.Name), w.Roots)
	if err != nil {
		return nil, nil, err
	}
	told, err := mine.Object(ctx, w.ObjectPath(u.Name), mine.Options{Unit: u.Name, Relative: w.Relative, Supply: w.Supply, Why: u.Why})
	if err != nil {
		return nil, nil, err
	}
	return &Made{Told: told, Deps: deps}, nil, nil
}

// Compile runs the compiler on one unit and returns its complaints; none means
// that the object is there.
func (w *Workshop) Compile(ctx context.Context, u *Unit) ([]cc.Diagnostic, error) {
	if err := os.WriteFile(w.SourcePath(u.Name), []byte(u.Text), 0o644); err != nil {
		return nil, err
	}
	args := w.args(u)
	if err := w.forgetRead(u.Name); err != nil {
		return nil, err
	}
	res, err := w.run(ctx, args)
	if errors.Is(err, cc.ErrCrashed) {
		if _, outside := w.checkRead(u.Name, cc.Diagnostics(res.Stderr)); outside != nil {
			return nil, outside // what it said before is not for others
		}
	}
	if err != nil {
		return nil, err
	}
	if res.ExitCode == 0 {
		return w.checkRead(u.Name, nil)
	}
	said := cc.Diagnostics(res.Stderr)
	if len(said) == 0 {
		return nil, fmt.Errorf("%s failed with status %d: %s", w.Compiler.Path, res.ExitCode, firstWords(res.Stderr))
	}
	if w.Compiler.Family == kbuild.GCC && slices.ContainsFunc(said, func(d cc.Diagnostic) bool { return !d.Fatal }) {
		// Once more, for the places of errors inside macro calls. What is fatal
		// is an include, and in no macro.
		if res, err = w.run(ctx, append(args, "-ftrack-macro-expansion=2", "-fsyntax-only")); err != nil {
			return nil, err
		}
		if precise := cc.Diagnostics(res.Stderr); len(precise) > 0 {
			said = precise
		}
	}
	return w.checkRead(u.Name, said)
}

func (w *Workshop) run(ctx context.Context, args []string) (*cc.Result, error) {
	return cc.Run(ctx, cc.Command{Path: w.Compiler.Path, Args: args, Dir: w.dir})
}

func firstWords(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	if s == "" {
		return "it says nothing"
	}
	return s
}

// Forget removes the files of a unit that was made; what is left goes with the
// folder.
func (w *Workshop) Forget(unit string) {
	for _, path := range []string{w.ObjectPath(unit), w.SourcePath(unit), w.depsPath(unit)} {
		_ = os.Remove(path)
	}
}

// Relative is the path of a file below the folder that holds it, build tree or
// source.
func (w *Workshop) Relative(path string) string {
	path = filepath.Clean(path)
	for _, root := range w.Roots {
		if rel, ok := below(root.Dir, path); ok {
			return rel
		}
	}
	return path
}

// Words are a complaint of the compiler, with its place in the tree.
func (w *Workshop) Words(d cc.Diagnostic) string {
	if _, ours := below(w.dir, d.File); d.File == "" || ours {
		return d.Message // what the scratch folder is called concerns nobody
	}
	return fmt.Sprintf("%s:%d: %s", w.Relative(d.File), d.Line, d.Message)
}
