package check

import (
	"context"

	"github.com/tpinfo/tpinfo/compiler/check/target"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// Examination is what a check finds out besides the program, for those who hold
// the meaning of a script on one kernel against that on another.
type Examination struct {
	// Program is nil when something is wrong.
	Program *ir.Program
	// Probes are the handlers, what the probe points resolved to; those in
	// error have no Body.
	Probes []ir.Probe
	// Uses are what the script reads of the kernel by name; their Probe is an
	// index of Probes.
	Uses []target.Use
}

// Examine is Check, and tells what the check found out as far as it came.
func Examine(ctx context.Context, f *syntax.File, src *diag.Source, meta Metadata, opt Options) (*Examination, error) {
	if err := opt.Validate(); err != nil {
		return &Examination{}, err
	}
	c := newChecker(ctx, f, src, meta, opt)
	p, err := c.check(f)
	x := &Examination{Program: p, Uses: c.reads.Uses}
	for _, h := range c.probes {
		x.Probes = append(x.Probes, h.Probe)
	}
	return x, err
}
