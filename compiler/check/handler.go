package check

import (
	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/check/points"
	"github.com/tpinfo/tpinfo/compiler/check/target"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// handler is a handler with what its body can name.
type handler struct {
	*points.Handler
	scope *scope
}

// add makes a handler part of the program.
func (c *checker) add(h *points.Handler) {
	s := c.newScope(c.src)
	s.Handler, s.Probe = h, len(c.probes)
	c.probes = append(c.probes, &handler{h, s})
}

// scope is what the body of a handler or a function can name, and where a pass
// is in it.
type scope struct {
	*target.Scope
	c  *checker
	fn *function // or nil

	// Of this pass.
	loops int
	asked map[syntax.Expr]bool // what @defined said
}

func (c *checker) newScope(src *diag.Source) *scope {
	return &scope{c: c, Scope: &target.Scope{Scope: infer.NewScope(c.Script, src), Kernel: c.kernel, Probe: -1, Reads: &c.reads}}
}

// begin forgets the last pass.
func (s *scope) begin() {
	s.Begin()
	s.loops, s.asked = 0, map[syntax.Expr]bool{}
}

// lower makes the body: those of aliases and the probe's own, one after
// another, in one scope.
func (h *handler) lower() *ir.Node {
	h.scope.begin()
	var parts []*ir.Node
	for _, b := range h.Bodies {
		parts = append(parts, h.scope.statements(b.List)...)
		if len(parts) > 0 && ends(parts[len(parts)-1]) {
			break
		}
	}
	if h.Exits && (len(parts) == 0 || !ends(parts[len(parts)-1])) {
		parts = append(parts, h.scope.Node(ir.Exit, ir.Void, h.At))
	}
	return h.scope.Node(ir.Block, ir.Void, h.At, parts...)
}
