package arith

import (
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
)

// Divide divides signed numbers, the second of which is not 0: alu is asm.Div or
// asm.Mod, with the meaning of C. eBPF divides unsigned numbers; its signed forms
// came with 6.6.
func Divide(f *vcode.Func, alu asm.ALUOp, d, a, b vcode.Reg) {
	u, v := f.Reg(), f.Reg()
	f.Mov(u, a)
	f.Mov(v, b)
	sign, other := Absolute(f, u), Absolute(f, v)
	f.ALU(alu, u, v)
	// The quotient is negative when one of them is, the remainder when the
	// dividend is.
	if alu == asm.Div {
		f.ALU(asm.Xor, sign, other)
	}
	NegateIf(f, u, sign)
	f.Mov(d, u)
}

// DivideBy is Divide by a positive constant; positive says that a is not negative.
func DivideBy(f *vcode.Func, alu asm.ALUOp, d, a vcode.Reg, by int64, positive bool) {
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
		sign := Absolute(f, u)
		switch {
		case power && alu == asm.Div:
			f.ALUImm(asm.RSh, u, int64(k))
		case power:
			f.ALUImm(asm.And, u, by-1)
		default:
			f.ALUImm(alu, u, by)
		}
		NegateIf(f, u, sign)
		f.Mov(d, u)
	}
}

// Absolute makes a number positive and tells its sign: 0, or -1 when it was
// negative. It does not branch, for the verifier would learn the sign of the
// variable that the number comes from, and go each of two ways at all that
// depends on it.
func Absolute(f *vcode.Func, r vcode.Reg) (sign vcode.Reg) {
	sign = f.Reg()
	f.Mov(sign, r)
	f.ALUImm(asm.ArSh, sign, 63)
	NegateIf(f, r, sign)
	return sign
}

// NegateIf negates a number when sign is -1, and leaves it when that is 0.
func NegateIf(f *vcode.Func, r, sign vcode.Reg) {
	f.ALU(asm.Xor, r, sign)
	f.ALU(asm.Sub, r, sign)
}

// Square is the 128 bits of v*v: with v = 2^32 a + b, that is
// 2^64 a² + 2^33 ab + b².
func Square(f *vcode.Func, v vcode.Reg) (low, high vcode.Reg) {
	u := copied(f, v)
	Absolute(f, u)
	a, b := copied(f, u), f.Reg()
	f.ALUImm(asm.RSh, a, 32)
	f.Trunc(b, u)
	ab := copied(f, a)
	f.ALU(asm.Mul, ab, b)
	low, high = copied(f, b), copied(f, a)
	f.ALU(asm.Mul, low, b)
	f.ALU(asm.Mul, high, a)
	// 2^33 ab: its upper 31 bits belong to the high word.
	part := copied(f, ab)
	f.ALUImm(asm.RSh, part, 31)
	f.ALU(asm.Add, high, part)
	f.ALUImm(asm.LSh, ab, 33)
	AddCarry(f, low, ab, high)
	return low, high
}

func copied(f *vcode.Func, from vcode.Reg) vcode.Reg {
	r := f.Reg()
	f.Mov(r, from)
	return r
}

// AddCarry is low += x, and high += 1 when that went over.
func AddCarry(f *vcode.Func, low, x, high vcode.Reg) {
	done := f.Label()
	f.ALU(asm.Add, low, x)
	f.Jump(asm.JGE, low, x, done)
	f.ALUImm(asm.Add, high, 1)
	f.Bind(done)
}
