package vcode

import (
	"math"

	"github.com/cilium/ebpf/asm"
)

// Reg is a virtual register of 64 bits.
type Reg int32

// None is no register.
const None Reg = -1

// Label is a place to jump to.
type Label int32

// StackSize is how many bytes of stack a program has (MAX_BPF_STACK).
const StackSize = 512

// spilled stands for the base of a place for a register that found none; which
// place of the frame it is, settle says.
const spilled Reg = -2

// Mem is a place in memory: Off bytes behind the address in Base, or in the
// stack frame when Base is None. Offsets into the frame are negative.
type Mem struct {
	Base Reg
	Off  int
}

// At is m moved by some bytes.
func (m Mem) At(off int) Mem { return Mem{m.Base, m.Off + off} }

type kind uint8

const (
	kMov     kind = iota // dst = src, or imm when src is None
	kTrunc               // dst = the low 32 bits of src
	kALU                 // dst op= src, or imm
	kNeg                 // dst = -dst
	kSwap                // dst = its 8 bytes as a big-endian machine reads them
	kLoad                // dst = [mem]
	kStore               // [mem] = src, or imm
	kAtomic              // [mem] op= src; src = the old value when it fetches
	kJump                // to label when dst op src (or imm)
	kGoto                // to label
	kLabel               // label
	kCall                // dst = fn(args…), or a compare-and-swap as if it were one
	kMap                 // dst = a map
	kData                // dst = the address of a map's value at imm
	kAddr                // dst = address of mem
	kContext             // dst = the context
	kExit                // return 0
)

// inst is one instruction. Which fields count depends on its kind.
type inst struct {
	kind     kind
	dst, src Reg
	imm      int64
	mem      Mem
	size     asm.Size
	alu      asm.ALUOp
	atomic   asm.AtomicOp
	jump     asm.JumpOp
	label    Label
	narrow   bool // a jump that compares 32 bits
	fn       asm.BuiltinFunc
	args     []Arg
	name     string // of a map
	line     int32
	column   int32
}

// Arg is an argument of a call: a register, a number, the address of a place,
// or a map.
type Arg struct {
	Reg  Reg
	Imm  int64
	Addr *Mem
	Map  string
}

// R passes a register.
func R(r Reg) Arg { return Arg{Reg: r} }

// N passes a number.
func N(n int64) Arg { return Arg{Reg: None, Imm: n} }

// A passes the address of a place.
func A(m Mem) Arg { return Arg{Reg: None, Addr: &m} }

// M passes a map.
func M(name string) Arg { return Arg{Reg: None, Map: name} }

// Func is a program in the making.
type Func struct {
	code   []inst
	regs   int
	labels int
	near   []Reg
	slots  int // places for registers that found none
	// Of the stack: bytes in use now, and at most.
	used, high   int
	line, column int32
}

// New makes an empty program.
func New() *Func { return &Func{} }

// Reg makes a register.
func (f *Func) Reg() Reg { f.regs++; return Reg(f.regs - 1) }

// Near makes a register that stays in a register: of a number whose bounds are
// checked just before it is used, which older kernels forget of numbers that
// were on the stack meanwhile. It must not live long, nor across a call.
func (f *Func) Near() Reg {
	r := f.Reg()
	f.near = append(f.near, r)
	return r
}

// Label makes a label, to be placed by Bind.
func (f *Func) Label() Label { f.labels++; return Label(f.labels - 1) }

// Place says which line of the script what follows comes from.
func (f *Func) Place(line, column int) { f.line, f.column = int32(line), int32(column) }

// Stack takes size bytes of the stack, a multiple of 8.
func (f *Func) Stack(size int) Mem {
	f.used += (size + 7) &^ 7
	f.high = max(f.high, f.used)
	return Mem{None, -f.used}
}

// StackUsed tells how much of the stack is taken.
func (f *Func) StackUsed() int { return f.used }

// Release gives back what was taken since StackUsed said so.
func (f *Func) Release(used int) { f.used = used }

func (f *Func) add(i inst) {
	i.line, i.column = f.line, f.column
	f.code = append(f.code, i)
}

func small(n int64) bool { return n >= math.MinInt32 && n <= math.MaxInt32 }

// MovImm sets d to a number.
func (f *Func) MovImm(d Reg, n int64) { f.add(inst{kind: kMov, dst: d, src: None, imm: n}) }

// Mov copies a register.
func (f *Func) Mov(d, s Reg) { f.add(inst{kind: kMov, dst: d, src: s}) }

