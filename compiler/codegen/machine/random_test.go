package machine

import (
	"math"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo/compiler/object"
)

// values is the map that random programs take their input from and leave their
// results in: inputs first, then the registers R0 to R8, then 8 words of stack.
var values = object.Map{Name: "values", Type: ebpf.Array, KeySize: 4, ValueSize: 8 * (9 + 9 + 8), MaxEntries: 1}

// edges are numbers at which arithmetic goes wrong.
var edges = []uint64{0, 1, 2, 7, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, math.MaxInt32, 1 << 31, math.MaxUint32, 1 << 32,
	math.MaxInt64, 1 << 63, math.MaxUint64, math.MaxUint64 - 1, 0xffff_ffff_8000_0000, 0x0123_4567_89ab_cdef}

func word() *rapid.Generator[uint64] { return rapid.OneOf(rapid.SampledFrom(edges), rapid.Uint64()) }

var aluOps = []asm.ALUOp{asm.Add, asm.Sub, asm.Mul, asm.Div, asm.Or, asm.And, asm.LSh, asm.RSh, asm.Mod, asm.Xor, asm.Mov, asm.ArSh,
	asm.SDiv, asm.SMod, asm.MovSX8, asm.MovSX16, asm.MovSX32}

var jumpOps = []asm.JumpOp{asm.JEq, asm.JGT, asm.JGE, asm.JSet, asm.JNE, asm.JSGT, asm.JSGE, asm.JLT, asm.JLE, asm.JSLT, asm.JSLE}

var atomicOps = []asm.AtomicOp{asm.AddAtomic, asm.AndAtomic, asm.OrAtomic, asm.XorAtomic, asm.FetchAdd, asm.FetchAnd, asm.FetchOr, asm.FetchXor, asm.Xchg, asm.CmpXchg}

// arithmeticInsn draws an instruction that computes from R0 to R8.
func arithmeticInsn(t *rapid.T) asm.Instruction {
	dst, src := register(t, "dst"), register(t, "src")
	op := rapid.SampledFrom(aluOps).Draw(t, "op")
	wide := rapid.Bool().Draw(t, "wide")
	reg := rapid.Bool().Draw(t, "reg")
	imm := int32(word().Draw(t, "imm"))
	switch op {
	case asm.MovSX8, asm.MovSX16:
		reg = true
	case asm.MovSX32:
		reg, wide = true, true
	case asm.LSh, asm.RSh, asm.ArSh:
		imm &= 31
	case asm.Div, asm.Mod, asm.SDiv, asm.SMod:
		if imm == 0 {
			imm = -1
		}
	}
	switch {
	case wide && reg:
		return op.Reg(dst, src)
	case wide:
		return op.Imm(dst, imm)
	case reg:
		return op.Reg32(dst, src)
	}
	return op.Imm32(dst, imm)
}

func register(t *rapid.T, label string) asm.Register {
	return asm.Register(rapid.IntRange(0, 8).Draw(t, label))
}

// memoryInsn draws a load, a store or an atomic operation on the stack, or a
// change of byte order.
func memoryInsn(t *rapid.T) asm.Instruction {
	reg := register(t, "reg")
	size := rapid.SampledFrom([]asm.Size{asm.Byte, asm.Half, asm.Word, asm.DWord}).Draw(t, "size")
	at := -64 + int16(size.Sizeof()*rapid.IntRange(0, 64/size.Sizeof()-1).Draw(t, "at"))
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		return asm.StoreMem(asm.R10, at, reg, size)
	case 1:
		return asm.Instruction{
			OpCode: asm.OpCode(asm.StClass).SetMode(asm.MemMode).SetSize(size), // asm.StoreImm has no 64 bits
			Dst:    asm.R10, Offset: at, Constant: int64(int32(word().Draw(t, "imm"))),
		}
	case 2:
		return asm.LoadMem(reg, asm.R10, at, size)
	case 3:
		if size != asm.DWord {
			return asm.LoadMemSX(reg, asm.R10, at, size)
		}
		return asm.LoadMem(reg, asm.R10, at, size)
	case 4:
		if size == asm.Byte {
			return asm.LoadImm(reg, int64(word().Draw(t, "imm")), asm.DWord)
		}
		return asm.HostTo(rapid.SampledFrom([]asm.Endianness{asm.LE, asm.BE}).Draw(t, "order"), reg, size)
	case 5:
		if size == asm.Byte {
			return asm.Neg.Imm(reg, 0)
		}
		return asm.BSwap(reg, size)
	}
	if size != asm.DWord {
		size, at = asm.Word, at&^3
	}
	return atomic(rapid.SampledFrom(atomicOps).Draw(t, "atomic"), asm.R10, reg, size, at)
}

