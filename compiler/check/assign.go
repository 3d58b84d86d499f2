package check

import (
	"strings"

	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// updates are the operators of "x += y" and the like.
var updates = map[string]ir.Op{
	"+": ir.Add, "-": ir.Sub, "*": ir.Mul, "/": ir.Div, "%": ir.Mod, "&": ir.And, "|": ir.Or, "^": ir.Xor, "<<": ir.Shl, ">>": ir.Shr,
}

// lvalue lowers what is assigned to.
func (s *scope) lvalue(x syntax.Expr) (val, bool) {
	switch x := x.(type) {
	case *syntax.Name:
		v := s.lookup(x.Text)
		if !s.learnShape(v, scalar, x.Span) {
			return val{}, false
		}
		v.assigned = true
		return val{n: s.get(v, x.Span), ref: v}, true
	case *syntax.Index:
		if v := s.arrayOf(x.X); v != nil {
			v.assigned = true
			e := s.element(v, x)
			return e, e.n.Op == ir.Elem
		}
	}
	s.errorf(x.Place(), "assign to a variable", "the kernel is read and not written")
	return val{}, false
}

// assign lowers "x = y", "x += y" and "x .= y" to their value.
func (s *scope) assign(x *syntax.Assign, want ir.Type) val {
	if x.Op == "<<<" {
		s.errorf(x.Span, "make it a statement of its own", "<<< has no value")
		return val{n: s.bad(want, x.Span)}
	}
	to, ok := s.lvalue(x.X)
	if !ok {
		s.expr(x.Y, open)
		return val{n: s.bad(want, x.Span)}
	}
	if to.n.Type == ir.Stats {
		line, _ := s.c.lines.Place(to.ref.where.Start)
		s.errorf(x.Span, "add to it with <<<", "%s is an aggregate since line %d", to.ref.name, line)
		return val{n: s.bad(want, x.Span)}
	}
	op := strings.TrimSuffix(x.Op, "=")
	switch op {
	case "":
		return s.set(to, s.assigned(to, x, want), x.Span)
	case ".":
		to = s.demand(to, ir.String, x.X.Place())
		return s.append(to, s.expr(x.Y, ir.String).n, x.Span)
	}
	to = s.demand(to, ir.Long, x.X.Place())
	y := s.expr(x.Y, ir.Long)
	if to.n.Op == ir.Const {
		return to // in error
	}
	n := s.node(ir.Update, ir.Long, x.Span, to.n, y.n)
	n.How = updates[op]
	return val{n: n}
}

// assigned lowers the right side of "=", of the left side's type.
func (s *scope) assigned(to val, x *syntax.Assign, want ir.Type) val {
	if to.n.Type == open {
		y := s.expr(x.Y, want)
		if y.n.Type != open {
			s.learn(to.ref, y.n.Type, x.Y.Place())
			to.n.Type = y.n.Type
		}
		return y
	}
	y := s.expr(x.Y, open)
	if y.n.Type == open || y.n.Type == to.n.Type {
		return s.demand(y, to.n.Type, x.Y.Place())
	}
	// The name knows where its type comes from.
	s.learn(to.ref, y.n.Type, x.Y.Place())
	return val{n: s.bad(to.n.Type, x.Y.Place())}
}

func (s *scope) set(to, y val, at diag.Span) val {
	s.c.point(to.ref, y.c)
	return val{n: s.node(ir.Set, to.n.Type, at, to.n, y.n), ref: to.ref, c: y.c}
}

// append lowers "x .= y"; the keys of an element are evaluated once.
func (s *scope) append(to val, y *ir.Node, at diag.Span) val {
	if to.n.Op == ir.Text {
		return to // in error
	}
	var before []*ir.Node
	if to.n.Op == ir.Elem {
		for i, key := range to.n.Args {
			steady := key.Op == ir.Builtin && s.c.builtin[key.Str].Steady
			if steady || key.Op == ir.Const || key.Op == ir.Text || key.Op == ir.GetLoc && !assigns(y) {
				continue
			}
			temp := s.temp(key.Type)
			set := s.node(ir.Set, key.Type, at, s.get(temp, at), key)
			if key.Type == ir.String {
				set = s.node(ir.Eq, ir.Long, at, set, s.text("", at))
			}
			before = append(before, set)
			to.n.Args[i] = s.get(temp, at)
		}
	}
	again := *to.n
	set := s.node(ir.Set, ir.String, at, to.n, s.node(ir.Concat, ir.String, at, &again, y))
	// There is no comma: "(k = f(), 1) ? a[k] = a[k] . y : """ has its effect.
	for i := len(before) - 1; i >= 0; i-- {
		first := s.node(ir.OrOr, ir.Long, at, before[i], s.num(1, at))
		set = s.node(ir.Choose, ir.String, at, first, set, s.text("", at))
	}
	return val{n: set}
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
func (s *scope) stepExpr(x *syntax.Step, want ir.Type) val {
	to, ok := s.lvalue(x.X)
	if !ok {
		return val{n: s.bad(want, x.Span)}
	}
	to = s.demand(to, ir.Long, x.X.Place())
	if to.n.Op == ir.Const {
		return to // in error
	}
	n := s.node(ir.Update, ir.Long, x.Span, to.n, s.num(1, x.Span))
	n.How, n.Old = ir.Add, !x.Before
	if x.Op == "--" {
		n.How = ir.Sub
	}
	return val{n: n}
}

// arrayOf is the array that "x[…]" is about; nil when x is no array but a
// pointer or something of the kernel.
func (s *scope) arrayOf(x syntax.Expr) *variable {
	name, ok := x.(*syntax.Name)
	if !ok {
		return nil
	}
	v := s.lookup(name.Text)
	if v.global != nil && v.shape != scalar || v.pointer == nil && !v.mixed {
		return v
	}
	return nil
}

// element lowers "a[k, …]".
func (s *scope) element(v *variable, x *syntax.Index) val {
	if v.global == nil {
		var globals []string
		for _, g := range s.c.order {
			globals = append(globals, g.name)
		}
		hint := diag.DidYouMean(v.name, globals)
		if hint == "" {
			hint = `arrays are globals: declare it with "global ` + v.name + `"`
		}
		s.errorf(x.X.Place(), hint, "there is no array %s", v.name)
		return val{n: s.bad(open, x.Span)}
	}
	keys, ok := s.keys(v, x.Keys, x.Span)
	if !ok {
		return val{n: s.bad(v.typ, x.Span)}
	}
	s.needValue(v, x.X.Place())
	n := s.node(ir.Elem, v.typ, x.Span, keys...)
	n.Int = int64(s.c.globalIndex(v))
	return val{n: n, ref: v, c: v.pointer}
}

// keys lowers the keys of an array.
func (s *scope) keys(v *variable, list []syntax.Expr, at diag.Span) ([]*ir.Node, bool) {
	if !s.learnKeys(v, len(list), at) {
		return nil, false
	}
	out := make([]*ir.Node, len(list))
	for i, k := range list {
		if k == nil {
			s.errorf(at, "write the key", "* stands for any key in foreach only")
			return nil, false
		}
		out[i] = s.key(v, i, k)
	}
	return out, true
}

func (s *scope) key(v *variable, i int, x syntax.Expr) *ir.Node {
	k := v.keys[i]
	if k.typ == open {
		n := s.expr(x, open)
		if n.n.Type != open {
			s.learn(k, n.n.Type, x.Place())
		}
		return n.n
	}
	n := s.expr(x, open)
	if n.n.Type == open || n.n.Type == k.typ {
		return s.demand(n, k.typ, x.Place()).n
	}
	s.learn(k, n.n.Type, x.Place())
	return s.bad(k.typ, x.Place())
}