// Trunc sets d to the low 32 bits of s.
func (f *Func) Trunc(d, s Reg) { f.add(inst{kind: kTrunc, dst: d, src: s}) }

// ALU is d op= s.
func (f *Func) ALU(op asm.ALUOp, d, s Reg) { f.add(inst{kind: kALU, alu: op, dst: d, src: s}) }

// ALUImm is d op= n.
func (f *Func) ALUImm(op asm.ALUOp, d Reg, n int64) {
	if !small(n) {
		t := f.Reg()
		f.MovImm(t, n)
		f.ALU(op, d, t)
		return
	}
	f.add(inst{kind: kALU, alu: op, dst: d, src: None, imm: n})
}

// Neg is d = -d.
func (f *Func) Neg(d Reg) { f.add(inst{kind: kNeg, dst: d, src: None}) }

// BigEndian turns 8 bytes just loaded into the number that they are with the
// first byte the most significant.
func (f *Func) BigEndian(d Reg) { f.add(inst{kind: kSwap, dst: d, src: None}) }

// Load reads size bytes, zero-extended.
func (f *Func) Load(d Reg, m Mem, size asm.Size) {
	f.add(inst{kind: kLoad, dst: d, src: None, mem: m, size: size})
}

// Store writes the low size bytes of s.
func (f *Func) Store(m Mem, s Reg, size asm.Size) {
	f.add(inst{kind: kStore, dst: None, src: s, mem: m, size: size})
}

// StoreImm writes a number.
func (f *Func) StoreImm(m Mem, n int64, size asm.Size) {
	if !small(n) {
		t := f.Reg()
		f.MovImm(t, n)
		f.Store(m, t, size)
		return
	}
	f.add(inst{kind: kStore, dst: None, src: None, imm: n, mem: m, size: size})
}

// Atomic is [m] op= s on 8 bytes; the fetching forms (from 5.12) set s to the
// old value.
func (f *Func) Atomic(op asm.AtomicOp, m Mem, s Reg) {
	f.add(inst{kind: kAtomic, dst: None, atomic: op, mem: m, src: s})
}

// CompareSwap sets [m] to s when it is old, 8 bytes in one step (from 5.12);
// d gets what was there.
func (f *Func) CompareSwap(d Reg, m Mem, old, s Reg) {
	f.add(inst{kind: kCall, atomic: asm.CmpXchg, dst: d, src: None, args: []Arg{A(m), R(s), R(old)}})
}

// Jump goes to l when a op b.
func (f *Func) Jump(op asm.JumpOp, a, b Reg, l Label) {
	f.add(inst{kind: kJump, jump: op, dst: a, src: b, label: l})
}

// JumpImm goes to l when a op n.
func (f *Func) JumpImm(op asm.JumpOp, a Reg, n int64, l Label) {
	if !small(n) {
		t := f.Reg()
		f.MovImm(t, n)
		f.Jump(op, a, t, l)
		return
	}
	f.add(inst{kind: kJump, jump: op, dst: a, src: None, imm: n, label: l})
}

// JumpImm32 goes to l when the low 32 bits of a op n, which fits them.
func (f *Func) JumpImm32(op asm.JumpOp, a Reg, n int32, l Label) {
	f.add(inst{kind: kJump, jump: op, dst: a, src: None, imm: int64(n), label: l, narrow: true})
}

// Goto goes to l.
func (f *Func) Goto(l Label) { f.add(inst{kind: kGoto, dst: None, src: None, label: l}) }

// Bind places l here.
func (f *Func) Bind(l Label) { f.add(inst{kind: kLabel, dst: None, src: None, label: l}) }

// Call calls a helper; d gets its result, or is None.
func (f *Func) Call(fn asm.BuiltinFunc, d Reg, args ...Arg) {
	f.add(inst{kind: kCall, fn: fn, dst: d, src: None, args: args})
}

// Data sets d to the address of a map's value, off bytes in.
func (f *Func) Data(d Reg, name string, off int) {
	f.add(inst{kind: kData, dst: d, src: None, name: name, imm: int64(off)})
}

// Addr sets d to the address of a place.
func (f *Func) Addr(d Reg, m Mem) { f.add(inst{kind: kAddr, dst: d, src: None, mem: m}) }

// Context sets d to the program's context; it comes first of all.
func (f *Func) Context(d Reg) { f.add(inst{kind: kContext, dst: d, src: None}) }

// Exit ends the program with 0.
func (f *Func) Exit() { f.add(inst{kind: kExit, dst: None, src: None}) }

// Len is how many instructions there are so far.
func (f *Func) Len() int { return len(f.code) }
