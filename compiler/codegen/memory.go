package codegen

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"

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

// maxRun is how many bytes are read at once at most: a few cache lines cost
// about what one call of the helper does.
const maxRun = 64

// together is a run of members that are read at once.
type together struct {
	place
	from int64 // the offset of its first byte
	done bool
}

// readTogether finds members that a statement reads anyway, relative to one
// address: those that lie near each other are read with one call, where the
// first of them is wanted.
func (h *handler) readTogether(n *ir.Node) {
	var groups []string
	byKey := map[string][]*ir.Node{}
	collect(n, func(load *ir.Node) {
		key, ok := pureKey(load.Args[0], !changes(n))
		if !ok {
			return
		}
		if load.Mem.User {
			key = "user " + key
		}
		if byKey[key] == nil {
			groups = append(groups, key)
		}
		byKey[key] = append(byKey[key], load)
	})
	for _, key := range groups {
		loads := byKey[key]
		slices.SortStableFunc(loads, func(a, b *ir.Node) int { return cmp.Compare(a.Int, b.Int) })
		for len(loads) > 0 {
			first := loads[0]
			end, count := first.Int+int64(first.Mem.Size), 1
			for count < len(loads) {
				l := loads[count]
				if e := l.Int + int64(l.Mem.Size); e-first.Int > maxRun {
					break
				} else if e > end {
					end = e
				}
				count++
			}
			if count > 1 {
				h.run(loads[:count], int(end-first.Int))
			}
			loads = loads[count:]
		}
	}
}

// run takes memory for some loads that are read at once.
func (h *handler) run(loads []*ir.Node, size int) {
	// Loads want their values aligned, as the members are in memory.
	from := loads[0].Int
	shift := int(uint64(from) & 7)
	t := &together{place: place{h.memory(size + shift).At(shift), size}, from: from}
	for _, l := range loads {
		h.together[l] = t
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

// collect calls see for each load that is computed whenever n is, those that
// others depend on first. Loads behind something that has effects are left out.
func collect(n *ir.Node, see func(*ir.Node)) {
	if n == nil {
		return
	}
	switch n.Op {
	case ir.AndAnd, ir.OrOr, ir.Choose:
		collect(n.Args[0], see)
		return
	case ir.Call:
		for _, a := range n.Args {
			collect(a, see)
		}
		return
	}
	for _, a := range n.Args {
		collect(a, see)
	}
	if n.Op == ir.Load && n.Mem.BitSize == 0 {
		see(n)
	}
}

// pureKey names an address that stays the same while a statement runs; variables
// are such where the statement assigns none.
func pureKey(n *ir.Node, locals bool) (string, bool) {
	switch n.Op {
	case ir.GetLoc:
		return fmt.Sprintf("local%d", n.Int), locals
	case ir.Arg:
		return fmt.Sprintf("arg%d.%d", n.Int, n.Mem.Size), true
	case ir.Const:
		return fmt.Sprintf("%d", n.Int), true
	case ir.Builtin:
		if n.Str == "task_current" {
			return n.Str, true
		}
	case ir.Load:
		if key, ok := pureKey(n.Args[0], locals); ok && n.Mem.BitSize == 0 {
			return fmt.Sprintf("(%s)+%d.%d.%v", key, n.Int, n.Mem.Size, n.Mem.User), true
		}
	case ir.Add:
		a, ok := pureKey(n.Args[0], locals)
		b, also := pureKey(n.Args[1], locals)
		if ok && also {
			return a + "+" + b, true
		}
	}
	return "", false
}
