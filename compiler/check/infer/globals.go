package infer

import (
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// MaxElements bounds an array: bpf maps count in 32 bits, and memory ends long
// before.
const MaxElements = 1 << 28

// DeclareGlobals notes the globals of a script.
func (s *Script) DeclareGlobals(f *syntax.File) {
	for _, g := range f.Globals {
		if old := s.Globals[g.Name]; old != nil {
			line, _ := s.Lines.Place(old.Global.Span.Start)
			s.Errs.Add(g.Span, "", "global %s is declared in line %d already", g.Name, line)
			continue
		}
		v := NewVariable(g.Name)
		v.Global = g
		s.Globals[g.Name] = v
		s.Order = append(s.Order, v)
		s.declareGlobal(v, g)
	}
}

func (s *Script) declareGlobal(v *Variable, g *syntax.Global) {
	if g.Array {
		v.Shape, v.Shaped = Array, g.Span
	}
	if g.Size != nil && (g.Size.Value < 1 || g.Size.Value > MaxElements) {
		s.Errs.Add(g.Size.Span, "", "an array has 1 to %d elements", int64(MaxElements))
	}
	switch init := g.Init.(type) {
	case *syntax.NumberLit:
		v.Type, v.Where = ir.Long, init.Span
	case *syntax.StringLit:
		v.Type, v.Where = ir.String, init.Span
	default:
		return
	}
	if g.Array {
		s.Errs.Add(g.Span, "fill it in a begin probe", "array %s cannot start with a value", g.Name)
	}
	v.Shape, v.Shaped = Scalar, g.Span
}

// GlobalIndex is the index of a global in this pass; globals that nothing uses
// are left out of the program.
func (s *Script) GlobalIndex(v *Variable) int {
	if v.Index < 0 {
		v.Index = len(s.used)
		s.used = append(s.used, v)
	}
	return v.Index
}

// UsedGlobals are those that the script uses, as the program has them.
func (s *Script) UsedGlobals() []ir.Global {
	var out []ir.Global
	for _, v := range s.used {
		g := ir.Global{Name: v.Name, Type: v.Type, Size: 8}
		g.Line, g.Column = s.Lines.Place(v.Global.Span.Start)
		if v.Shape == Array {
			g.Max, g.Wraps = s.MapEntries, v.Global.Wraps
			if v.Global.Size != nil {
				g.Max = int(v.Global.Size.Value)
			}
			for _, k := range v.Keys {
				g.Keys = append(g.Keys, k.Type)
			}
			g.KeySizes = make([]int, len(g.Keys))
		}
		if v.Type == ir.Stats {
			stats := v.Stats
			g.Stats, g.Size = &stats, stats.Layout().Size
		}
		switch init := v.Global.Init.(type) {
		case *syntax.NumberLit:
			g.Init = &ir.Node{Op: ir.Const, Type: ir.Long, Int: init.Value}
		case *syntax.StringLit:
			g.Init = &ir.Node{Op: ir.Text, Type: ir.String, Str: init.Text}
		}
		out = append(out, g)
	}
	return out
}
