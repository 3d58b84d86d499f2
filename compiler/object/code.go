package object

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// TooLongError says that a handler became so long that a jump in it cannot
// reach its target (a jump has 16 bits, in instructions).
type TooLongError struct {
	Program string
	Line    Line // where the jump is
	Insns   int  // instructions of the program, 8 bytes each
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("line %d: the handler %s takes %d instructions and a jump from here cannot reach its target: "+
		"split it into several probes, or move work to a timer or end probe", e.Line.Line, e.Program, e.Insns)
}

// code is a program as bytes.
type code struct {
	bytes []byte
	// refs are the instructions that a loader has to complete.
	refs []reference
	// at is the offset in bytes of each asm instruction.
	at []uint32
}

// reference is the offset in bytes of a 64-bit load, and the map or section it
// loads the address of.
type reference struct {
	at   uint32
	name string
}

// encode turns a program's instructions into bytes. An instruction that loads
// the address of data has the offset within the section in its first immediate,
// as clang emits it against a section's symbol.
func (p *Program) encode(order binary.ByteOrder) (*code, error) {
	c := &code{}
	symbols := map[string]int{}
	raw := 0 // in units of 8 bytes
	for i := range p.Insns {
		ins := &p.Insns[i]
		if name := ins.Symbol(); name != "" {
			if _, twice := symbols[name]; twice {
				return nil, fmt.Errorf("instruction %d: symbol %q is there twice", i, name)
			}
			symbols[name] = raw
		}
		c.at = append(c.at, uint32(raw)*asm.InstructionSize)
		raw += int(ins.Width())
	}
	var out bytes.Buffer
	for i, ins := range p.Insns {
		at := int(c.at[i] / asm.InstructionSize)
		switch name := ins.Reference(); {
		case ins.IsFunctionReference():
			return nil, fmt.Errorf("instruction %d refers to the function %q: functions are expanded in place", i, name)
		case ins.IsLoadFromMap():
			if name == "" {
				return nil, fmt.Errorf("instruction %d loads from a map without a name", i)
			}
			data := name == ir.DataMap || name == ir.ConstMap
			if data != (ins.Src == asm.PseudoMapValue) {
				return nil, fmt.Errorf("instruction %d: %s: only data is loaded from by its place, and only so", i, name)
			}
			c.refs = append(c.refs, reference{at: c.at[i], name: name})
			ins.Constant = int64(uint64(ins.Constant) >> 32) // the offset; 0 of a map
			ins.Src = asm.R0
		case name == "":
		case ins.OpCode.Class().IsJump() && ins.Offset == -1:
			target, ok := symbols[name]
			if !ok {
				return nil, fmt.Errorf("instruction %d jumps to %q, which is nowhere", i, name)
			}
			distance := target - at - 1
			if distance < math.MinInt16 || distance > math.MaxInt16 {
				return nil, &TooLongError{Program: p.Name, Line: p.lineOf(i), Insns: raw}
			}
			ins.Offset = int16(distance)
		default:
			return nil, fmt.Errorf("instruction %d (%v) cannot refer to %q", i, ins.OpCode, name)
		}
		if _, err := ins.Marshal(&out, order); err != nil {
			return nil, fmt.Errorf("instruction %d: %w", i, err)
		}
	}
	c.bytes = out.Bytes()
	return c, nil
}
