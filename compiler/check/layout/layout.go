package layout

import "github.com/tpinfo/tpinfo/compiler/ir"

// Complete fills in a program what follows from the whole of it; functions are
// the built-in ones.
func Complete(p *ir.Program, functions map[string]ir.Function) {
	size(p, functions)
	placeGlobals(p)
	namePrograms(p)
}

// placeGlobals gives the scalar globals their places in the data map, each on a
// multiple of 8 behind the control words.
func placeGlobals(p *ir.Program) {
	at := ir.ControlSize
	for i := range p.Globals {
		g := &p.Globals[i]
		if g.Array() || g.Type == ir.Stats {
			continue
		}
		g.Offset = at
		at += g.Size
	}
	p.DataSize = at
}
