package compile

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/tpinfo/tpinfo/extractor/cc"
)

// Preprocess runs the compiler's preprocessor alone over a unit. deps are the
// tree's files that it read.
func (w *Workshop) Preprocess(ctx context.Context, u *Unit) (output string, deps []string, err error) {
	if err := os.WriteFile(w.SourcePath(u.Name), []byte(u.Text), 0o644); err != nil {
		return "", nil, err
	}
	args := w.args(u)
	args = append(args[:slices.Index(args, "-c")], "-E", "-P", w.SourcePath(u.Name), "-o", w.ObjectPath(u.Name))
	if err := w.forgetRead(u.Name); err != nil {
		return "", nil, err
	}
	res, err := w.run(ctx, args)
	if err != nil {
		return "", nil, err
	}
	complaints, err := w.checkRead(u.Name, cc.Diagnostics(res.Stderr))
	if err != nil {
		return "", nil, err
	}
	if res.ExitCode != 0 {
		said := firstWords(res.Stderr)
		if len(complaints) > 0 {
			said = complaints[0].Message
		}
		return "", nil, fmt.Errorf("%s failed with status %d: %s", w.Compiler.Path, res.ExitCode, said)
	}
	out, err := os.ReadFile(w.ObjectPath(u.Name))
	if err != nil {
		return "", nil, err
	}
	deps, err = readDeps(w.depsPath(u.Name), w.Roots)
	return string(out), deps, err
}
