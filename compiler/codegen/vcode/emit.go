package vcode

import (
	"errors"
	"fmt"
	"math"

	"github.com/cilium/ebpf/asm"
)

// Place is where instructions from Insn on come from.
type Place struct{ Insn, Line, Column int }

// maxCode is how long a program may be when it is emitted. Handlers of many more
// instructions than their jumps reach over only cost time and memory here, which
// grow with the square.
const maxCode = 1 << 16

// Full reports whether there are more instructions than Emit takes.
func (f *Func) Full() bool { return len(f.code) > maxCode }

// Emit turns the program into instructions, whose jumps have their offsets, and
// says which lines they come from. The program is used up.
func (f *Func) Emit() (asm.Instructions, []Place, error) {
	if f.Full() {
		return nil, nil, fmt.Errorf("more than %d instructions, reached in line %d", maxCode, f.code[maxCode].line)
	}
	f.tidy()
	where, err := f.allocate()
	if err != nil {
		return nil, nil, err
	}
	if err := f.settle(); err != nil {
		return nil, nil, err
	}
	e := &emitter{where: where, labels: make([]int, f.labels)}
	for n := range f.code {
		e.inst(&f.code[n])
	}
	if err := e.resolve(); err != nil {
		return nil, nil, err
	}
	return e.out, e.places, nil
}

type emitter struct {
	where  allocation
	out    asm.Instructions
	slots  int   // 8-byte slots in out: what jumps count
	labels []int // slot of each label
	jumps  []jump
	places []Place
	line   int32
	column int32
}

// jump is an instruction whose offset is not known yet.
type jump struct {
	insn, slot int
	label      Label
}

func (e *emitter) put(i asm.Instruction) {
	e.out = append(e.out, i)
	e.slots += int(i.Width())
}

func (e *emitter) reg(r Reg) asm.Register { return e.where[r] }

// mem is the register and the offset of a place.
func (e *emitter) mem(m Mem) (asm.Register, int16) {
	if m.Base == None {
		return asm.R10, int16(m.Off)
	}
	return e.where[m.Base], int16(m.Off)
}

func (e *emitter) inst(i *inst) {
	if i.kind == kLabel {
		e.labels[i.label] = e.slots
		return
	}
	if i.line != 0 && (i.line != e.line || i.column != e.column || len(e.places) == 0) {
		e.line, e.column = i.line, i.column
		// A move to where the value is already became no instruction: what
		// follows has its place.
		if n := len(e.places); n > 0 && e.places[n-1].Insn == len(e.out) {
			e.places = e.places[:n-1]
		}
		e.places = append(e.places, Place{len(e.out), int(i.line), int(i.column)})
	}
	switch i.kind {
	case kMov:
		e.mov(i)
	case kTrunc:
		e.put(asm.Instruction{OpCode: asm.OpCode(asm.ALUClass).SetALUOp(asm.Mov).SetSource(asm.RegSource), Dst: e.reg(i.dst), Src: e.reg(i.src)})
	case kALU:
		if i.src == None {
			e.put(i.alu.Imm(e.reg(i.dst), int32(i.imm)))
		} else {
			e.put(i.alu.Reg(e.reg(i.dst), e.reg(i.src)))
		}
	case kNeg:
		e.put(asm.Neg.Imm(e.reg(i.dst), 0))
	case kSwap:
		e.put(asm.HostTo(asm.BE, e.reg(i.dst), asm.DWord))
	case kLoad:
		base, off := e.mem(i.mem)
		e.put(asm.LoadMem(e.reg(i.dst), base, off, i.size))
	case kStore:
		base, off := e.mem(i.mem)
		if i.src == None {
			// asm.StoreImm knows no store of 8 bytes, which sign-extends.
			e.put(asm.Instruction{OpCode: asm.StoreImmOp(i.size), Dst: base, Offset: off, Constant: i.imm})
		} else {
			e.put(asm.StoreMem(base, off, e.reg(i.src), i.size))
		}
	case kAtomic:
		base, off := e.mem(i.mem)
		e.put(atomic(i.atomic, base, off, e.reg(i.src)))
	case kJump:
		e.jumps = append(e.jumps, jump{len(e.out), e.slots, i.label})
		class := asm.JumpClass
		if i.narrow {
			class = asm.Jump32Class
		}
		op := asm.OpCode(class).SetJumpOp(i.jump)
		if i.src == None {
			e.put(asm.Instruction{OpCode: op.SetSource(asm.ImmSource), Dst: e.reg(i.dst), Constant: i.imm})
		} else {
			e.put(asm.Instruction{OpCode: op.SetSource(asm.RegSource), Dst: e.reg(i.dst), Src: e.reg(i.src)})
		}
	case kGoto:
		e.jumps = append(e.jumps, jump{len(e.out), e.slots, i.label})
		e.put(asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Ja)})
	case kCall:
		e.call(i)
	case kMap:
		e.put(asm.LoadMapPtr(e.reg(i.dst), 0).WithReference(i.name))
	case kData:
		e.put(asm.LoadMapValue(e.reg(i.dst), 0, uint32(i.imm)).WithReference(i.name))
	case kAddr:
		e.address(e.reg(i.dst), i.mem)
	case kContext:
		e.move(e.reg(i.dst), asm.R1)
	case kExit:
		e.put(asm.Mov.Imm(asm.R0, 0))
		e.put(asm.Return())
	}
}

