package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/arith"
	"github.com/tpinfo/tpinfo/compiler/codegen/plan"
	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// number computes a Long into a register, which the caller may change only if
// it is not a variable's: numberInto is for that.
func (h *handler) number(n *ir.Node) vcode.Reg {
	if n.Op == ir.GetLoc {
		return h.frame.locals[n.Int].reg
	}
	r := h.f.Reg()
	h.numberInto(n, r)
	return r
}

// copied computes a Long into a register of its own.
func (h *handler) copied(n *ir.Node) vcode.Reg {
	r := h.f.Reg()
	h.numberInto(n, r)
	return r
}

// kept is number for a value that must outlive what is computed after it: a
// variable could be assigned there.
func (h *handler) kept(n, after *ir.Node) vcode.Reg {
	if n.Op == ir.GetLoc && plan.Changes(after) {
		return h.copied(n)
	}
	return h.number(n)
}

var operations = map[ir.Op]asm.ALUOp{
	ir.Add: asm.Add, ir.Sub: asm.Sub, ir.Mul: asm.Mul, ir.And: asm.And, ir.Or: asm.Or, ir.Xor: asm.Xor,
	ir.Shl: asm.LSh, ir.Shr: asm.ArSh,
}

// numberInto computes a Long into a register that nothing else is in.
func (h *handler) numberInto(n *ir.Node, d vcode.Reg) {
	f := h.f
	switch n.Op {
	case ir.Const:
		f.MovImm(d, n.Int)
	case ir.GetLoc:
		f.Mov(d, h.frame.locals[n.Int].reg)
	case ir.GetGlo:
		f.Data(d, ir.DataMap, h.p.Globals[n.Int].Offset)
		f.Load(d, vcode.Mem{Base: d}, asm.DWord)
	case ir.Elem:
		h.elementInto(n, d)
	case ir.Neg:
		h.numberInto(n.Args[0], d)
		f.Neg(d)
	case ir.Com:
		h.numberInto(n.Args[0], d)
		f.ALUImm(asm.Xor, d, -1)
	case ir.Add, ir.Sub, ir.Mul, ir.And, ir.Or, ir.Xor, ir.Shl, ir.Shr:
		x := h.kept(n.Args[0], n.Args[1])
		h.operate(n.Op, d, x, n.Args[1])
	case ir.Div, ir.Mod:
		h.divide(n, d)
	case ir.Not, ir.Eq, ir.Ne, ir.Lt, ir.Le, ir.Gt, ir.Ge, ir.AndAnd, ir.OrOr, ir.Match, ir.In:
		h.truth(n, d)
	case ir.Choose:
		other, end := f.Label(), f.Label()
		h.branch(n.Args[0], other, false)
		h.numberInto(n.Args[1], d)
		f.Goto(end)
		f.Bind(other)
		h.numberInto(n.Args[2], d)
		f.Bind(end)
	case ir.Set:
		f.Mov(d, h.set(n))
	case ir.Update:
		f.Mov(d, h.update(n, true))
	case ir.Call:
		f.Mov(d, h.call(n).reg)
	case ir.Stat:
		h.stat(n, d)
	case ir.Builtin:
		h.builtin(n, d)
	case ir.Arg:
		h.arg(n, d)
	case ir.Load:
		h.load(n, d)
	case ir.Context:
		f.Mov(d, h.ctx)
	default:
		h.refuse(n, string(n.Op))
		f.MovImm(d, 0)
	}
}

// operate is d = x op y.
func (h *handler) operate(op ir.Op, d, x vcode.Reg, y *ir.Node) {
	f := h.f
	alu := operations[op]
	shift := op == ir.Shl || op == ir.Shr
	if y.Op == ir.Const {
		v := y.Int
		if shift {
			v &= 63
		}
		f.Mov(d, x)
		f.ALUImm(alu, d, v)
		return
	}
	b := h.number(y)
	if b == d {
		t := f.Reg()
		f.Mov(t, b)
		b = t
	}
	f.Mov(d, x)
	if shift {
		// The kernel masks counts of registers by itself from 5.11 on only.
		t := f.Reg()
		f.Mov(t, b)
		f.ALUImm(asm.And, t, 63)
		b = t
	}
	f.ALU(alu, d, b)
}

