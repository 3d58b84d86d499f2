package check

import (
	"strings"

	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// updates are the operators of "x += y" and the like.
var updates = map[string]ir.Op{
	"+": ir.Add, "-": ir.Sub, "*": ir.Mul, "/": ir.Div, "%": ir.Mod, "&": ir.And, "|": ir.Or, "^": ir.Xor, "<<": ir.Shl, ">>": ir.Shr,
}

// lvalue lowers what is assigned to.
func (s *scope) lvalue(x syntax.Expr) (infer.Value, bool) {
	switch x := x.(type) {
	case *syntax.Name:
		v := s.Lookup(x.Text)
		if !s.LearnShape(v, infer.Scalar, x.Span) {
			return infer.Value{}, false
		}
		v.Assigned = true
		return infer.Value{Node: s.Get(v, x.Span), Var: v}, true
	case *syntax.Index:
		if v := s.arrayOf(x.X); v != nil {
			v.Assigned = true
			e := s.element(v, x)
			return e, e.Node.Op == ir.Elem
		}
	}
	s.Errorf(x.Place(), "assign to a variable", "the kernel is read and not written")
	return infer.Value{}, false
}

// assign lowers "x = y", "x += y" and "x .= y" to their value.
func (s *scope) assign(x *syntax.Assign, want ir.Type) infer.Value {
	if x.Op == "<<<" {
		s.Errorf(x.Span, "make it a statement of its own", "<<< has no value")
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	to, ok := s.lvalue(x.X)
	if !ok {
		s.expr(x.Y, infer.Open)
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	if to.Node.Type == ir.Stats {
		line, _ := s.Lines.Place(to.Var.Where.Start)
		s.Errorf(x.Span, "add to it with <<<", "%s is an aggregate since line %d", to.Var.Name, line)
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	op := strings.TrimSuffix(x.Op, "=")
	switch op {
	case "":
		return s.set(to, s.assigned(to, x, want), x.Span)
	case ".":
		to = s.Demand(to, ir.String, x.X.Place())
		return s.append(to, s.expr(x.Y, ir.String).Node, x.Span)
	}
	to = s.Demand(to, ir.Long, x.X.Place())
	y := s.expr(x.Y, ir.Long)
	if to.Node.Op == ir.Const {
		return to // in error
	}
	n := s.Node(ir.Update, ir.Long, x.Span, to.Node, y.Node)
	n.How = updates[op]
	return infer.Value{Node: n}
}

// assigned lowers the right side of "=", of the left side's type.
func (s *scope) assigned(to infer.Value, x *syntax.Assign, want ir.Type) infer.Value {
	if to.Node.Type == infer.Open {
		y := s.expr(x.Y, want)
		if y.Node.Type != infer.Open {
			s.Learn(to.Var, y.Node.Type, x.Y.Place())
			to.Node.Type = y.Node.Type
		}
		return y
	}
	y := s.expr(x.Y, infer.Open)
	if y.Node.Type == infer.Open || y.Node.Type == to.Node.Type {
		return s.Demand(y, to.Node.Type, x.Y.Place())
	}
	// The name knows where its type comes from.
	s.Learn(to.Var, y.Node.Type, x.Y.Place())
	return infer.Value{Node: s.Bad(to.Node.Type, x.Y.Place())}
}

func (s *scope) set(to, y infer.Value, at diag.Span) infer.Value {
	s.Point(to.Var, y.C)
	return infer.Value{Node: s.Node(ir.Set, to.Node.Type, at, to.Node, y.Node), Var: to.Var, C: y.C}
}

// append lowers "x .= y"; the keys of an element are evaluated once.
func (s *scope) append(to infer.Value, y *ir.Node, at diag.Span) infer.Value {
	if to.Node.Op == ir.Text {
		return to // in error
	}
	var before []*ir.Node
	if to.Node.Op == ir.Elem {
		for i, key := range to.Node.Args {
			steady := key.Op == ir.Builtin && s.c.builtin[key.Str].Steady
			if steady || key.Op == ir.Const || key.Op == ir.Text || key.Op == ir.GetLoc && !assigns(y) {
				continue
			}
			temp := s.Temp(key.Type)
			set := s.Node(ir.Set, key.Type, at, s.Get(temp, at), key)
			if key.Type == ir.String {
				set = s.Node(ir.Eq, ir.Long, at, set, s.Text("", at))
			}
			before = append(before, set)
			to.Node.Args[i] = s.Get(temp, at)
		}
	}
	again := *to.Node
	set := s.Node(ir.Set, ir.String, at, to.Node, s.Node(ir.Concat, ir.String, at, &again, y))
	// There is no comma: "(k = f(), 1) ? a[k] = a[k] . y : """ has its effect.
	for i := len(before) - 1; i >= 0; i-- {
		first := s.Node(ir.OrOr, ir.Long, at, before[i], s.Num(1, at))
		set = s.Node(ir.Choose, ir.String, at, first, set, s.Text("", at))
	}
	return infer.Value{Node: set}
}

// assigns reports whether an expression changes a variable.
func assigns(n *ir.Node) bool {
	if n == nil {
		return false
	}
	if n.Op == ir.Set || n.Op == ir.Update || n.Op == ir.Call {
		return true
	}
	for _, a := range n.Args {
		if assigns(a) {
			return true
		}
	}
	return false
}

// stepExpr lowers "x++" and its like.
func (s *scope) stepExpr(x *syntax.Step, want ir.Type) infer.Value {
	to, ok := s.lvalue(x.X)
	if !ok {
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	to = s.Demand(to, ir.Long, x.X.Place())
	if to.Node.Op == ir.Const {
		return to // in error
	}
	n := s.Node(ir.Update, ir.Long, x.Span, to.Node, s.Num(1, x.Span))
	n.How, n.Old = ir.Add, !x.Before
	if x.Op == "--" {
		n.How = ir.Sub
	}
	return infer.Value{Node: n}
}

// arrayOf is the array that "x[…]" is about; nil when x is no array but a
// pointer or something of the kernel.
func (s *scope) arrayOf(x syntax.Expr) *infer.Variable {
	name, ok := x.(*syntax.Name)
	if !ok {
		return nil
	}
	v := s.Lookup(name.Text)
	if v.Global != nil && v.Shape != infer.Scalar || v.Pointer == nil && !v.Mixed {
		return v
	}
	return nil
}

// element lowers "a[k, …]".
func (s *scope) element(v *infer.Variable, x *syntax.Index) infer.Value {
	if v.Global == nil {
		var globals []string
		for _, g := range s.Order {
			globals = append(globals, g.Name)
		}
		hint := diag.DidYouMean(v.Name, globals)
		if hint == "" {
			hint = `arrays are globals: declare it with "global ` + v.Name + `"`
		}
		s.Errorf(x.X.Place(), hint, "there is no array %s", v.Name)
		return infer.Value{Node: s.Bad(infer.Open, x.Span)}
	}
	keys, ok := s.keys(v, x.Keys, x.Span)
	if !ok {
		return infer.Value{Node: s.Bad(v.Type, x.Span)}
	}
	s.NeedValue(v, x.X.Place())
	n := s.Node(ir.Elem, v.Type, x.Span, keys...)
	n.Int = int64(s.GlobalIndex(v))
	return infer.Value{Node: n, Var: v, C: v.Pointer}
}

// keys lowers the keys of an array.
func (s *scope) keys(v *infer.Variable, list []syntax.Expr, at diag.Span) ([]*ir.Node, bool) {
	if !s.LearnKeys(v, len(list), at) {
		return nil, false
	}
	out := make([]*ir.Node, len(list))
	for i, k := range list {
		if k == nil {
			s.Errorf(at, "write the key", "* stands for any key in foreach only")
			return nil, false
		}
		out[i] = s.key(v, i, k)
	}
	return out, true
}

func (s *scope) key(v *infer.Variable, i int, x syntax.Expr) *ir.Node {
	k := v.Keys[i]
	if k.Type == infer.Open {
		n := s.expr(x, infer.Open)
		if n.Node.Type != infer.Open {
			s.Learn(k, n.Node.Type, x.Place())
		}
		return n.Node
	}
	n := s.expr(x, infer.Open)
	if n.Node.Type == infer.Open || n.Node.Type == k.Type {
		return s.Demand(n, k.Type, x.Place()).Node
	}
	s.Learn(k, n.Node.Type, x.Place())
	return s.Bad(k.Type, x.Place())
}
