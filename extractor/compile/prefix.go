package compile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/fault"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/headers"
)

// Prefix are the headers that every unit of trace headers reads first: what
// those take for granted.
func Prefix() []string {
	return []string{"linux/module.h", "linux/tracepoint.h", "linux/trace_events.h"}
}

// CheckPrefix is for complaints that point at no header of a unit: what all
// begin with must compile alone. If it does not, the tree and the compiler do
// not fit, and every unit fails for it.
func (w *Workshop) CheckPrefix(ctx context.Context) error {
	if w.prefixCompiles {
		return nil
	}
	var text strings.Builder
	for _, h := range append(Prefix(), headers.Events) {
		fmt.Fprintf(&text, "#include <%s>\n", h)
	}
	said, err := w.Compile(ctx, &Unit{Name: "prefix", Text: text.String(), StandIns: true})
	if err != nil {
		return err
	}
	if len(said) > 0 {
		return w.prefixError(fmt.Sprintf("%s:%d: %s", said[0].File, said[0].Line, said[0].Message))
	}
	w.prefixCompiles = true
	return nil
}

func (w *Workshop) prefixError(said string) error {
	return &fault.Advised{
		Err:    fmt.Errorf("the kernel's headers do not compile with %s: %s", w.Compiler, said),
		Advice: "try another compiler (--cc)",
	}
}

// KeepPrefix has the compiler keep what nearly every unit reads first, as a
// header of that name, for units with such arguments. It is for gcc
// (precompiled headers), which looks by itself whether a unit's flags allow its
// use, and else reads the headers as always, so that the same comes out of it.
// Of a compiler that cannot keep it the header is "", and a unit reads it
// itself.
func (w *Workshop) KeepPrefix(ctx context.Context, name string, args []string) (header string, err error) {
	if w.Compiler.Family != kbuild.GCC {
		return "", nil
	}
	var text strings.Builder
	for _, h := range w.preincludes() {
		fmt.Fprintf(&text, "#include %q\n", h)
	}
	for _, h := range Prefix() {
		fmt.Fprintf(&text, "#include <%s>\n", h)
	}
	path := filepath.Join(w.dir, name+".h")
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		return "", err
	}
	line := append(w.flags(&Unit{Name: name, Args: args}), "-MD", "-MF", w.depsPath(name), "-x", "c-header", path, "-o", path+".gch")
	res, err := w.run(ctx, line)
	if err != nil {
		return "", err
	}
	if _, err := w.checkRead(name, cc.Diagnostics(res.Stderr)); err != nil {
		return "", err
	}
	if res.ExitCode != 0 {
		return "", w.prefixError(firstWords(res.Stderr))
	}
	return path, nil
}
