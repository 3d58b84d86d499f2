package sides

import (
	"slices"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// refuseDeep tells chains of operators that are longer than an object can hold:
// each is an operand of the next. Of probes in the kernel an object holds the
// code.
func (r *checker) refuseDeep() {
	for i := range r.p.Funcs {
		r.refuseDeepIn(r.p.Funcs[i].Body)
	}
	for i := range r.p.Probes {
		if p := &r.p.Probes[i]; !p.Kind.InKernel() {
			r.refuseDeepIn(p.Body)
		}
	}
}

func (r *checker) refuseDeepIn(body *ir.Node) {
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
			r.errs.Add(r.places.Nodes[path[max(at, 0)]], "compute it in parts, and keep those in variables",
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
