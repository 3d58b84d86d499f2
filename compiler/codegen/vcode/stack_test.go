package vcode

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf/asm"
)

// crowded is a program of groups of registers that are all alive at once, across
// a call.
func crowded(groups, size int) *Func {
	f := New()
	for range groups {
		regs := make([]Reg, size)
		for i := range regs {
			regs[i] = f.Reg()
			f.Call(asm.FnKtimeGetNs, regs[i])
		}
		for _, r := range regs[1:] {
			f.ALU(asm.Add, regs[0], r)
		}
		f.Store(f.Stack(8), regs[0], asm.DWord)
		f.Release(0)
	}
	f.Exit()
	return f
}

// Registers that are not alive together share places on the stack.
func TestPlacesAreShared(t *testing.T) {
	insns, _, err := crowded(50, 20).Emit()
	if err != nil {
		t.Fatal(err)
	}
	low := int16(0)
	for _, i := range insns {
		if i.OpCode.Class() == asm.StXClass && i.Dst == asm.R10 {
			low = min(low, i.Offset)
		}
	}
	// 20 values of which 4 have registers, and what is stored at the end.
	if low < -8*20 {
		t.Errorf("%d bytes of stack", -low)
	}
	if _, _, err := crowded(1, 80).Emit(); !errors.Is(err, ErrStack) {
		t.Errorf("80 values at once: %v", err)
	}
}

// A register that must stay one does, whatever else goes.
func TestNear(t *testing.T) {
	f := New()
	var others []Reg
	for range 12 {
		r := f.Reg()
		f.Call(asm.FnKtimeGetNs, r)
		others = append(others, r)
	}
	near, end := f.Near(), f.Label()
	f.Mov(near, others[0])
	f.JumpImm(asm.JGT, near, 7, end)
	for _, r := range others {
		f.ALU(asm.Add, near, r)
	}
	f.Bind(end)
	f.Store(f.Stack(8), near, asm.DWord)
	f.Exit()
	insns, _, err := f.Emit()
	if err != nil {
		t.Fatal(err)
	}
	// It is compared and added to in one register.
	var reg asm.Register
	for _, i := range insns {
		switch {
		case i.OpCode.JumpOp() == asm.JGT:
			reg = i.Dst
		case reg != 0 && i.OpCode.Class().IsALU() && i.OpCode.ALUOp() == asm.Add && i.Dst != reg:
			t.Errorf("%v: what was compared is in %v", i, reg)
		}
	}
	if reg == 0 {
		t.Error("nothing is compared")
	}
}
