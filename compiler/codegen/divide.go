package codegen

import (
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/plan"
	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// divide is signed division or remainder with the meaning of C. eBPF divides
// unsigned numbers (its signed forms came with 6.6), so the signs are put aside
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
		h.divideBy(alu, d, a, y.Int, plan.NeverNegative(x))
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
	h.divideNumbers(alu, d, a, b)
}

// divideNumbers divides signed numbers, the second of which is not 0.
func (h *handler) divideNumbers(alu asm.ALUOp, d, a, b vcode.Reg) {
	f := h.f
	u, v := f.Reg(), f.Reg()
	f.Mov(u, a)
	f.Mov(v, b)
	sign, other := h.absolute(u), h.absolute(v)
	f.ALU(alu, u, v)
	// The quotient is negative when one of them is, the remainder when the
	// dividend is.
	if alu == asm.Div {
		f.ALU(asm.Xor, sign, other)
	}
	h.negateIf(u, sign)
	f.Mov(d, u)
}

// divideBy divides by a positive constant.
func (h *handler) divideBy(alu asm.ALUOp, d, a vcode.Reg, by int64, positive bool) {
	f := h.f
	k := bits.TrailingZeros64(uint64(by))
	power := by == 1<<k
	switch {
	case positive && power && alu == asm.Div:
		f.Mov(d, a)
		f.ALUImm(asm.RSh, d, int64(k))
	case positive && power:
		f.Mov(d, a)
		f.ALUImm(asm.And, d, by-1)
	case positive:
		f.Mov(d, a)
		f.ALUImm(alu, d, by)
	default:
		u := f.Reg()
		f.Mov(u, a)
		sign := h.absolute(u)
		switch {
		case power && alu == asm.Div:
			f.ALUImm(asm.RSh, u, int64(k))
		case power:
			f.ALUImm(asm.And, u, by-1)
		default:
			f.ALUImm(alu, u, by)
		}
		h.negateIf(u, sign)
		f.Mov(d, u)
	}
}

// absolute makes a number positive and tells its sign: 0, or -1 when it was
// negative. It does not branch, for the verifier would learn the sign of the
// variable that the number comes from, and go each of two ways at all that
// depends on it.
func (h *handler) absolute(r vcode.Reg) (sign vcode.Reg) {
	sign = h.f.Reg()
	h.f.Mov(sign, r)
	h.f.ALUImm(asm.ArSh, sign, 63)
	h.negateIf(r, sign)
	return sign
}

// negateIf negates a number when sign is -1, and leaves it when that is 0.
func (h *handler) negateIf(r, sign vcode.Reg) {
	h.f.ALU(asm.Xor, r, sign)
	h.f.ALU(asm.Sub, r, sign)
}
