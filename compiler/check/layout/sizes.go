package layout

import "github.com/tpinfo/tpinfo/compiler/ir"

// size finds how many bytes each string takes: of a variable, as many as
// anything that is ever assigned to it, in steps of 8. What a variable holds
// may depend on others, so it goes on until nothing grows.
func size(p *ir.Program, functions map[string]ir.Function) {
	z := &sizer{p: p, max: p.StringSize, functions: functions}
	for i := range p.Probes {
		openStrings(p.Probes[i].Locals)
	}
	for i := range p.Funcs {
		f := &p.Funcs[i]
		openStrings(f.Locals)
		if f.Result == ir.String {
			f.Size = 8
		}
	}
	for i := range z.p.Globals {
		g := &z.p.Globals[i]
		if g.Type == ir.String {
			g.Size = 8
			if g.Init != nil {
				g.Size = z.text(len(g.Init.Str))
				g.Init.Size = g.Size
			}
		}
		for j := range g.Keys {
			g.KeySizes[j] = 8
		}
	}
	for again := true; again; {
		z.grown = false
		for i := range z.p.Funcs {
			f := &z.p.Funcs[i]
			z.locals, z.fn = f.Locals, f
			z.visit(f.Body)
		}
		for i := range z.p.Probes {
			z.locals, z.fn = z.p.Probes[i].Locals, nil
			z.visit(z.p.Probes[i].Body)
		}
		again = z.grown
	}
}

// openStrings gives strings the least they take.
func openStrings(locals []ir.Local) {
	for i := range locals {
		if locals[i].Type == ir.String {
			locals[i].Size = 8
		}
	}
}

type sizer struct {
	p         *ir.Program
	max       int
	functions map[string]ir.Function
	locals    []ir.Local
	fn        *ir.Func
	grown     bool
}

// text is the capacity for so many bytes and a NUL.
func (z *sizer) text(length int) int { return min((length+1+7)&^7, z.max) }

func (z *sizer) grow(size *int, to int) {
	if *size < to {
		*size, z.grown = to, true
	}
}

// hold makes what is assigned to large enough.
func (z *sizer) hold(to *ir.Node, size int) {
	switch to.Op {
	case ir.GetLoc:
		z.grow(&z.locals[to.Int].Size, size)
	case ir.GetGlo, ir.Elem:
		z.grow(&z.p.Globals[to.Int].Size, size)
	}
}

// visit sizes a node and what is below it.
func (z *sizer) visit(n *ir.Node) {
	if n == nil {
		return
	}
	for _, a := range n.Args {
		z.visit(a)
	}
	switch n.Op {
	case ir.Text:
		n.Str = n.Str[:min(len(n.Str), z.max-1)]
	case ir.Set:
		if n.Type == ir.String {
			z.hold(n.Args[0], n.Args[1].Size)
		}
	case ir.Elem, ir.In:
		z.keys(&z.p.Globals[n.Int], n.Args)
	case ir.ForEach:
		z.each(n.Each)
	case ir.Try:
		if n.Int >= 0 {
			z.grow(&z.locals[n.Int].Size, z.max)
		}
	case ir.Return:
		if len(n.Args) > 0 && n.Args[0].Type == ir.String {
			z.grow(&z.fn.Size, n.Args[0].Size)
		}
	case ir.Call:
		f := &z.p.Funcs[n.Int]
		for i, a := range n.Args {
			if a.Type == ir.String {
				z.grow(&f.Locals[i].Size, a.Size)
			}
		}
	case ir.Print, ir.Sprint, ir.Fail:
		slots := z.p.Sites[n.Int].Slots
		for i, a := range n.Args {
			if a.Type == ir.String {
				z.grow(&slots[i].Size, a.Size)
			}
		}
	}
	if n.Type == ir.String {
		z.grow(&n.Size, z.sizeOf(n))
	}
}

func (z *sizer) keys(g *ir.Global, keys []*ir.Node) {
	for i, k := range keys {
		if k != nil && k.Type == ir.String {
			z.grow(&g.KeySizes[i], k.Size)
		}
	}
}

func (z *sizer) each(e *ir.Each) {
	g := &z.p.Globals[e.Global]
	for i, k := range e.Keys {
		if g.Keys[i] == ir.String {
			z.grow(&z.locals[k].Size, g.KeySizes[i])
		}
	}
	if e.Value >= 0 && g.Type == ir.String {
		z.grow(&z.locals[e.Value].Size, g.Size)
	}
	z.visit(e.Limit)
	for _, k := range e.Slice {
		z.visit(k)
	}
	z.keys(g, e.Slice)
}

// sizeOf is what a string expression takes at most.
func (z *sizer) sizeOf(n *ir.Node) int {
	switch n.Op {
	case ir.Text:
		return z.text(len(n.Str))
	case ir.GetLoc:
		return max(z.locals[n.Int].Size, 8)
	case ir.GetGlo, ir.Elem:
		return max(z.p.Globals[n.Int].Size, 8)
	case ir.Set:
		return z.sizeOf(n.Args[0])
	case ir.Concat:
		return min((n.Args[0].Size+n.Args[1].Size-1+7)&^7, z.max)
	case ir.Choose:
		return max(n.Args[1].Size, n.Args[2].Size)
	case ir.Call:
		return max(z.p.Funcs[n.Int].Size, 8)
	case ir.ReadText:
		size := z.max
		if n.Int > 0 {
			size = z.text(int(n.Int) - 1)
		}
		if len(n.Args) > 1 {
			size = max(size, n.Args[1].Size)
		}
		return size
	case ir.Builtin:
		return z.builtin(n)
	}
	return z.max
}

func (z *sizer) builtin(n *ir.Node) int {
	if n.Str == "substr" {
		if length := n.Args[2]; length.Op == ir.Const {
			return min(n.Args[0].Size, z.text(int(min(max(length.Int, 0), int64(z.max)))))
		}
		return n.Args[0].Size
	}
	if size := z.functions[n.Str].Size; size > 0 {
		return min(size, z.max)
	}
	return z.max
}
