package check

import (
	"strings"

	"github.com/tpinfo/tpinfo/compiler/check/infer"
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
	n := s.Node(ir.Loop, ir.Void, st.Span, nil, nil, nil)
	if st.Cond != nil {
		cond := s.expr(st.Cond, ir.Long).Node
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
	again := s.Temp(ir.Long)
	set := func(n int64) *ir.Node {
		return s.Node(ir.Eval, ir.Void, at, s.Node(ir.Set, ir.Long, at, s.Get(again, at), s.Num(n, at)))
	}
	if step != nil {
		body = append(body, s.Node(ir.If, ir.Void, at, s.Get(again, at), step, set(1)))
	}
	if cond := loop.Args[0]; cond != nil {
		over := s.Fold(s.Node(ir.Not, ir.Long, at, cond))
		body = append(body, s.Node(ir.If, ir.Void, at, over, s.Node(ir.Break, ir.Void, at)))
	}
	loop.Args[0], loop.Args[2] = nil, s.Node(ir.Block, ir.Void, at, append(body, loop.Args[2])...)
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
	return s.Node(ir.Block, ir.Void, at, list...)
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
		s.Errorf(st.Array.Place(), "", "foreach visits an array")
		return nil
	}
	v := s.Lookup(name.Text)
	if !s.LearnKeys(v, len(st.Keys), name.Span) {
		return nil
	}
	each := &ir.Each{Global: s.GlobalIndex(v), Value: -1, Sort: st.Order, Desc: st.Descending}
	var before []*ir.Node
	for i, key := range st.Keys {
		index, copied := s.loopVariable(key.Name, v.Keys[i])
		each.Keys = append(each.Keys, index)
		before = append(before, copied...)
	}
	if slice != nil {
		each.Slice = s.slice(v, slice, st.Array.Place())
	}
	if st.Limit != nil {
		each.Limit = s.expr(st.Limit, ir.Long).Node
	}
	s.sortBy(each, v, st)
	if st.Value != nil && v.Type == ir.Stats {
		s.Errorf(st.Value.Span, "leave it away, and write @count("+v.Name+"[…]) in the body", "an aggregate cannot be the value's variable")
	} else if st.Value != nil {
		index, copied := s.loopVariable(st.Value, v)
		each.Value = index
		before = append(before, copied...)
	}
	s.loops++
	body := s.inner(st.Body)
	s.loops--
	if len(before) > 0 {
		body = s.Node(ir.Block, ir.Void, st.Span, append(before, body)...)
	}
	n := s.Node(ir.ForEach, ir.Void, st.Span, body)
	n.Each = each
	return n
}

// loopVariable is the local that gets a key or the value, of the type that
// source has; for a global there is a copy to make first.
func (s *scope) loopVariable(name *syntax.Name, source *infer.Variable) (int, []*ir.Node) {
	v := s.Lookup(name.Text)
	s.LearnShape(v, infer.Scalar, name.Span)
	v.Assigned = true
	s.unify(v, source, name.Span)
	s.Point(v, source.Pointer)
	if v.Global == nil {
		return s.Local(v), nil
	}
	temp := s.Temp(v.Type)
	set := s.Node(ir.Set, v.Type, name.Span, s.Get(v, name.Span), s.Get(temp, name.Span))
	return s.Local(temp), []*ir.Node{s.Node(ir.Eval, ir.Void, name.Span, set)}
}

// unify says that two variables have one type.
func (s *scope) unify(a, b *infer.Variable, at diag.Span) {
	switch {
	case b.Type != infer.Open:
		s.Learn(a, b.Type, at)
	case a.Type != infer.Open:
		s.Learn(b, a.Type, at)
	}
}

// slice lowers the keys of "a[*, 1]".
func (s *scope) slice(v *infer.Variable, keys []syntax.Expr, at diag.Span) []*ir.Node {
	if len(keys) != len(v.Keys) {
		s.Errorf(at, "* stands for any key", "%s has %s, and %d here", v.Name, diag.Count(len(v.Keys), "key"), len(keys))
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
func (s *scope) sortBy(each *ir.Each, v *infer.Variable, st *syntax.Foreach) {
	if st.SortBy == "" {
		return
	}
	by := strings.TrimPrefix(st.SortBy, "@")
	at := st.Array.Place()
	for _, known := range sorts {
		if by != known {
			continue
		}
		s.Learn(v, ir.Stats, at)
		v.Ask(by)
		each.By = by
		if st.Order != 0 {
			s.Errorf(at, "write + or - behind @"+by, "@%s says what is sorted by, and not in which direction", by)
		}
		return
	}
	s.Errorf(at, diag.DidYouMean(by, sorts), "elements are not sorted by @%s", by)
}
