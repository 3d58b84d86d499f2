package check

import (
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// layGlobals writes down the globals that the script uses.
func (c *checker) layGlobals() {
	for _, v := range c.used {
		g := ir.Global{Name: v.name, Type: v.typ, Size: 8}
		g.Line, g.Column = c.place(v.global.Span.Start)
		if v.shape == array {
			g.Max, g.Wraps = c.opt.MapEntries, v.global.Wraps
			if v.global.Size != nil {
				g.Max = int(v.global.Size.Value)
			}
			for _, k := range v.keys {
				g.Keys = append(g.Keys, k.typ)
			}
			g.KeySizes = make([]int, len(g.Keys))
		}
		if v.typ == ir.Stats {
			stats := v.stats
			g.Stats, g.Size = &stats, stats.Layout().Size
		}
		switch init := v.global.Init.(type) {
		case *syntax.NumberLit:
			g.Init = &ir.Node{Op: ir.Const, Type: ir.Long, Int: init.Value}
		case *syntax.StringLit:
			g.Init = &ir.Node{Op: ir.Text, Type: ir.String, Str: init.Text}
		}
		c.prog.Globals = append(c.prog.Globals, g)
	}
	for i := range c.prog.Probes {
		openStrings(c.prog.Probes[i].Locals)
	}
	for i := range c.prog.Funcs {
		f := &c.prog.Funcs[i]
		openStrings(f.Locals)
		if f.Result == ir.String {
			f.Size = 8
		}
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

// place64 gives the scalar globals their places in the data map, each on a
// multiple of 8 behind the control words.
func (c *checker) place64() {
	at := ir.ControlSize
	for i := range c.prog.Globals {
		g := &c.prog.Globals[i]
		if g.Array() || g.Type == ir.Stats {
			continue
		}
		g.Offset = at
		at += g.Size
	}
	c.prog.DataSize = at
}
