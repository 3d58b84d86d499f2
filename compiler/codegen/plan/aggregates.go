package plan

import "github.com/tpinfo/tpinfo/compiler/ir"

// Aggregates tells of each aggregate, by its number among the globals, where a
// handler in the kernel first reads or resets it, if one does, and how many of
// them add to it.
func Aggregates(p *ir.Program) (read map[int]*ir.Node, adders map[int]int) {
	read, adders = map[int]*ir.Node{}, map[int]int{}
	for i := range p.Probes {
		if !p.Probes[i].Kind.InKernel() {
			continue
		}
		adds := map[int]bool{}
		each(p, p.Probes[i].Body, func(n *ir.Node) {
			switch {
			case n.Op == ir.StatAdd:
				adds[int(n.Args[0].Int)] = true
			case n.Op == ir.Stat,
				n.Op == ir.Delete && len(n.Args) > 0 && n.Args[0].Op == ir.GetGlo && p.Globals[n.Args[0].Int].Type == ir.Stats:
				if global := int(n.Args[0].Int); read[global] == nil {
					read[global] = n
				}
			}
		})
		for global := range adds {
			adders[global]++
		}
	}
	return read, adders
}

// each calls see for every node of a body and of the functions it calls, of
// each function once.
func each(p *ir.Program, body *ir.Node, see func(*ir.Node)) {
	called := map[int64]bool{}
	var visit func(*ir.Node)
	visit = func(n *ir.Node) {
		if n == nil {
			return
		}
		see(n)
		if n.Op == ir.Call && !called[n.Int] {
			called[n.Int] = true
			visit(p.Funcs[n.Int].Body)
		}
		for _, a := range n.Args {
			visit(a)
		}
	}
	visit(body)
}
