package check

import (
	"github.com/tpinfo/tpinfo/compiler/check/points"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// handler is a handler with what its body can name.
type handler struct {
	*points.Handler
	scope *scope
	index int // in the program
}

func (c *checker) newHandler(h *points.Handler) *handler {
	own := &handler{Handler: h, scope: newScope(c)}
	own.scope.handler = own
	return own
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
		parts = append(parts, h.scope.node(ir.Exit, ir.Void, h.At))
	}
	return h.scope.node(ir.Block, ir.Void, h.At, parts...)
}
