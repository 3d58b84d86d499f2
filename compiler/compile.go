package compiler

import (
	"context"

	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/codegen"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// Options are choices that a script does not make.
type Options struct {
	// Args are the script's arguments, for $1 and @1.
	Args []string
	check.Options
}

// Parse reads a script for a kernel: phases 1 and 2. The error is a *diag.List.
func Parse(src *diag.Source, meta check.Metadata, opt Options) (*syntax.File, error) {
	k := meta.Identity()
	return syntax.Parse(src, syntax.Options{Args: opt.Args, Release: k.Release, Arch: k.Arch})
}

// Check gives a script its meaning: phases 1 to 4. The error is a *diag.List
// with everything that is wrong in the first phase that finds something, or
// what kept the metadata from answering.
func Check(ctx context.Context, src *diag.Source, meta check.Metadata, opt Options) (*ir.Program, error) {
	f, err := Parse(src, meta, opt)
	if err != nil {
		return nil, err
	}
	return check.Check(ctx, f, src, meta, opt.Options)
}

// Compile makes an object of a script, for the kernel of meta. The same script,
// kernel and version of this package give the same object. Errors are those of
// Check, and a *diag.List when the kernel could not take the code.
func Compile(ctx context.Context, src *diag.Source, meta check.Metadata, opt Options) (*object.Object, error) {
	p, err := Check(ctx, src, meta, opt)
	if err != nil {
		return nil, err
	}
	return codegen.Generate(p, src)
}