// truth computes a condition as 0 or 1.
func (h *handler) truth(n *ir.Node, d vcode.Reg) {
	f := h.f
	t, end := f.Reg(), f.Label()
	f.MovImm(t, 0)
	h.branch(n, end, false)
	f.MovImm(t, 1)
	f.Bind(end)
	f.Mov(d, t)
}

// comparison is how a comparison of signed numbers jumps, and its opposite.
type comparison struct{ yes, no asm.JumpOp }

var comparisons = map[ir.Op]comparison{
	ir.Eq: {asm.JEq, asm.JNE}, ir.Ne: {asm.JNE, asm.JEq},
	ir.Lt: {asm.JSLT, asm.JSGE}, ir.Ge: {asm.JSGE, asm.JSLT},
	ir.Le: {asm.JSLE, asm.JSGT}, ir.Gt: {asm.JSGT, asm.JSLE},
}

// branch goes to a label when the truth of n is when, and on otherwise.
func (h *handler) branch(n *ir.Node, to vcode.Label, when bool) {
	f := h.f
	switch n.Op {
	case ir.Const:
		if (n.Int != 0) == when {
			f.Goto(to)
		}
	case ir.Not:
		h.branch(n.Args[0], to, !when)
	case ir.AndAnd, ir.OrOr:
		// Both must hold to jump, or one is enough.
		if both := (n.Op == ir.AndAnd) == when; !both {
			h.branch(n.Args[0], to, when)
			h.branch(n.Args[1], to, when)
			return
		}
		skip := f.Label()
		h.branch(n.Args[0], skip, !when)
		h.branch(n.Args[1], to, when)
		f.Bind(skip)
	case ir.Eq, ir.Ne, ir.Lt, ir.Le, ir.Gt, ir.Ge:
		if n.Args[0].Type == ir.String {
			h.compareTexts(n, to, when)
			return
		}
		c := comparisons[n.Op]
		op := c.yes
		if !when {
			op = c.no
		}
		x := h.kept(n.Args[0], n.Args[1])
		if y := n.Args[1]; y.Op == ir.Const {
			f.JumpImm(op, x, y.Int, to)
		} else {
			f.Jump(op, x, h.number(y), to)
		}
	case ir.Match:
		h.match(n, to, when)
	case ir.In:
		var p vcode.Reg
		h.temporary(func() { p = h.lookup(&h.p.Globals[n.Int], h.key(n)) })
		op := asm.JNE
		if !when {
			op = asm.JEq
		}
		f.JumpImm(op, p, 0, to)
	default:
		op := asm.JNE
		if !when {
			op = asm.JEq
		}
		if n.Type == ir.String {
			// A text is true when it is not empty.
			t := f.Reg()
			f.Load(t, h.text(n).Mem, asm.Byte)
			f.JumpImm(op, t, 0, to)
			return
		}
		f.JumpImm(op, h.number(n), 0, to)
	}
}

// divide is signed division or remainder with the meaning of C; the signs matter
// where they are not known.
func (h *handler) divide(n *ir.Node, d vcode.Reg) {
	f := h.f
	x, y := n.Args[0], n.Args[1]
	alu := asm.Div
	if n.Op == ir.Mod {
		alu = asm.Mod
	}
	a := h.kept(x, y)
	if y.Op == ir.Const && y.Int > 0 {
		arith.DivideBy(f, alu, d, a, y.Int, plan.NeverNegative(x))
		return
	}
	b := h.number(y)
	h.faultUnless(n, asm.JNE, b, 0, "division by 0")
	if plan.NeverNegative(x) && plan.NeverNegative(y) {
		u := f.Reg()
		f.Mov(u, a)
		f.ALU(alu, u, b)
		f.Mov(d, u)
		return
	}
	arith.Divide(f, alu, d, a, b)
}
