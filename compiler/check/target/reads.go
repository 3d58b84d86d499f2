package target

import (
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Reads are what a script reads of the kernel by name.
type Reads struct {
	// Facts are what the program relies on.
	Facts []ir.Fact
	// Uses are in the order that they are met; what is only asked for with
	// @defined, what "$x$" and "$$vars" show with its name, and what the prelude
	// reads on its own are not among them.
	Uses []Use
}

// Use is a place of a script that reads something of the kernel by its name.
type Use struct {
	ir.Fact
	At    diag.Span
	Probe int // index of the handler, or -1 in a function
	Value ctype.Value
}

// use notes what a script reads at a place.
func (s *Scope) use(t *Target, fact ir.Fact, at diag.Span) {
	if !s.Final || s.Quiet > 0 || s.At != nil {
		return
	}
	s.Reads.Uses = append(s.Reads.Uses, Use{Fact: fact, At: at, Probe: s.Probe, Value: s.Kernel.Value(t.Type, t.mem, t.BitSize)})
}
