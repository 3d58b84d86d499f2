package extractor

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/tpinfo/tpinfo/extractor/cc"
)

// preprocess runs the compiler's preprocessor over a text of C, as a unit of
// that name would be compiled. deps are the tree's files that it read.
func (w *workshop) preprocess(ctx context.Context, name, text string) (output string, deps []string, err error) {
	u := &unit{name: name}
	if err := os.WriteFile(w.sourcePath(u), []byte(text), 0o644); err != nil {
		return "", nil, err
	}
	args := w.args(u)
	args = append(args[:slices.Index(args, "-c")], "-E", "-P", w.sourcePath(u), "-o", w.objectPath(u))
	if err := w.forgetRead(u); err != nil {
		return "", nil, err
	}
	res, err := w.run(ctx, args)
	if err != nil {
		return "", nil, err
	}
	complaints, err := w.checkRead(u, cc.Diagnostics(res.Stderr))
	if err != nil {
		return "", nil, err
	}
	if res.ExitCode != 0 {
		said := firstWords(res.Stderr)
		if len(complaints) > 0 {
			said = complaints[0].Message
		}
		return "", nil, fmt.Errorf("%s failed with status %d: %s", w.compiler.Path, res.ExitCode, said)
	}
	out, err := os.ReadFile(w.objectPath(u))
	if err != nil {
		return "", nil, err
	}
	deps, err = readDeps(w.depsPath(u), w.source.roots(w.tree))
	return string(out), deps, err
}
