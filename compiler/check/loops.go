package check

import (
	"strings"

	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// loop lowers while and for.
func (s *scope) loop(st *syntax.Loop) *ir.Node {
	var before []*ir.Node
	if st.Init != nil {
		before = append(before, s.effect(st.Init))
	}
	n := s.node(ir.Loop, ir.Void, st.Span, nil, nil, nil)
	if st.Cond != nil {
		cond := s.expr(st.Cond, ir.Long).n
		switch {
		case cond.Op != ir.Const:
			n.Args[0] = cond
		case cond.Int == 0:
			return s.sequence(before, st.Span)
		}
	}
	s.loops++
	n.Args[2] = s.inner(st.Body)
	s.loops--
	if st.Post == nil {
		return s.sequence(append(before, n), st.Span)
	}
	step := s.effect(st.Post)
	if step != nil && step.Op == ir.Eval {
		n.Args[1] = step.Args[0]
		return s.sequence(append(before, n), st.Span)
	}
	return s.sequence(append(before, s.stepFirst(n, step, st.Span)...), st.Span)
}

// stepFirst makes the step of a loop, one without a value as println(i), a
// statement in front of the condition that the first round leaves out. So
// continue still leads to it.
func (s *scope) stepFirst(loop, step *ir.Node, at diag.Span) []*ir.Node {
	var body []*ir.Node
	again := s.temp(ir.Long)
	set := func(n int64) *ir.Node {
		return s.node(ir.Eval, ir.Void, at, s.node(ir.Set, ir.Long, at, s.get(again, at), s.num(n, at)))
	}
	if step != nil {
		body = append(body, s.node(ir.If, ir.Void, at, s.get(again, at), step, set(1)))
	}
	if cond := loop.Args[0]; cond != nil {
		over := s.fold(s.node(ir.Not, ir.Long, at, cond))
		body = append(body, s.node(ir.If, ir.Void, at, over, s.node(ir.Break, ir.Void, at)))
	}
	loop.Args[0], loop.Args[2] = nil, s.node(ir.Block, ir.Void, at, append(body, loop.Args[2])...)
	return []*ir.Node{set(0), loop}
}

// sequence is one statement made of several, or nil.
func (s *scope) sequence(list []*ir.Node, at diag.Span) *ir.Node {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return s.node(ir.Block, ir.Void, at, list...)
}

// sorts are the statistics that elements can be sorted by.
var sorts = []string{"count", "sum", "min", "max", "avg"}

// foreach lowers the visit of an array.
func (s *scope) foreach(st *syntax.Foreach) *ir.Node {
	var slice []syntax.Expr
	arrayExpr := st.Array
	if x, ok := arrayExpr.(*syntax.Index); ok {
		arrayExpr, slice = x.X, x.Keys
	}
	name, ok := arrayExpr.(*syntax.Name)
	if !ok {
		s.errorf(st.Array.Place(), "", "foreach visits an array")
		return nil
	}
	v := s.lookup(name.Text)
	if !s.learnKeys(v, len(st.Keys), name.Span) {
		return nil
	}
	each := &ir.Each{Global: s.c.globalIndex(v), Value: -1, Sort: st.Order, Desc: st.Descending}
	var before []*ir.Node
	for i, key := range st.Keys {
		index, copied := s.loopVariable(key.Name, v.keys[i])
		each.Keys = append(each.Keys, index)
		before = append(before, copied...)
	}
	if slice != nil {
		each.Slice = s.slice(v, slice, st.Array.Place())
	}
	if st.Limit != nil {
		each.Limit = s.expr(st.Limit, ir.Long).n
	}
	s.sortBy(each, v, st)
	if st.Value != nil && v.typ == ir.Stats {
		s.errorf(st.Value.Span, "leave it away, and write @count("+v.name+"[…]) in the body", "an aggregate cannot be the value's variable")
	} else if st.Value != nil {
		index, copied := s.loopVariable(st.Value, v)
		each.Value = index
		before = append(before, copied...)
	}
	s.loops++
	body := s.inner(st.Body)
	s.loops--
	if len(before) > 0 {
		body = s.node(ir.Block, ir.Void, st.Span, append(before, body)...)
	}
	n := s.node(ir.ForEach, ir.Void, st.Span, body)
	n.Each = each
	return n
}

// loopVariable is the local that gets a key or the value, of the type that
// source has; for a global there is a copy to make first.
func (s *scope) loopVariable(name *syntax.Name, source *variable) (int, []*ir.Node) {
	v := s.lookup(name.Text)
	s.learnShape(v, scalar, name.Span)
	v.assigned = true
	s.unify(v, source, name.Span)
	s.c.point(v, source.pointer)
	if v.global == nil {
		return s.local(v), nil
	}
	temp := s.temp(v.typ)
	set := s.node(ir.Set, v.typ, name.Span, s.get(v, name.Span), s.get(temp, name.Span))
	return s.local(temp), []*ir.Node{s.node(ir.Eval, ir.Void, name.Span, set)}
}

// unify says that two variables have one type.
func (s *scope) unify(a, b *variable, at diag.Span) {
	switch {
	case b.typ != open:
		s.learn(a, b.typ, at)
	case a.typ != open:
		s.learn(b, a.typ, at)
	}
}

// slice lowers the keys of "a[*, 1]".
func (s *scope) slice(v *variable, keys []syntax.Expr, at diag.Span) []*ir.Node {
	if len(keys) != len(v.keys) {
		s.errorf(at, "* stands for any key", "%s has %s, and %d here", v.name, count(len(v.keys), "key"), len(keys))
		return nil
	}
	out := make([]*ir.Node, len(keys))
	for i, k := range keys {
		if k != nil {
			out[i] = s.key(v, i, k)
		}
	}
	return out
}

// sortBy settles what the order of a foreach is about.
func (s *scope) sortBy(each *ir.Each, v *variable, st *syntax.Foreach) {
	if st.SortBy == "" {
		return
	}
	by := strings.TrimPrefix(st.SortBy, "@")
	at := st.Array.Place()
	for _, known := range sorts {
		if by != known {
			continue
		}
		s.learn(v, ir.Stats, at)
		v.ask(by)
		each.By = by
		if st.Order != 0 {
			s.errorf(at, "write + or - behind @"+by, "@%s says what is sorted by, and not in which direction", by)
		}
		return
	}
	s.errorf(at, diag.DidYouMean(by, sorts), "elements are not sorted by @%s", by)
}
