package check

import (
	"slices"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// refuseDeep tells chains of operators that are longer than an object can hold:
// each is an operand of the next. Of probes in the kernel an object holds the
// code.
func (c *checker) refuseDeep() {
	for i := range c.prog.Funcs {
		c.refuseDeepIn(c.prog.Funcs[i].Body)
	}
	for i := range c.prog.Probes {
		if p := &c.prog.Probes[i]; !p.Kind.InKernel() {
			c.refuseDeepIn(p.Body)
		}
	}
}

func (c *checker) refuseDeepIn(body *ir.Node) {
	// The place is that of the outermost expression: the statements around it
	// may nest no more than the parser lets them.
	const statements = 1000
	var path [statements]*ir.Node
	var visit func(n *ir.Node, depth int) bool
	visit = func(n *ir.Node, depth int) bool {
		if n == nil {
			return true
		}
		if depth > ir.MaxNesting {
			at := slices.IndexFunc(path[:], func(n *ir.Node) bool { return n.Type != ir.Void })
			c.Errs.Add(c.Spans[path[max(at, 0)]], "compute it in parts, and keep those in variables",
				"more than %d operators, each of what the one before gives", ir.MaxNesting)
			return false
		}
		if depth <= len(path) {
			path[depth-1] = n
		}
		for _, a := range n.Args {
			if !visit(a, depth+1) {
				return false
			}
		}
		if e := n.Each; e != nil {
			if !visit(e.Limit, depth+1) {
				return false
			}
			for _, k := range e.Slice {
				if !visit(k, depth+1) {
					return false
				}
			}
		}
		return true
	}
	visit(body, 1)
}
