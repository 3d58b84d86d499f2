package plan

import (
	"fmt"
	"slices"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// AddUpdaters adds a probe for each array of numbers that a timer adds to while
// probes in the kernel use it: user space cannot add to an element of a map and
// lose nothing, a program can. User space lays the keys and what to add out
// among the globals and runs the program.
func AddUpdaters(p *ir.Program) {
	inKernel, inTimers := map[int]bool{}, map[int]bool{}
	for i := range p.Probes {
		switch probe := &p.Probes[i]; {
		case probe.Kind.InKernel():
			each(p, probe.Body, func(n *ir.Node) {
				if n.Op == ir.Elem {
					inKernel[int(n.Int)] = true
				}
			})
		case probe.Kind == ir.Timer:
			each(p, probe.Body, func(n *ir.Node) {
				if n.Op == ir.Update && n.Args[0].Op == ir.Elem && (n.How == ir.Add || n.How == ir.Sub) {
					inTimers[int(n.Args[0].Int)] = true
				}
			})
		}
	}
	p.Globals, p.Probes = slices.Clone(p.Globals), slices.Clone(p.Probes)
	for g := range p.Globals {
		if inKernel[g] && inTimers[g] {
			p.Probes = append(p.Probes, updater(p, g))
		}
	}
}

// updater is the probe "result = array[keys] += delta", with the places of all
// of them. That the array is full is told by a flag.
func updater(p *ir.Program, global int) ir.Probe {
	g := p.Globals[global]
	hidden := func(name string, t ir.Type, size int) (int, *ir.Node) {
		p.Globals = append(p.Globals, ir.Global{
			Name: fmt.Sprintf("tpinfo.%s.%s", g.Name, name), Type: t, Size: size, Offset: p.DataSize, Line: g.Line, Column: g.Column,
		})
		p.DataSize += size
		at := len(p.Globals) - 1
		place := &ir.Node{Op: ir.GetGlo, Type: t, Int: int64(at)}
		if t == ir.String {
			place.Size = size
		}
		return at, place
	}
	u := &ir.Updater{Global: global}
	place := &ir.Node{Op: ir.Elem, Type: ir.Long, Int: int64(global)}
	for i, t := range g.Keys {
		at, key := hidden(fmt.Sprintf("key%d", i), t, g.KeySizes[i])
		u.Keys = append(u.Keys, at)
		place.Args = append(place.Args, key)
	}
	var delta, result, full *ir.Node
	u.Delta, delta = hidden("delta", ir.Long, 8)
	u.Result, result = hidden("result", ir.Long, 8)
	u.Full, full = hidden("full", ir.Long, 8)
	assign := func(to, v *ir.Node) *ir.Node {
		return &ir.Node{Op: ir.Block, Args: []*ir.Node{{Op: ir.Eval, Args: []*ir.Node{{Op: ir.Set, Type: ir.Long, Args: []*ir.Node{to, v}}}}}}
	}
	add := &ir.Node{Op: ir.Update, Type: ir.Long, How: ir.Add, Args: []*ir.Node{place, delta}}
	return ir.Probe{
		Kind: ir.UserUpdate, Point: "update of " + g.Name, Program: fmt.Sprintf("update_%d", global), Line: g.Line, Column: g.Column, Updater: u,
		Body: &ir.Node{Op: ir.Block, Args: []*ir.Node{{
			Op: ir.Try, Int: -1, Args: []*ir.Node{assign(result, add), assign(full, &ir.Node{Op: ir.Const, Type: ir.Long, Int: 1})},
		}}},
	}
}
