package plan

import (
	"slices"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// has reports whether a node or one below it is such.
func has(n *ir.Node, such func(*ir.Node) bool) bool {
	return n != nil && (such(n) || slices.ContainsFunc(n.Args, func(a *ir.Node) bool { return has(a, such) }))
}

// Changes reports whether an expression may assign variables.
func Changes(n *ir.Node) bool {
	return has(n, func(n *ir.Node) bool { return n.Op == ir.Set || n.Op == ir.Update || n.Op == ir.Call })
}

// Acts reports whether an expression does more than give a value: assign, or
// fail.
func Acts(n *ir.Node) bool {
	return has(n, func(n *ir.Node) bool {
		switch n.Op {
		case ir.Set, ir.Update, ir.Call, ir.Load, ir.ReadText, ir.Stat:
			return true
		case ir.Div, ir.Mod:
			y := n.Args[1]
			return y.Op != ir.Const || y.Int == 0
		case ir.Builtin:
			return n.Str == "stringat"
		}
		return false
	})
}

// Mentions reports whether a node uses a local in any way.
func Mentions(n *ir.Node, local int64) bool {
	return has(n, func(n *ir.Node) bool { return (n.Op == ir.GetLoc || n.Op == ir.Try) && n.Int == local })
}

// SetFirst reports whether the first thing that happens to a local is that it
// is assigned, in the statements of a block itself.
func SetFirst(n *ir.Node, local int64) bool {
	if n == nil || n.Op != ir.Block {
		return false
	}
	for _, s := range n.Args {
		if s.Op == ir.Eval && s.Args[0].Op == ir.Set {
			set := s.Args[0]
			if to := set.Args[0]; to.Op == ir.GetLoc && to.Int == local {
				return !Mentions(set.Args[1], local)
			}
		}
		if Mentions(s, local) {
			return false
		}
	}
	return false
}

// NeverNegative reports whether a number is known to be 0 or more.
func NeverNegative(n *ir.Node) bool {
	switch n.Op {
	case ir.Const:
		return n.Int >= 0
	case ir.Arg, ir.Load:
		m := n.Mem
		if m.BitSize > 0 {
			return !m.Signed && m.BitSize < 64
		}
		return !m.Signed && m.Size < 8
	case ir.And:
		return NeverNegative(n.Args[0]) || NeverNegative(n.Args[1])
	case ir.Div, ir.Or, ir.Xor:
		return NeverNegative(n.Args[0]) && NeverNegative(n.Args[1])
	case ir.Mod, ir.Shr:
		return NeverNegative(n.Args[0])
	case ir.Eq, ir.Ne, ir.Lt, ir.Le, ir.Gt, ir.Ge, ir.Not, ir.AndAnd, ir.OrOr, ir.In:
		return true
	case ir.Builtin:
		switch n.Str {
		case "pid", "tid", "uid", "gid", "cpu", "ktime_get_ns", "gettimeofday_ns", "jiffies", "strlen", "stringat":
			return true
		}
	}
	return false
}
