package codegen

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/plan"
	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

var sizes = map[int]asm.Size{1: asm.Byte, 2: asm.Half, 4: asm.Word, 8: asm.DWord}

// arg reads a value of the context.
func (h *handler) arg(n *ir.Node, d vcode.Reg) {
	h.value(vcode.Mem{Base: h.ctx, Off: int(n.Int)}, n.Mem, d)
}

// value reads what m describes from memory that may be read directly.
func (h *handler) value(at vcode.Mem, m *ir.Mem, d vcode.Reg) {
	f := h.f
	if m.BitSize > 0 {
		h.bitfield(at, m, d)
		return
	}
	f.Load(d, at, sizes[m.Size])
	if m.Signed && m.Size < 8 {
		shift := int64(64 - 8*m.Size)
		f.ALUImm(asm.LSh, d, shift)
		f.ALUImm(asm.ArSh, d, shift)
	}
}

// bitfield reads a bitfield from a place of 8 bytes, or 9 when it is spread
// over so many. Its first bit counts from the least significant one of the first byte
// on a little-endian machine and from the most significant one on a big-endian
// one, so the bits lie together in the word that the machine loads.
func (h *handler) bitfield(at vcode.Mem, m *ir.Mem, d vcode.Reg) {
	f := h.f
	little := h.order == binary.LittleEndian
	f.Load(d, at, asm.DWord)
	up := 64 - m.BitOffset - m.BitSize // to bring its highest bit to the top
	if !little {
		up = m.BitOffset
	}
	if rest := m.BitOffset + m.BitSize - 64; rest > 0 {
		// The last bits are in the ninth byte.
		last := f.Reg()
		f.Load(last, at.At(8), asm.Byte)
		if little {
			f.ALUImm(asm.RSh, d, int64(m.BitOffset))
			f.ALUImm(asm.LSh, last, int64(64-m.BitOffset))
			up = 64 - m.BitSize
		} else {
			f.ALUImm(asm.LSh, d, int64(m.BitOffset))
			f.ALUImm(asm.RSh, last, int64(8-m.BitOffset))
			up = 0
		}
		f.ALU(asm.Or, d, last)
	}
	if up > 0 {
		f.ALUImm(asm.LSh, d, int64(up))
	}
	if down := int64(64 - m.BitSize); down > 0 {
		op := asm.RSh
		if m.Signed {
			op = asm.ArSh
		}
		f.ALUImm(op, d, down)
	}
}

func readHelper(m *ir.Mem) asm.BuiltinFunc {
	if m != nil && m.User {
		return asm.FnProbeReadUser
	}
	return asm.FnProbeReadKernel
}

// load reads the kernel's memory.
func (h *handler) load(n *ir.Node, d vcode.Reg) {
	if t, ok := h.together[n]; ok {
		h.readOf(t, n, d)
		return
	}
	h.temporary(func() {
		size := n.Mem.Size
		room := (size + 7) &^ 7
		addr := h.number(n.Args[0])
		p := place{h.f.Stack(room), room}
		if n.Mem.BitSize > 0 {
			h.clear(p) // whole words of it are loaded
		}
		h.fetch(n, n.Mem, p.Mem, size, addr, n.Int)
		h.value(p.Mem, n.Mem, d)
	})
}

// fetch copies size bytes of the kernel's memory at addr plus off.
func (h *handler) fetch(n *ir.Node, m *ir.Mem, to vcode.Mem, size int, addr vcode.Reg, off int64) {
	f := h.f
	from := vcode.R(addr)
	if off != 0 {
		if fits32(off) {
			from = vcode.A(vcode.Mem{Base: addr, Off: int(off)})
		} else {
			t := f.Reg()
			f.Mov(t, addr)
			f.ALUImm(asm.Add, t, off)
			from = vcode.R(t)
		}
	}
	failed := f.Reg()
	f.Call(readHelper(m), failed, vcode.A(to), vcode.N(int64(size)), from)
	h.faultUnless(n, asm.JEq, failed, 0, faultText(m))
}

func faultText(m *ir.Mem) string {
	where := "kernel"
	if m != nil && m.User {
		where = "user"
	}
	if m == nil || m.What == "" {
		return where + " memory cannot be read"
	}
	return fmt.Sprintf("%s memory cannot be read for %s", where, m.What)
}

// together is a run of members that are read at once, into a place.
type together struct {
	place
	from int64 // the offset of its first byte
	done bool
}

// readTogether takes memory for the members that a statement reads at once.
func (h *handler) readTogether(n *ir.Node) {
	for _, run := range plan.Runs(n) {
		// Loads want their values aligned, as the members are in memory.
		shift := int(uint64(run.From) & 7)
		t := &together{place: place{h.memory(run.Size + shift).At(shift), run.Size}, from: run.From}
		for _, l := range run.Loads {
			h.together[l] = t
		}
	}
}

// readOf is a load of a run, which reads all of it if it is the first.
func (h *handler) readOf(t *together, n *ir.Node, d vcode.Reg) {
	if !t.done {
		t.done = true
		h.temporary(func() { h.fetch(n, n.Mem, t.Mem, t.size, h.number(n.Args[0]), t.from) })
	}
	h.value(t.At(int(n.Int-t.from)), n.Mem, d)
}
