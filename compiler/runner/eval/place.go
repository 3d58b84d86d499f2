package eval

import "github.com/tpinfo/tpinfo/compiler/ir"

// place is what a GetLoc, GetGlo or Elem names.
type place struct {
	op    ir.Op
	index int
	keys  []Value
	typ   ir.Type
	size  int // capacity of a String
	node  *ir.Node
}

// place finds what n names and evaluates its keys.
func (f *frame) place(n *ir.Node) (place, error) {
	if n == nil {
		return place{}, damaged(n)
	}
	p := place{op: n.Op, index: int(n.Int), node: n}
	switch n.Op {
	case ir.GetLoc:
		if n.Int < 0 || n.Int >= int64(len(f.locals)) {
			return p, damaged(n)
		}
		p.typ, p.size = f.decls[p.index].Type, f.decls[p.index].Size
		return p, nil
	case ir.GetGlo, ir.Elem:
		if n.Int < 0 || n.Int >= int64(len(f.program.Globals)) {
			return p, damaged(n)
		}
		g := &f.program.Globals[p.index]
		if g.Array() != (n.Op == ir.Elem) {
			return p, damaged(n)
		}
		p.typ, p.size = g.Type, g.Size
		var err error
		p.keys, err = f.keys(n, g)
		return p, err
	default:
		return p, damaged(n)
	}
}

// keys evaluates the keys that n has for an array, each as the array keeps it.
func (f *frame) keys(n *ir.Node, g *ir.Global) ([]Value, error) {
	if len(n.Args) != len(g.Keys) || len(g.KeySizes) != len(g.Keys) {
		return nil, damaged(n)
	}
	if len(n.Args) == 0 {
		return nil, nil
	}
	keys := make([]Value, len(n.Args))
	for i, arg := range n.Args {
		v, err := f.eval(arg)
		if err != nil {
			return nil, err
		}
		if v.Type != g.Keys[i] {
			return nil, damaged(n)
		}
		keys[i] = f.fitted(v, g.KeySizes[i])
	}
	return keys, nil
}

func (f *frame) fitted(v Value, size int) Value {
	if v.Type == ir.String {
		v.Str = f.fit(v.Str, size)
	}
	return v
}

func (f *frame) load(p place) (Value, error) {
	if p.op == ir.GetLoc {
		return f.locals[p.index], nil
	}
	if p.typ == ir.Stats {
		return Value{}, damaged(p.node)
	}
	v, _, err := f.store.Get(p.index, p.keys)
	v.Type = p.typ
	return v, stored(p.node, err)
}

// assign stores v and returns what the place then holds.
func (f *frame) assign(p place, v Value) (Value, error) {
	if v.Type != p.typ || p.typ == ir.Stats {
		return Value{}, damaged(p.node)
	}
	v = f.fitted(v, p.size)
	if p.op == ir.GetLoc {
		f.locals[p.index] = v
		return v, nil
	}
	return v, stored(p.node, f.store.Set(p.index, p.keys, v))
}

// update is x += n and its like. Sums of globals are the store's to make, since
// a probe in the kernel may be adding too.
func (f *frame) update(n *ir.Node) (Value, error) {
	p, err := f.place(arg(n, 0))
	if err != nil {
		return Value{}, err
	}
	if p.typ != ir.Long {
		return Value{}, damaged(n)
	}
	by, err := f.long(arg(n, 1))
	if err != nil {
		return Value{}, err
	}
	var before, after int64
	if p.op != ir.GetLoc && (n.How == ir.Add || n.How == ir.Sub) {
		if n.How == ir.Sub {
			by = -by
		}
		if after, err = f.store.Add(p.index, p.keys, by); err != nil {
			return Value{}, stored(n, err)
		}
		before = after - by
	} else {
		v, err := f.load(p)
		if err != nil {
			return Value{}, err
		}
		before = v.Int
		if after, err = arithmetic(n, n.How, before, by); err != nil {
			return Value{}, err
		}
		if _, err := f.assign(p, Long(after)); err != nil {
			return Value{}, err
		}
	}
	if n.Old {
		return Long(before), nil
	}
	return Long(after), nil
}

// aggregate reads what n names; an aggregate without values is an error that
// says so, unless empty is allowed.
func (f *frame) aggregate(n, of *ir.Node, empty bool) (*Stat, *ir.Global, error) {
	p, err := f.place(of)
	if err != nil {
		return nil, nil, err
	}
	if p.typ != ir.Stats || p.op == ir.GetLoc {
		return nil, nil, damaged(n)
	}
	s, err := f.store.Stat(p.index, p.keys)
	if err != nil {
		return nil, nil, stored(n, err)
	}
	if s == nil {
		s = &Stat{}
	}
	if s.Count == 0 && !empty {
		return nil, nil, fail(n, "empty aggregate")
	}
	return s, &f.program.Globals[p.index], nil
}

// arg is an operand of n, nil where it has none.
func arg(n *ir.Node, i int) *ir.Node {
	if i >= len(n.Args) {
		return nil
	}
	return n.Args[i]
}
