package check

import (
	"context"

	"github.com/tpinfo/tpinfo/compiler/check/ctype"
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
	// Uses are what the script reads of the kernel by name, in the order that
	// it is met; what it only asks for with @defined, what "$x$" and "$$vars"
	// show with its name, and what the prelude reads on its own are not among
	// them.
	Uses []Use
}

// Use is a place of a script that reads something of the kernel by its name.
type Use struct {
	ir.Fact
	At    diag.Span
	Probe int // index in Examination.Probes, or -1 in a function
	Value ctype.Value
}

// Examine is Check, and tells what the check found out as far as it came.
func Examine(ctx context.Context, f *syntax.File, src *diag.Source, meta Metadata, opt Options) (*Examination, error) {
	if err := opt.Validate(); err != nil {
		return &Examination{}, err
	}
	c := newChecker(ctx, f, src, meta, opt)
	p, err := c.check(f)
	x := &Examination{Program: p, Uses: c.uses}
	for _, h := range c.probes {
		x.Probes = append(x.Probes, h.Probe)
	}
	return x, err
}

// use notes what a script reads at a place.
func (s *scope) use(t *target, fact ir.Fact, at diag.Span) {
	if !s.c.final || s.c.quiet > 0 || s.at != nil {
		return
	}
	probe := -1
	if s.handler != nil {
		probe = s.handler.index
	}
	s.c.uses = append(s.c.uses, Use{Fact: fact, At: at, Probe: probe, Value: s.c.kernel.Value(t.typ, t.mem, t.bitSize)})
}
