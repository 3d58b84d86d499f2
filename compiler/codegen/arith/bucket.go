package arith

import (
	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// LogBucket is the number of v's bucket in a logarithmic histogram: 64 for 0,
// 64 and the number of bits for a positive value, 64 less them for a negative
// one. It has no branches, for the verifier would follow each way to the end.
func LogBucket(f *vcode.Func, v vcode.Reg) vcode.Reg {
	sign := copied(f, v)
	f.ALUImm(asm.ArSh, sign, 63) // 0 or -1
	u := copied(f, v)
	f.ALU(asm.Xor, u, sign)
	f.ALU(asm.Sub, u, sign)
	n := f.Reg()
	f.MovImm(n, 0)
	for step := int64(5); step >= 0; step-- {
		k := int64(1) << step
		// t is k when there is something in the upper bits, else 0.
		t := copied(f, u)
		f.ALUImm(asm.RSh, t, k)
		f.Neg(t) // of 63 bits at most: negative unless 0
		f.ALUImm(asm.RSh, t, 63)
		if step > 0 {
			f.ALUImm(asm.LSh, t, step)
		}
		f.ALU(asm.RSh, u, t)
		f.ALU(asm.Add, n, t)
	}
	// What is left is 1, or 0 for v = 0.
	f.ALU(asm.Add, n, u)
	f.ALU(asm.Xor, n, sign)
	f.ALU(asm.Sub, n, sign)
	f.ALUImm(asm.Add, n, ir.LogZero)
	return n
}

// LinearBucket is the number of v's bucket: 0 below the range, the last above.
func LinearBucket(f *vcode.Func, a *ir.Aggregate, v vcode.Reg) vcode.Reg {
	n, below, done := f.Reg(), f.Label(), f.Label()
	last := int64(a.Buckets() - 1)
	f.Mov(n, v)
	f.ALUImm(asm.Sub, n, a.Start)
	f.JumpImm(asm.JSLT, n, 0, below)
	f.ALUImm(asm.Div, n, a.Width)
	f.ALUImm(asm.Add, n, 1)
	f.JumpImm(asm.JLE, n, last, done)
	f.MovImm(n, last)
	f.Goto(done)
	f.Bind(below)
	f.MovImm(n, 0)
	f.Bind(done)
	return n
}