// atomic puts the operation where it is encoded too: asm of cilium/ebpf v0.22.0
// forgets it otherwise, and all of them add.
func atomic(op asm.AtomicOp, dst, src asm.Register, size asm.Size, at int16) asm.Instruction {
	in := op.Mem(dst, src, size, at)
	in.Constant = int64(op >> 8)
	return in
}

// program draws what a program computes.
func program(t *rapid.T, memory bool) asm.Instructions {
	var body asm.Instructions
	for range rapid.IntRange(10, 60).Draw(t, "length") {
		switch kind := rapid.IntRange(0, 5).Draw(t, "what"); {
		case kind == 0:
			body = append(body, jumpInsn(t))
		case kind <= 2 && memory:
			body = append(body, memoryInsn(t))
		default:
			body = append(body, arithmeticInsn(t))
		}
	}
	return land(whole(body...))
}

// whole makes a program that the verifier lets through: it takes R0 to R8 and a
// copy of R0 to R7 on the stack from the map, computes, and stores all of them
// into the map.
func whole(body ...asm.Instruction) asm.Instructions {
	insns := asm.Instructions{asm.LoadMapValue(asm.R9, 0, 0).WithReference(values.Name)}
	for i := range int16(9) {
		insns = append(insns, asm.LoadMem(asm.Register(i), asm.R9, 8*i, asm.DWord))
	}
	for i := range int16(8) {
		insns = append(insns, asm.StoreMem(asm.R10, -64+8*i, asm.Register(i), asm.DWord))
	}
	insns = append(insns, body...)
	// What the last jumps go to.
	insns = append(insns, asm.Mov.Reg(asm.R0, asm.R0), asm.Mov.Reg(asm.R0, asm.R0), asm.Mov.Reg(asm.R0, asm.R0))
	for i := range int16(9) {
		insns = append(insns, asm.StoreMem(asm.R9, 8*(9+i), asm.Register(i), asm.DWord))
	}
	for i := range int16(8) {
		insns = append(insns, asm.LoadMem(asm.R1, asm.R10, -64+8*i, asm.DWord), asm.StoreMem(asm.R9, 8*(18+i), asm.R1, asm.DWord))
	}
	return append(insns, asm.Mov.Imm(asm.R0, 0), asm.Return())
}

// jumpInsn draws a jump over the next instruction or two, all of one 8-byte
// unit but a load of a constant, which takes two.
func jumpInsn(t *rapid.T) asm.Instruction {
	dst, src := register(t, "dst"), register(t, "src")
	op := rapid.SampledFrom(jumpOps).Draw(t, "jump")
	imm := int32(word().Draw(t, "imm"))
	var in asm.Instruction
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		in = op.Reg(dst, src, "")
	case 1:
		in = op.Imm(dst, imm, "")
	case 2:
		in = op.Reg32(dst, src, "")
	default:
		in = op.Imm32(dst, imm, "")
	}
	in.Offset = int16(rapid.IntRange(1, 3).Draw(t, "over"))
	return in
}

// land moves jumps that would land inside a load of a constant behind it.
func land(insns asm.Instructions) asm.Instructions {
	inside := map[int]bool{}
	for iter := insns.Iterate(); iter.Next(); {
		if iter.Ins.OpCode.IsDWordLoad() {
			inside[int(iter.Offset)+1] = true
		}
	}
	for iter := insns.Iterate(); iter.Next(); {
		if iter.Ins.OpCode.Class().IsJump() && iter.Ins.Offset > 0 && inside[int(iter.Offset)+1+int(iter.Ins.Offset)] {
			iter.Ins.Offset++
		}
	}
	return insns
}
