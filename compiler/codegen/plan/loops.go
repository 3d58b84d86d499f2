package plan

import "github.com/tpinfo/tpinfo/compiler/ir"

// Iterations of loops, all together, that one run of a handler may do. The
// kernel's verifier walks through each, and keeps at most 8192 branches in mind
// (BPF_COMPLEXITY_LIMIT_JMP_SEQ, kernel/bpf/verifier.c).
const (
	minIterations = 16
	maxIterations = 1000
	maxBranches   = 6000
)

// Iterations is how many of them there may have been when a loop goes round:
// fewer where its body has many branches.
func Iterations(loop *ir.Node) int64 {
	return int64(max(minIterations, min(maxIterations, maxBranches/(branches(loop)+1))))
}

// branches estimates how many conditional jumps a node becomes.
func branches(n *ir.Node) int {
	if n == nil {
		return 0
	}
	count := 0
	switch n.Op {
	case ir.If, ir.Choose, ir.AndAnd, ir.OrOr, ir.Load, ir.ReadText, ir.Loop, ir.Eq, ir.Ne, ir.Lt, ir.Le, ir.Gt, ir.Ge, ir.In, ir.Print:
		count = 1
	case ir.Div, ir.Mod, ir.Elem, ir.Set:
		count = 2
	case ir.Update, ir.StatAdd, ir.Concat, ir.Sprint, ir.Builtin:
		count = 4
	case ir.Call:
		count = 8
	}
	for _, a := range n.Args {
		count += branches(a)
	}
	return count
}
