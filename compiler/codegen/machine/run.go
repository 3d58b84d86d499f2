package machine

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// run is one run of a program.
type run struct {
	m     *Machine
	p     *Program
	pc    int // of the next instruction
	regs  [11]uint64
	known [11]bool // registers that may be read
	stack *region
	// reserved are records of ring buffers that are neither submitted nor
	// discarded yet.
	reserved map[uint64]*record
}

// Run runs a program over a context and returns R0. The error is a *Fault. The
// context may be read, not written.
func (m *Machine) Run(p *Program, context []byte) (uint64, error) {
	if p.order != m.order {
		return 0, fmt.Errorf("the program is %v, the machine %v", p.order, m.order)
	}
	r := &run{m: m, p: p, reserved: map[uint64]*record{}}
	ctx := m.allocate("the context", context, false)
	defer m.memory.remove(ctx)
	r.stack = m.allocate("the stack", make([]byte, stackSize), true)
	defer m.memory.remove(r.stack)
	r.stack.written = make([]bool, stackSize)
	r.regs[1], r.known[1] = ctx.addr, true
	r.regs[10], r.known[10] = r.stack.addr+stackSize, true
	for steps := 0; ; steps++ {
		at := r.pc
		fault := func(err error) error { return &Fault{Insn: at, Text: p.text(at), Err: err} }
		in, ok := p.at(at)
		if !ok {
			return 0, fault(ErrEnd)
		}
		if steps >= m.Limit {
			return 0, fault(ErrSteps)
		}
		r.pc++
		if in.op == classJMP|jumpExit {
			result, err := r.exit(in)
			if err != nil {
				return 0, fault(err)
			}
			return result, nil
		}
		if err := r.step(in); err != nil {
			return 0, fault(err)
		}
	}
}

func (r *run) exit(in insn) (uint64, error) {
	if in.dst != 0 || in.src != 0 || in.off != 0 || in.imm != 0 {
		return 0, ErrUnknown
	}
	if len(r.reserved) > 0 {
		return 0, fmt.Errorf("%d reserved records are neither submitted nor discarded", len(r.reserved))
	}
	return r.get(0)
}

func (r *run) get(reg uint8) (uint64, error) {
	if int(reg) >= len(r.regs) {
		return 0, ErrUnknown
	}
	if !r.known[reg] {
		return 0, fmt.Errorf("r%d: %w", reg, ErrUnset)
	}
	return r.regs[reg], nil
}

func (r *run) set(reg uint8, value uint64) error {
	if reg >= 10 { // r10 is the frame, and is not written
		return ErrUnknown
	}
	r.regs[reg], r.known[reg] = value, true
	return nil
}

func (r *run) step(in insn) error {
	switch in.op & 7 {
	case classALU, classALU64:
		return r.alu(in)
	case classJMP, classJMP32:
		if in.op == classJMP|jumpCall {
			return r.call(in)
		}
		return r.jump(in)
	case classLD:
		return r.wide(in)
	case classLDX:
		return r.load(in)
	}
	return r.store(in)
}

// sizes are the widths of loads and stores in bytes, by bits 3 and 4.
var sizes = [4]uint64{4, 2, 1, 8}

// The modes of loads and stores.
const (
	modeMem    = 0x60
	modeMemSX  = 0x80
	modeAtomic = 0xc0
)

// wide does the 64-bit load of a constant, of a map or of a map's value.
func (r *run) wide(in insn) error {
	second, ok := r.p.at(r.pc)
	if in.op != 0x18 || in.off != 0 || !ok || second.op|second.dst|second.src != 0 || second.off != 0 {
		return ErrUnknown
	}
	name := r.p.refs[r.pc-1]
	r.pc++
	value := uint64(uint32(in.imm)) | uint64(uint32(second.imm))<<32
	switch asm.Register(in.src) {
	case 0:
		return r.set(in.dst, value)
	case asm.PseudoMapFD, asm.PseudoMapValue:
	default:
		return ErrUnknown
	}
	mp := r.m.maps[name]
	if mp == nil {
		return fmt.Errorf("there is no map %q", name)
	}
	if asm.Register(in.src) == asm.PseudoMapFD {
		return r.set(in.dst, mp.handle)
	}
	at, err := mp.direct(uint64(uint32(second.imm)))
	if err != nil {
		return err
	}
	return r.set(in.dst, at)
}

