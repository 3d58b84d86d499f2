package ir

import (
	"errors"
	"fmt"
	"slices"
)

// statement checks a node that is run for its effect.
func (v *validator) statement(n *Node) error {
	if n == nil {
		return errors.New("a statement is missing")
	}
	if err := v.enter(); err != nil {
		return n.at(err)
	}
	defer func() { v.depth-- }()
	return n.at(v.effect(n))
}

func (v *validator) effect(n *Node) error {
	switch n.Op {
	case Block:
		return v.statements(n.Args)
	case Eval:
		if len(n.Args) != 1 {
			return fmt.Errorf("%d operands instead of 1", len(n.Args))
		}
		return v.expression(n.Args[0])
	case If:
		if len(n.Args) != 2 && len(n.Args) != 3 {
			return fmt.Errorf("%d operands", len(n.Args))
		}
		if err := v.operands(n, n.Args[:1], []Type{Long}); err != nil {
			return err
		}
		return v.statements(n.Args[1:])
	case Loop:
		return v.loop(n)
	case ForEach:
		return v.forEach(n)
	case Break, Continue:
		if v.loops == 0 {
			return errors.New("outside of a loop")
		}
		return v.operands(n, n.Args, nil)
	case Next, Exit:
		return v.operands(n, n.Args, nil)
	case Return:
		if v.fn == nil {
			return errors.New("outside of a function")
		}
		if v.fn.Result == Void {
			return v.operands(n, n.Args, nil)
		}
		return v.operands(n, n.Args, []Type{v.fn.Result})
	case Delete:
		return v.remove(n)
	case Try:
		if n.Int < -1 || n.Int >= int64(len(v.locals)) || n.Int >= 0 && v.locals[n.Int].Type != String {
			return fmt.Errorf("local %d of %d gets the error's text", n.Int, len(v.locals))
		}
		if len(n.Args) != 2 {
			return fmt.Errorf("%d operands instead of 2", len(n.Args))
		}
		return v.statements(n.Args)
	case StatAdd:
		if err := v.assigned(n, Stats); err != nil {
			return err
		}
		return v.operands(n, n.Args, []Type{Stats, Long})
	case Print:
		return v.printed(n)
	case Histogram:
		return v.histogram(n)
	case Fail:
		if _, err := v.siteAt(n.Int); err != nil {
			return err
		}
		return v.operands(n, n.Args, []Type{String})
	}
	return fmt.Errorf("no statement is named %q", n.Op)
}

func (v *validator) statements(list []*Node) error {
	for _, s := range list {
		if err := v.statement(s); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) loop(n *Node) error {
	if len(n.Args) != 3 {
		return fmt.Errorf("%d operands instead of 3", len(n.Args))
	}
	if c := n.Args[0]; c != nil {
		if err := v.operands(n, n.Args[:1], []Type{Long}); err != nil {
			return err
		}
	}
	if step := n.Args[1]; step != nil {
		if err := v.expression(step); err != nil {
			return err
		}
	}
	v.loops++
	defer func() { v.loops-- }()
	return v.statement(n.Args[2])
}

func (v *validator) forEach(n *Node) error {
	e := n.Each
	if e == nil || len(n.Args) != 1 {
		return errors.New("nothing says what is visited, or done")
	}
	g, err := v.array(int64(e.Global))
	if err != nil {
		return err
	}
	if len(e.Keys) != len(g.Keys) || e.Slice != nil && len(e.Slice) != len(g.Keys) {
		return fmt.Errorf("%d keys and a slice of %d for the %d of %s", len(e.Keys), len(e.Slice), len(g.Keys), g.Name)
	}
	for i, k := range e.Keys {
		if k < 0 || k >= len(v.locals) || v.locals[k].Type != g.Keys[i] {
			return fmt.Errorf("key %d goes to local %d of %d", i+1, k, len(v.locals))
		}
	}
	if e.Value < -1 || e.Value >= len(v.locals) {
		return fmt.Errorf("the value goes to local %d of %d", e.Value, len(v.locals))
	}
	if e.Value >= 0 && g.Type != Stats && v.locals[e.Value].Type != g.Type {
		return fmt.Errorf("the value, a %v, goes to local %d, a %v", g.Type, e.Value, v.locals[e.Value].Type)
	}
	if e.Sort < -1 || e.Sort > len(g.Keys) || !slices.Contains(sortedBy, e.By) {
		return fmt.Errorf("sorted by %d %q", e.Sort, e.By)
	}
	for i, s := range e.Slice {
		if s == nil {
			continue
		}
		if err := v.operands(n, []*Node{s}, g.Keys[i:i+1]); err != nil {
			return err
		}
	}
	if e.Limit != nil {
		if err := v.operands(n, []*Node{e.Limit}, []Type{Long}); err != nil {
			return err
		}
	}
	v.loops++
	defer func() { v.loops-- }()
	return v.statement(n.Args[0])
}

func (v *validator) remove(n *Node) error {
	if len(n.Args) == 0 {
		_, err := v.array(n.Int)
		return err
	}
	if len(n.Args) != 1 || n.Args[0] == nil || n.Args[0].Op != GetGlo && n.Args[0].Op != Elem {
		return errors.New("nothing is named that can be deleted")
	}
	return v.expression(n.Args[0])
}

func (v *validator) histogram(n *Node) error {
	s, err := v.siteAt(n.Int)
	if err != nil {
		return err
	}
	if err := v.assigned(n, Stats); err != nil {
		return err
	}
	if err := v.operands(n, n.Args, []Type{Stats}); err != nil {
		return err
	}
	a := v.program.Globals[n.Args[0].Int].Stats
	if s.Hist == "log" && a.Log || s.Hist == "linear" && a.Linear {
		return nil
	}
	return fmt.Errorf("the aggregate keeps no %q histogram", s.Hist)
}
