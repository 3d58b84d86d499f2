package infer

import (
	"cmp"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Fold is the constant that an expression is, if it is one; its operands are
// folded already. A division by zero stays: it is an error when it runs.
func (s *Scope) Fold(n *ir.Node) *ir.Node {
	switch n.Op {
	case ir.AndAnd, ir.OrOr:
		return s.foldLogic(n)
	case ir.Choose:
		if n.Args[0].Op == ir.Const {
			if n.Args[0].Int != 0 {
				return n.Args[1]
			}
			return n.Args[2]
		}
		return n
	case ir.Neg, ir.Com, ir.Not:
		if n.Args[0].Op != ir.Const {
			return n
		}
		x := n.Args[0].Int
		switch n.Op {
		case ir.Neg:
			x = -x
		case ir.Com:
			x = ^x
		default:
			x = ir.Truth(x == 0)
		}
		return s.replace(n, x)
	}
	if len(n.Args) != 2 {
		return n
	}
	a, b := n.Args[0], n.Args[1]
	switch {
	case a.Op == ir.Text && b.Op == ir.Text:
		return s.foldText(n, a.Str, b.Str)
	case a.Op == ir.Const && b.Op == ir.Const:
		if x, ok := ir.Arithmetic(n.Op, a.Int, b.Int); ok {
			return s.replace(n, x)
		}
		if x, ok := ir.Compared(n.Op, cmp.Compare(a.Int, b.Int)); ok {
			return s.replace(n, x)
		}
	}
	return n
}

// replace makes a constant of a node.
func (s *Scope) replace(n *ir.Node, x int64) *ir.Node {
	return &ir.Node{Op: ir.Const, Type: ir.Long, Int: x, Line: n.Line, Column: n.Column}
}

// foldLogic folds && and ||: the left side may decide, and a constant right
// side is as good as !! of the left one.
func (s *Scope) foldLogic(n *ir.Node) *ir.Node {
	a, b := n.Args[0], n.Args[1]
	decides := n.Op == ir.OrOr
	switch {
	case a.Op == ir.Const && (a.Int != 0) == decides:
		return s.replace(n, ir.Truth(decides))
	case a.Op == ir.Const && b.Op == ir.Const:
		return s.replace(n, ir.Truth(b.Int != 0))
	case a.Op == ir.Const && isTruth(b):
		return b
	case b.Op == ir.Const && (b.Int != 0) != decides && isTruth(a):
		return a
	}
	return n
}

// isTruth tells expressions that are 0 or 1.
func isTruth(n *ir.Node) bool {
	switch n.Op {
	case ir.Not, ir.Eq, ir.Ne, ir.Lt, ir.Le, ir.Gt, ir.Ge, ir.AndAnd, ir.OrOr, ir.In, ir.Match:
		return true
	}
	return false
}

func (s *Scope) foldText(n *ir.Node, a, b string) *ir.Node {
	if n.Op == ir.Concat {
		all := a + b
		return &ir.Node{Op: ir.Text, Type: ir.String, Str: all[:min(len(all), s.StringSize-1)], Line: n.Line, Column: n.Column}
	}
	if x, ok := ir.Compared(n.Op, strings.Compare(a, b)); ok {
		return s.replace(n, x)
	}
	return n
}
