package check

import (
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// layGlobals writes down the globals that the script uses.
func (c *checker) layGlobals() {
	for _, v := range c.used {
		g := ir.Global{Name: v.name, Type: v.typ, Size: 8}
		g.Line, g.Column = c.lines.Place(v.global.Span.Start)
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
}
