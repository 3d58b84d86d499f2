package check

import (
	"regexp"

	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// expr lowers an expression to a value of the type that its place needs, open
// for any.
func (s *scope) expr(x syntax.Expr, want ir.Type) infer.Value {
	v := s.any(x, want)
	v.Node = s.Fold(v.Node)
	return s.Demand(v, want, x.Place())
}

// any lowers an expression; want is what its place would like.
func (s *scope) any(x syntax.Expr, want ir.Type) infer.Value {
	switch x := x.(type) {
	case *syntax.Name:
		return s.name(x, want)
	case *syntax.NumberLit:
		return infer.Value{Node: s.Num(x.Value, x.Span)}
	case *syntax.StringLit:
		return infer.Value{Node: s.Text(x.Text, x.Span)}
	case *syntax.Target:
		return s.targetVariable(x, want)
	case *syntax.Member:
		return s.read(x, want)
	case *syntax.Index:
		if v := s.arrayOf(x.X); v != nil {
			return s.element(v, x)
		}
		return s.read(x, want)
	case *syntax.Builtin:
		return s.builtin(x, want)
	case *syntax.Pretty:
		return s.prettyText(x)
	case *syntax.Call:
		v, stmt := s.call(x, want)
		if stmt != nil {
			return infer.Value{Node: s.Bad(want, x.Span), Void: true}
		}
		return v
	case *syntax.Unary:
		return s.unary(x, want)
	case *syntax.Step:
		return s.stepExpr(x, want)
	case *syntax.Binary:
		return s.binary(x)
	case *syntax.In:
		return s.in(x)
	case *syntax.Cond:
		return s.choose(x, want)
	case *syntax.Assign:
		return s.assign(x, want)
	}
	return infer.Value{Node: s.Bad(want, x.Place())}
}

func (s *scope) name(x *syntax.Name, want ir.Type) infer.Value {
	v := s.Lookup(x.Text)
	if !s.LearnShape(v, infer.Scalar, x.Span) {
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	s.NeedValue(v, x.Span)
	if v.Disputed {
		return infer.Value{Node: s.Node(ir.Const, infer.Open, x.Span)}
	}
	return infer.Value{Node: s.Get(v, x.Span), Var: v, C: v.Pointer}
}

func (s *scope) unary(x *syntax.Unary, want ir.Type) infer.Value {
	if x.Op == "&" {
		return s.address(x, want)
	}
	y := s.expr(x.X, ir.Long)
	switch x.Op {
	case "-":
		return infer.Value{Node: s.Node(ir.Neg, ir.Long, x.Span, y.Node)}
	case "~":
		return infer.Value{Node: s.Node(ir.Com, ir.Long, x.Span, y.Node)}
	case "!":
		return infer.Value{Node: s.Node(ir.Not, ir.Long, x.Span, y.Node)}
	}
	return y
}

var comparisons = map[string]ir.Op{"==": ir.Eq, "!=": ir.Ne, "<": ir.Lt, "<=": ir.Le, ">": ir.Gt, ">=": ir.Ge}

func (s *scope) binary(x *syntax.Binary) infer.Value {
	if op := updates[x.Op]; op != "" {
		l, r := s.expr(x.X, ir.Long), s.expr(x.Y, ir.Long)
		return infer.Value{Node: s.Node(op, ir.Long, x.Span, l.Node, r.Node)}
	}
	if op := comparisons[x.Op]; op != "" {
		return s.compare(op, x)
	}
	switch x.Op {
	case ".":
		l, r := s.expr(x.X, ir.String), s.expr(x.Y, ir.String)
		return infer.Value{Node: s.Node(ir.Concat, ir.String, x.Span, l.Node, r.Node)}
	case "&&", "||":
		return s.logic(x)
	}
	return s.match(x)
}

func (s *scope) compare(op ir.Op, x *syntax.Binary) infer.Value {
	l := s.expr(x.X, infer.Open)
	r := s.expr(x.Y, infer.Open)
	switch {
	case l.Node.Type == infer.Open && r.Node.Type != infer.Open:
		l = s.Demand(l, r.Node.Type, x.X.Place())
	case l.Node.Type != infer.Open:
		r = s.Demand(r, l.Node.Type, x.Y.Place())
	}
	return infer.Value{Node: s.Node(op, ir.Long, x.Span, l.Node, r.Node)}
}

// logic lowers && and ||. What a constant left side decides is not looked at
// any further, so that @defined can guard it.
func (s *scope) logic(x *syntax.Binary) infer.Value {
	op, decides := ir.AndAnd, false
	if x.Op == "||" {
		op, decides = ir.OrOr, true
	}
	l := s.expr(x.X, ir.Long)
	if l.Node.Op == ir.Const && (l.Node.Int != 0) == decides {
		return infer.Value{Node: s.Num(ir.Truth(decides), x.Span)}
	}
	r := s.expr(x.Y, ir.Long)
	return infer.Value{Node: s.Node(op, ir.Long, x.Span, l.Node, r.Node)}
}

// match lowers =~ and !~, whose pattern is a literal.
func (s *scope) match(x *syntax.Binary) infer.Value {
	l := s.expr(x.X, ir.String)
	pattern, ok := x.Y.(*syntax.StringLit)
	if !ok {
		s.Errorf(x.Y.Place(), "", "the pattern of %s is a literal string", x.Op)
		return infer.Value{Node: s.Num(0, x.Span)}
	}
	if _, err := regexp.CompilePOSIX(pattern.Text); err != nil {
		s.Errorf(x.Y.Place(), "patterns are POSIX extended regular expressions", "%v", err)
		return infer.Value{Node: s.Num(0, x.Span)}
	}
	n := s.Node(ir.Match, ir.Long, x.Span, l.Node)
	n.Str = pattern.Text
	if x.Op == "!~" {
		n = s.Node(ir.Not, ir.Long, x.Span, n)
	}
	return infer.Value{Node: n}
}

func (s *scope) in(x *syntax.In) infer.Value {
	name, ok := x.Array.(*syntax.Name)
	if !ok {
		s.Errorf(x.Array.Place(), "", "an array stands behind in")
		return infer.Value{Node: s.Num(0, x.Span)}
	}
	v := s.Lookup(name.Text)
	keys, ok := s.keys(v, x.Keys, x.Span)
	if !ok {
		return infer.Value{Node: s.Num(0, x.Span)}
	}
	n := s.Node(ir.In, ir.Long, x.Span, keys...)
	n.Int = int64(s.GlobalIndex(v))
	return infer.Value{Node: n}
}

// choose lowers "a ? b : c". Of a constant condition only one side is looked
// at.
func (s *scope) choose(x *syntax.Cond, want ir.Type) infer.Value {
	cond := s.expr(x.If, ir.Long).Node
	if cond.Op == ir.Const {
		if cond.Int != 0 {
			return s.expr(x.Then, want)
		}
		return s.expr(x.Else, want)
	}
	l, r := s.expr(x.Then, want), s.expr(x.Else, want)
	switch {
	case l.Node.Type == infer.Open && r.Node.Type != infer.Open:
		l = s.Demand(l, r.Node.Type, x.Then.Place())
	case l.Node.Type != infer.Open:
		r = s.Demand(r, l.Node.Type, x.Else.Place())
	}
	v := infer.Value{Node: s.Node(ir.Choose, l.Node.Type, x.Span, cond, l.Node, r.Node), C: l.C}
	if v.C == nil {
		v.C = r.C
	} else if r.C != nil && r.C.String() != v.C.String() {
		v.C = nil
	}
	return v
}