// address is a register's value with an instruction's offset.
func (r *run) address(reg uint8, in insn) (uint64, error) {
	base, err := r.get(reg)
	return base + uint64(int64(in.off)), err
}

func (r *run) load(in insn) error {
	size := sizes[in.op>>3&3]
	mode := in.op & 0xe0
	addr, err := r.address(in.src, in)
	if err != nil {
		return err
	}
	if in.imm != 0 || mode != modeMem && (mode != modeMemSX || size == 8) {
		return ErrUnknown
	}
	data, err := r.m.memory.own(addr, size)
	if err != nil {
		return err
	}
	value := number(r.m.order, data)
	if mode == modeMemSX {
		shift := 64 - 8*size
		value = uint64(int64(value<<shift) >> shift)
	}
	return r.set(in.dst, value)
}

// store does stores of registers and constants, and atomic operations.
func (r *run) store(in insn) error {
	size := sizes[in.op>>3&3]
	mode := in.op & 0xe0
	addr, err := r.address(in.dst, in)
	if err != nil {
		return err
	}
	value := uint64(int64(in.imm))
	if in.op&7 == classSTX {
		if value, err = r.get(in.src); err != nil {
			return err
		}
		if mode == modeAtomic {
			return r.atomic(in, addr, size, value)
		}
	}
	if mode != modeMem || in.op&7 == classSTX && in.imm != 0 || in.op&7 == classST && in.src != 0 {
		return ErrUnknown
	}
	data, err := r.m.memory.space(addr, size)
	if err != nil {
		return err
	}
	putNumber(r.m.order, data, value)
	return nil
}

// The atomic operations, in an instruction's immediate.
const (
	atomicFetch   = 0x01
	atomicXchg    = 0xe1
	atomicCmpxchg = 0xf1
)

func (r *run) atomic(in insn, addr, size, value uint64) error {
	if size < 4 {
		return ErrUnknown
	}
	if addr%size != 0 {
		return fmt.Errorf("an atomic operation at %#x, which is not aligned", addr)
	}
	data, err := r.m.memory.own(addr, size)
	if err != nil {
		return err
	}
	old := number(r.m.order, data)
	updated, ok := value, true
	switch in.imm {
	case atomicXchg:
	case atomicCmpxchg:
		expected, err := r.get(0)
		if err != nil {
			return err
		}
		if size == 4 {
			expected = uint64(uint32(expected))
		}
		if old != expected {
			updated = old
		}
	case 0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1: // add or and xor
		updated, ok = arithmetic(byte(in.imm&0xf0), false, old, value)
	default:
		ok = false
	}
	if !ok {
		return ErrUnknown
	}
	if data, err = r.m.memory.space(addr, size); err != nil {
		return err
	}
	putNumber(r.m.order, data, updated)
	switch {
	case in.imm == atomicCmpxchg:
		return r.set(0, old)
	case in.imm&atomicFetch != 0:
		return r.set(in.src, old)
	}
	return nil
}

// number reads 1, 2, 4 or 8 bytes.
func number(order binary.ByteOrder, data []byte) uint64 {
	switch len(data) {
	case 1:
		return uint64(data[0])
	case 2:
		return uint64(order.Uint16(data))
	case 4:
		return uint64(order.Uint32(data))
	}
	return order.Uint64(data)
}

func putNumber(order binary.ByteOrder, data []byte, value uint64) {
	switch len(data) {
	case 1:
		data[0] = byte(value)
	case 2:
		order.PutUint16(data, uint16(value))
	case 4:
		order.PutUint32(data, uint32(value))
	default:
		order.PutUint64(data, value)
	}
}