func (e *emitter) move(d, s asm.Register) {
	if d != s {
		e.put(asm.Mov.Reg(d, s))
	}
}

func (e *emitter) mov(i *inst) {
	switch {
	case i.src != None:
		e.move(e.reg(i.dst), e.reg(i.src))
	case small(i.imm):
		e.put(asm.Mov.Imm(e.reg(i.dst), int32(i.imm)))
	default:
		e.put(asm.LoadImm(e.reg(i.dst), i.imm, asm.DWord))
	}
}

func (e *emitter) address(d asm.Register, m Mem) {
	base, off := e.mem(m)
	e.move(d, base)
	if off != 0 {
		e.put(asm.Add.Imm(d, int32(off)))
	}
}

// call puts the arguments into registers 1 to 5: first those that are in
// registers, all at once as it were, then the others.
func (e *emitter) call(i *inst) {
	type move struct{ to, from asm.Register }
	var moves []move
	for n, a := range i.args {
		to := asm.R1 + asm.Register(n)
		switch {
		case a.Addr != nil && a.Addr.Base != None:
			moves = append(moves, move{to, e.reg(a.Addr.Base)})
		case a.Addr == nil && a.Map == "" && a.Reg != None:
			moves = append(moves, move{to, e.reg(a.Reg)})
		}
	}
	for len(moves) > 0 {
		done := -1
		for n, m := range moves {
			free := true
			for k, o := range moves {
				if k != n && o.from == m.to {
					free = false
				}
			}
			if free {
				done = n
				break
			}
		}
		if done >= 0 {
			e.move(moves[done].to, moves[done].from)
			moves = append(moves[:done], moves[done+1:]...)
			continue
		}
		// All that are left go in circles, so none of them comes from R0.
		e.move(asm.R0, moves[0].from)
		moves[0].from = asm.R0
	}
	for n, a := range i.args {
		to := asm.R1 + asm.Register(n)
		switch {
		case a.Addr != nil && a.Addr.Base != None:
			if a.Addr.Off != 0 {
				e.put(asm.Add.Imm(to, int32(a.Addr.Off)))
			}
		case a.Addr != nil:
			e.address(to, *a.Addr)
		case a.Map != "":
			e.put(asm.LoadMapPtr(to, 0).WithReference(a.Map))
		case a.Reg == None && small(a.Imm):
			e.put(asm.Mov.Imm(to, int32(a.Imm)))
		case a.Reg == None:
			e.put(asm.LoadImm(to, a.Imm, asm.DWord))
		}
	}
	if i.atomic != 0 {
		// What is expected is in R0, and what was found is there afterwards.
		e.move(asm.R0, asm.R3)
		e.put(atomic(i.atomic, asm.R1, 0, asm.R2))
	} else {
		e.put(i.fn.Call())
	}
	if i.dst != None {
		e.move(e.reg(i.dst), asm.R0)
	}
}

// ErrFar says that a jump goes further than its 16 bits reach.
var ErrFar = errors.New("a jump of more than 32767 instructions")

func (e *emitter) resolve() error {
	for _, j := range e.jumps {
		off := e.labels[j.label] - j.slot - 1
		if off < math.MinInt16 || off > math.MaxInt16 {
			return ErrFar
		}
		e.out[j.insn].Offset = int16(off)
	}
	return nil
}

// atomic is an operation on the 8 bytes at base+off. asm of cilium/ebpf v0.22.0
// forgets which when it writes an instruction, unless the constant, which is
// where it goes, has it.
func atomic(op asm.AtomicOp, base asm.Register, off int16, s asm.Register) asm.Instruction {
	in := op.Mem(base, s, asm.DWord, off)
	in.Constant = int64(op >> 8)
	return in
}

func fetches(op asm.AtomicOp) bool { return op&0x100 != 0 }
