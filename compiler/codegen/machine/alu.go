package machine

import (
	"encoding/binary"
	"math/bits"
)

// Fields of an opcode (include/uapi/linux/bpf.h and bpf_common.h).
const (
	classLD    = 0
	classLDX   = 1
	classST    = 2
	classSTX   = 3
	classALU   = 4
	classJMP   = 5
	classJMP32 = 6
	classALU64 = 7

	fromReg = 8

	opMov = 0xb0
	opEnd = 0xd0

	jumpAlways = 0x00
	jumpCall   = 0x80
	jumpExit   = 0x90
)

// arithmetic are the operations of 64 bits; false for what is none. Division
// by zero gives 0, and what is left of it the dividend.
func arithmetic(op byte, signed bool, x, y uint64) (uint64, bool) {
	if signed && op != 0x30 && op != 0x90 {
		return 0, false
	}
	switch op {
	case 0x00:
		return x + y, true
	case 0x10:
		return x - y, true
	case 0x20:
		return x * y, true
	case 0x30:
		switch {
		case y == 0:
			return 0, true
		case signed:
			return uint64(int64(x) / int64(y)), true
		}
		return x / y, true
	case 0x40:
		return x | y, true
	case 0x50:
		return x & y, true
	case 0x60:
		return x << (y & 63), true
	case 0x70:
		return x >> (y & 63), true
	case 0x80:
		return -x, true
	case 0x90:
		switch {
		case y == 0:
			return x, true
		case signed:
			return uint64(int64(x) % int64(y)), true
		}
		return x % y, true
	case 0xa0:
		return x ^ y, true
	case opMov:
		return y, true
	case 0xc0:
		return uint64(int64(x) >> (y & 63)), true
	}
	return 0, false
}

// arithmetic32 are the same of 32 bits; the upper half of the result is 0.
func arithmetic32(op byte, signed bool, x, y uint32) (uint64, bool) {
	switch {
	case op == 0x60:
		return uint64(x << (y & 31)), !signed
	case op == 0x70:
		return uint64(x >> (y & 31)), !signed
	case op == 0xc0:
		return uint64(uint32(int32(x) >> (y & 31))), !signed
	case signed:
		r, ok := arithmetic(op, true, uint64(int64(int32(x))), uint64(int64(int32(y))))
		return uint64(uint32(r)), ok
	}
	r, ok := arithmetic(op, false, uint64(x), uint64(y))
	return uint64(uint32(r)), ok
}

// alu does an instruction of the classes ALU and ALU64.
func (r *run) alu(in insn) error {
	wide := in.op&7 == classALU64
	op := in.op & 0xf0
	reg := in.op&fromReg != 0
	if op == opEnd {
		return r.swap(in, wide, reg)
	}
	var y uint64
	switch {
	case op == 0x80: // neg has no operand
		if reg || in.imm != 0 || in.src != 0 {
			return ErrUnknown
		}
	case reg:
		v, err := r.get(in.src)
		if err != nil || in.imm != 0 {
			return orUnknown(err)
		}
		y = v
	case in.src != 0:
		return ErrUnknown
	default:
		y = uint64(int64(in.imm))
	}
	if op == opMov {
		return r.move(in, wide, reg, y)
	}
	x, err := r.get(in.dst)
	if err != nil {
		return err
	}
	signed := in.off == 1
	if in.off != 0 && !signed || !reg && badOperand(op, wide, in.imm) {
		return ErrUnknown
	}
	var result uint64
	var ok bool
	if wide {
		result, ok = arithmetic(op, signed, x, y)
	} else {
		result, ok = arithmetic32(op, signed, uint32(x), uint32(y))
	}
	if !ok {
		return ErrUnknown
	}
	return r.set(in.dst, result)
}

// badOperand reports what the verifier refuses of immediate operands.
func badOperand(op byte, wide bool, imm int32) bool {
	width := int32(32)
	if wide {
		width = 64
	}
	switch op {
	case 0x30, 0x90:
		return imm == 0
	case 0x60, 0x70, 0xc0:
		return imm < 0 || imm >= width
	}
	return false
}

func orUnknown(err error) error {
	if err != nil {
		return err
	}
	return ErrUnknown
}

// move does mov, and of registers mov with sign extension.
func (r *run) move(in insn, wide, reg bool, y uint64) error {
	switch {
	case in.off == 0:
	case reg && in.off == 8:
		y = uint64(int64(int8(y)))
	case reg && in.off == 16:
		y = uint64(int64(int16(y)))
	case reg && wide && in.off == 32:
		y = uint64(int64(int32(y)))
	default:
		return ErrUnknown
	}
	if !wide {
		y = uint64(uint32(y))
	}
	return r.set(in.dst, y)
}

// swap does the byte order operations: to little or big endian from what the
// machine has, and of the class ALU64 unconditionally.
func (r *run) swap(in insn, wide, big bool) error {
	x, err := r.get(in.dst)
	if err != nil {
		return err
	}
	if in.src != 0 || in.off != 0 || wide && big {
		return ErrUnknown
	}
	swaps := wide || big != (r.m.order == binary.ByteOrder(binary.BigEndian))
	switch in.imm {
	case 16:
		x = uint64(uint16(x))
	case 32:
		x = uint64(uint32(x))
	case 64:
	default:
		return ErrUnknown
	}
	if swaps {
		x = bits.ReverseBytes64(x) >> (64 - uint(in.imm))
	}
	return r.set(in.dst, x)
}

// compare decides a conditional jump; false, false for what is none.
func compare(op byte, x, y uint64) (taken, ok bool) {
	switch op {
	case 0x10:
		return x == y, true
	case 0x20:
		return x > y, true
	case 0x30:
		return x >= y, true
	case 0x40:
		return x&y != 0, true
	case 0x50:
		return x != y, true
	case 0x60:
		return int64(x) > int64(y), true
	case 0x70:
		return int64(x) >= int64(y), true
	case 0xa0:
		return x < y, true
	case 0xb0:
		return x <= y, true
	case 0xc0:
		return int64(x) < int64(y), true
	case 0xd0:
		return int64(x) <= int64(y), true
	}
	return false, false
}

// jump does the conditional jumps and "goto".
func (r *run) jump(in insn) error {
	wide := in.op&7 == classJMP
	op := in.op & 0xf0
	reg := in.op&fromReg != 0
	if op == jumpAlways {
		if reg || in.dst != 0 || in.src != 0 || wide && in.imm != 0 || !wide && in.off != 0 {
			return ErrUnknown
		}
		r.pc += int(in.off)
		if !wide {
			r.pc += int(in.imm)
		}
		return nil
	}
	x, err := r.get(in.dst)
	if err != nil {
		return err
	}
	y := uint64(int64(in.imm))
	switch {
	case reg && in.imm != 0, !reg && in.src != 0:
		return ErrUnknown
	case reg:
		if y, err = r.get(in.src); err != nil {
			return err
		}
	}
	if !wide {
		// Sign extension keeps both orders, the signed and the unsigned one.
		x, y = uint64(int64(int32(x))), uint64(int64(int32(y)))
	}
	taken, ok := compare(op, x, y)
	if !ok {
		return ErrUnknown
	}
	if taken {
		r.pc += int(in.off)
	}
	return nil
}
