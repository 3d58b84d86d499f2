package machine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"
)

// Program is an eBPF program as bytes.
type Program struct {
	order binary.ByteOrder
	code  []byte
	// refs names the map that a 64-bit load refers to, by the index of its
	// first half.
	refs map[int]string
}

// Assemble encodes instructions for a byte order. Loads of maps and of their
// values refer to them by name (asm.Instruction.WithReference).
func Assemble(insns asm.Instructions, order binary.ByteOrder) (*Program, error) {
	p := &Program{order: order, refs: map[int]string{}}
	insns = slices.Clone(insns) // Marshal resolves jumps in place
	for iter := insns.Iterate(); iter.Next(); {
		if iter.Ins.IsLoadFromMap() {
			p.refs[int(iter.Offset)] = iter.Ins.Reference()
		}
	}
	var code bytes.Buffer
	if err := insns.Marshal(&code, order); err != nil {
		return nil, fmt.Errorf("encode the program: %w", err)
	}
	p.code = code.Bytes()
	return p, nil
}

// FromBytes takes encoded instructions; refs names the map that a 64-bit load
// refers to, by the index of its first 8 bytes.
func FromBytes(code []byte, order binary.ByteOrder, refs map[int]string) *Program {
	return &Program{order: order, code: code, refs: refs}
}

// Len is how many 8-byte instructions there are.
func (p *Program) Len() int { return len(p.code) / asm.InstructionSize }

// insn is an instruction's fields (include/uapi/linux/bpf.h, struct bpf_insn).
type insn struct {
	op       byte
	dst, src uint8
	off      int16
	imm      int32
}

func (p *Program) at(i int) (insn, bool) {
	if i < 0 || i >= p.Len() {
		return insn{}, false
	}
	b := p.code[i*asm.InstructionSize:]
	in := insn{op: b[0], dst: b[1] & 15, src: b[1] >> 4, off: int16(p.order.Uint16(b[2:])), imm: int32(p.order.Uint32(b[4:]))}
	if p.order == binary.ByteOrder(binary.BigEndian) {
		in.dst, in.src = in.src, in.dst
	}
	return in, true
}

// text disassembles one instruction.
func (p *Program) text(i int) string {
	if i < 0 || i >= p.Len() {
		return "outside the program"
	}
	var ins asm.Instruction
	if err := ins.Unmarshal(bytes.NewReader(p.code[i*asm.InstructionSize:]), p.order, "linux"); err != nil {
		return fmt.Sprintf("% x", p.code[i*asm.InstructionSize:][:asm.InstructionSize])
	}
	if name := p.refs[i]; name != "" {
		ins = ins.WithReference(name)
	}
	return fmt.Sprintf("%v", ins)
}
