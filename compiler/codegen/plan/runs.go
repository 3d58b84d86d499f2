package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// maxRun is how many bytes are read at once at most: a few cache lines cost
// about what one call of the helper does.
const maxRun = 64

// Run is members that lie near each other, relative to one address.
type Run struct {
	Loads []*ir.Node
	From  int64 // the offset of the first byte
	Size  int   // bytes, up to the end of the last member
}

// Runs finds members that a statement reads anyway, two or more of them near
// each other, for one call to read where the first of them is wanted.
func Runs(statement *ir.Node) []Run {
	var groups []string
	byKey := map[string][]*ir.Node{}
	steady := !Changes(statement)
	loads(statement, func(load *ir.Node) {
		key, ok := address(load.Args[0], steady)
		if !ok {
			return
		}
		if load.Mem.User {
			key = "user " + key
		}
		if byKey[key] == nil {
			groups = append(groups, key)
		}
		byKey[key] = append(byKey[key], load)
	})
	var runs []Run
	for _, key := range groups {
		members := byKey[key]
		slices.SortStableFunc(members, func(a, b *ir.Node) int { return cmp.Compare(a.Int, b.Int) })
		for len(members) > 0 {
			from := members[0].Int
			end, count := from, 0
			for _, l := range members {
				e := l.Int + int64(l.Mem.Size)
				if e-from > maxRun {
					break
				}
				end = max(end, e)
				count++
			}
			if count > 1 {
				runs = append(runs, Run{Loads: members[:count], From: from, Size: int(end - from)})
			}
			members = members[count:]
		}
	}
	return runs
}

// loads calls see for each load that is computed whenever n is, those that
// others depend on first.
func loads(n *ir.Node, see func(*ir.Node)) {
	if n == nil {
		return
	}
	switch n.Op {
	case ir.AndAnd, ir.OrOr, ir.Choose, ir.ReadText:
		// What is behind the first may be passed over: a text that stands for
		// one that cannot be read, for example.
		loads(n.Args[0], see)
		return
	}
	for _, a := range n.Args {
		loads(a, see)
	}
	if n.Op == ir.Load && n.Mem.BitSize == 0 {
		see(n)
	}
}

// address names an address that stays the same while a statement runs;
// variables are such where they are steady: the statement assigns none.
func address(n *ir.Node, steady bool) (name string, ok bool) {
	switch n.Op {
	case ir.GetLoc:
		return fmt.Sprintf("local%d", n.Int), steady
	case ir.Arg:
		return fmt.Sprintf("arg%d.%d", n.Int, n.Mem.Size), true
	case ir.Const:
		return fmt.Sprintf("%d", n.Int), true
	case ir.Builtin:
		if n.Str == "task_current" {
			return n.Str, true
		}
	case ir.Load:
		if name, ok := address(n.Args[0], steady); ok && n.Mem.BitSize == 0 {
			return fmt.Sprintf("(%s)+%d.%d.%v", name, n.Int, n.Mem.Size, n.Mem.User), true
		}
	case ir.Add:
		a, ok := address(n.Args[0], steady)
		b, also := address(n.Args[1], steady)
		if ok && also {
			return a + "+" + b, true
		}
	}
	return "", false
}
