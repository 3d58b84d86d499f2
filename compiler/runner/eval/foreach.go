package eval

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// forEach visits an array as it is when the loop begins: what the body deletes
// is visited still, what it adds is not.
func (f *frame) forEach(n *ir.Node) (flow, error) {
	each := n.Each
	if each == nil {
		return on, damaged(n)
	}
	g, err := f.array(n, int64(each.Global))
	if err != nil {
		return on, err
	}
	if err := f.checkEach(n, g); err != nil {
		return on, err
	}
	limit := int64(-1)
	if each.Limit != nil {
		if limit, err = f.long(each.Limit); err != nil {
			return on, err
		}
		limit = max(limit, 0)
	}
	wanted, err := f.slice(n, g)
	if err != nil {
		return on, err
	}
	entries, err := f.store.All(each.Global)
	if err != nil {
		return on, stored(n, err)
	}
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return !wanted(e) })
	order(entries, each, g)
	if limit >= 0 && limit < int64(len(entries)) {
		entries = entries[:limit]
	}
	for i := range entries {
		if err := f.step(); err != nil {
			return on, err
		}
		f.bind(each, &entries[i])
		how, err := f.exec(arg(n, 0))
		switch {
		case err != nil || how == returned:
			return how, err
		case how == broke:
			return on, nil
		}
	}
	return on, nil
}

func (f *frame) checkEach(n *ir.Node, g *ir.Global) error {
	each := n.Each
	if len(each.Keys) != len(g.Keys) || each.Sort < -1 || each.Sort > len(g.Keys) {
		return damaged(n)
	}
	fits := func(local int, t ir.Type) bool {
		return local >= 0 && local < len(f.locals) && f.decls[local].Type == t
	}
	for i, local := range each.Keys {
		if !fits(local, g.Keys[i]) {
			return damaged(n)
		}
	}
	if each.Value != -1 && !fits(each.Value, g.Type) {
		return damaged(n)
	}
	return nil
}

// slice makes what tells the elements that are asked for from others.
func (f *frame) slice(n *ir.Node, g *ir.Global) (func(Entry) bool, error) {
	each := n.Each
	if each.Slice == nil {
		return func(e Entry) bool { return len(e.Keys) == len(g.Keys) }, nil
	}
	if len(each.Slice) != len(g.Keys) || len(g.KeySizes) != len(g.Keys) {
		return nil, damaged(n)
	}
	want := make([]Value, len(each.Slice))
	for i, of := range each.Slice {
		if of == nil {
			continue
		}
		v, err := f.eval(of)
		if err != nil {
			return nil, err
		}
		want[i] = f.fitted(v, g.KeySizes[i])
	}
	return func(e Entry) bool {
		if len(e.Keys) != len(g.Keys) {
			return false
		}
		for i := range want {
			if each.Slice[i] != nil && compareValues(e.Keys[i], want[i]) != 0 {
				return false
			}
		}
		return true
	}, nil
}

// order sorts entries as the head of a foreach says; equal ones stay as they
// are.
func order(entries []Entry, each *ir.Each, g *ir.Global) {
	if each.Sort < 0 {
		return
	}
	compare := func(a, b Entry) int { return compareValues(a.Value, b.Value) }
	switch {
	case each.Sort > 0:
		compare = func(a, b Entry) int { return compareValues(a.Keys[each.Sort-1], b.Keys[each.Sort-1]) }
	case g.Type == ir.Stats:
		by := each.By
		if by == "" {
			by = "count"
		}
		compare = func(a, b Entry) int { return cmp.Compare(a.statistic(by), b.statistic(by)) }
	}
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if each.Desc {
			return compare(b, a)
		}
		return compare(a, b)
	})
}

func compareValues(a, b Value) int {
	return cmp.Or(cmp.Compare(a.Int, b.Int), strings.Compare(a.Str, b.Str))
}

func (e *Entry) statistic(by string) int64 {
	if e.Stat == nil {
		return 0
	}
	n, _ := e.Stat.Statistic(by)
	return n
}

// bind gives the loop's variables what an element has.
func (f *frame) bind(each *ir.Each, e *Entry) {
	for i, local := range each.Keys {
		f.locals[local] = f.fitted(e.Keys[i], f.decls[local].Size)
	}
	if each.Value >= 0 {
		f.locals[each.Value] = f.fitted(e.Value, f.decls[each.Value].Size)
	}
}
