package check

import (
	"regexp"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// expr lowers an expression to a value of the type that its place needs, open
// for any.
func (s *scope) expr(x syntax.Expr, want ir.Type) val {
	v := s.any(x, want)
	v.n = s.fold(v.n)
	return s.demand(v, want, x.Place())
}

// any lowers an expression; want is what its place would like.
func (s *scope) any(x syntax.Expr, want ir.Type) val {
	switch x := x.(type) {
	case *syntax.Name:
		return s.name(x, want)
	case *syntax.NumberLit:
		return val{n: s.num(x.Value, x.Span)}
	case *syntax.StringLit:
		return val{n: s.text(x.Text, x.Span)}
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
			return val{n: s.bad(want, x.Span), void: true}
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
	return val{n: s.bad(want, x.Place())}
}

func (s *scope) name(x *syntax.Name, want ir.Type) val {
	v := s.lookup(x.Text)
	if !s.learnShape(v, scalar, x.Span) {
		return val{n: s.bad(want, x.Span)}
	}
	s.needValue(v, x.Span)
	return val{n: s.get(v, x.Span), ref: v, c: v.pointer}
}

func (s *scope) unary(x *syntax.Unary, want ir.Type) val {
	if x.Op == "&" {
		return s.address(x, want)
	}
	y := s.expr(x.X, ir.Long)
	switch x.Op {
	case "-":
		return val{n: s.node(ir.Neg, ir.Long, x.Span, y.n)}
	case "~":
		return val{n: s.node(ir.Com, ir.Long, x.Span, y.n)}
	case "!":
		return val{n: s.node(ir.Not, ir.Long, x.Span, y.n)}
	}
	return y
}

var comparisons = map[string]ir.Op{"==": ir.Eq, "!=": ir.Ne, "<": ir.Lt, "<=": ir.Le, ">": ir.Gt, ">=": ir.Ge}

func (s *scope) binary(x *syntax.Binary) val {
	if op := updates[x.Op]; op != "" {
		l, r := s.expr(x.X, ir.Long), s.expr(x.Y, ir.Long)
		return val{n: s.node(op, ir.Long, x.Span, l.n, r.n)}
	}
	if op := comparisons[x.Op]; op != "" {
		return s.compare(op, x)
	}
	switch x.Op {
	case ".":
		l, r := s.expr(x.X, ir.String), s.expr(x.Y, ir.String)
		return val{n: s.node(ir.Concat, ir.String, x.Span, l.n, r.n)}
	case "&&", "||":
		return s.logic(x)
	}
	return s.match(x)
}

func (s *scope) compare(op ir.Op, x *syntax.Binary) val {
	l := s.expr(x.X, open)
	r := s.expr(x.Y, open)
	switch {
	case l.n.Type == open && r.n.Type != open:
		l = s.demand(l, r.n.Type, x.X.Place())
	case l.n.Type != open:
		r = s.demand(r, l.n.Type, x.Y.Place())
	}
	return val{n: s.node(op, ir.Long, x.Span, l.n, r.n)}
}

// logic lowers && and ||. What a constant left side decides is not looked at
// any further, so that @defined can guard it.
func (s *scope) logic(x *syntax.Binary) val {
	op, decides := ir.AndAnd, false
	if x.Op == "||" {
		op, decides = ir.OrOr, true
	}
	l := s.expr(x.X, ir.Long)
	if l.n.Op == ir.Const && (l.n.Int != 0) == decides {
		return val{n: s.num(truth(decides), x.Span)}
	}
	r := s.expr(x.Y, ir.Long)
	return val{n: s.node(op, ir.Long, x.Span, l.n, r.n)}
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// match lowers =~ and !~, whose pattern is a literal.
func (s *scope) match(x *syntax.Binary) val {
	l := s.expr(x.X, ir.String)
	pattern, ok := x.Y.(*syntax.StringLit)
	if !ok {
		s.errorf(x.Y.Place(), "", "the pattern of %s is a literal string", x.Op)
		return val{n: s.num(0, x.Span)}
	}
	if _, err := regexp.CompilePOSIX(pattern.Text); err != nil {
		s.errorf(x.Y.Place(), "patterns are POSIX extended regular expressions", "%v", err)
		return val{n: s.num(0, x.Span)}
	}
	n := s.node(ir.Match, ir.Long, x.Span, l.n)
	n.Str = pattern.Text
	if x.Op == "!~" {
		n = s.node(ir.Not, ir.Long, x.Span, n)
	}
	return val{n: n}
}

func (s *scope) in(x *syntax.In) val {
	name, ok := x.Array.(*syntax.Name)
	if !ok {
		s.errorf(x.Array.Place(), "", "an array stands behind in")
		return val{n: s.num(0, x.Span)}
	}
	v := s.lookup(name.Text)
	keys, ok := s.keys(v, x.Keys, x.Span)
	if !ok {
		return val{n: s.num(0, x.Span)}
	}
	n := s.node(ir.In, ir.Long, x.Span, keys...)
	n.Int = int64(s.c.globalIndex(v))
	return val{n: n}
}

// choose lowers "a ? b : c". Of a constant condition only one side is looked
// at.
func (s *scope) choose(x *syntax.Cond, want ir.Type) val {
	cond := s.expr(x.If, ir.Long).n
	if cond.Op == ir.Const {
		if cond.Int != 0 {
			return s.expr(x.Then, want)
		}
		return s.expr(x.Else, want)
	}
	l, r := s.expr(x.Then, want), s.expr(x.Else, want)
	switch {
	case l.n.Type == open && r.n.Type != open:
		l = s.demand(l, r.n.Type, x.Then.Place())
	case l.n.Type != open:
		r = s.demand(r, l.n.Type, x.Else.Place())
	}
	v := val{n: s.node(ir.Choose, l.n.Type, x.Span, cond, l.n, r.n), c: l.c}
	if v.c == nil {
		v.c = r.c
	} else if r.c != nil && r.c.String() != v.c.String() {
		v.c = nil
	}
	return v
}
