package codegen

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/plan"
	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Flags of bpf_map_update_elem and its errors (include/uapi/linux/bpf.h,
// include/uapi/asm-generic/errno-base.h). Before 6.4 the functions behind it
// return an int: the upper half of the result is anything.
const (
	updateAny   = 0
	updateNew   = 1 // BPF_NOEXIST
	errTooBig   = -7
	errNoMemory = -12
	errExists   = -17
)

// key lays the keys of an element out.
func (h *handler) key(n *ir.Node) vcode.Mem {
	g := &h.p.Globals[n.Int]
	p := h.memory(g.KeySize())
	at := 0
	for i, k := range n.Args {
		part := place{p.At(at), g.KeySizes[i]}
		switch {
		case g.Keys[i] == ir.String:
			h.textInto(k, part)
		case k.Op == ir.Const:
			h.f.StoreImm(part.Mem, k.Int, asm.DWord)
		default:
			h.f.Store(part.Mem, h.number(k), asm.DWord)
		}
		at += g.KeySizes[i]
	}
	return p.Mem
}

// lookup finds an element's value; 0 when there is none.
func (h *handler) lookup(g *ir.Global, key vcode.Mem) vcode.Reg {
	r := h.f.Reg()
	h.f.Call(asm.FnMapLookupElem, r, vcode.M(g.Name), vcode.A(key))
	return r
}

// elementInto reads an element of type Long.
func (h *handler) elementInto(n *ir.Node, d vcode.Reg) {
	f := h.f
	h.temporary(func() {
		p := h.lookup(&h.p.Globals[n.Int], h.key(n))
		t, end := f.Reg(), f.Label()
		f.MovImm(t, 0)
		f.JumpImm(asm.JEq, p, 0, end)
		f.Load(t, vcode.Mem{Base: p}, asm.DWord)
		f.Bind(end)
		f.Mov(d, t)
	})
}

// set assigns. Of a Long it gives the register that the value is in.
func (h *handler) set(n *ir.Node) vcode.Reg {
	f := h.f
	to, value := n.Args[0], n.Args[1]
	r := vcode.None
	switch {
	case to.Op == ir.GetLoc && value.Type == ir.String:
		h.assignText(to.Int, value)
	case to.Op == ir.GetLoc:
		r = h.frame.locals[to.Int].reg
		h.assign(r, value)
	case to.Op == ir.GetGlo && value.Type == ir.String:
		h.temporary(func() {
			from := h.text(value)
			base := f.Reg()
			f.Data(base, ir.DataMap, h.p.Globals[to.Int].Offset)
			h.copyText(place{vcode.Mem{Base: base}, h.p.Globals[to.Int].Size}, from)
		})
	case to.Op == ir.GetGlo:
		base := f.Reg()
		r = h.number(value)
		f.Data(base, ir.DataMap, h.p.Globals[to.Int].Offset)
		f.Store(vcode.Mem{Base: base}, r, asm.DWord)
	default:
		h.temporary(func() { r, _ = h.setElement(to, value) })
	}
	return r
}

// assignText sets a variable; the value may read it.
func (h *handler) assignText(local int64, value *ir.Node) {
	to := h.frame.locals[local].text
	if !h.spoils(value, local) {
		h.textInto(value, to)
		return
	}
	h.temporary(func() {
		own := h.memory(to.size)
		h.textInto(value, own)
		h.copyText(to, own)
	})
}

// spoils reports whether a value may fail, or want the variable that it is
// computed into, when that has lost what it was: a string of the kernel's memory
// is read where it goes.
func (h *handler) spoils(value *ir.Node, local int64) bool {
	switch value.Op {
	case ir.Choose:
		return h.spoils(value.Args[1], local) || h.spoils(value.Args[2], local)
	case ir.ReadText:
		if len(value.Args) < 2 {
			return len(h.attempts) > 0
		}
		otherwise := value.Args[1]
		return plan.Mentions(otherwise, local) || len(h.attempts) > 0 && plan.Acts(otherwise)
	}
	return false
}

// setText assigns a String and tells where it is.
func (h *handler) setText(n *ir.Node) place {
	if n.Args[0].Op == ir.Elem {
		_, p := h.setElement(n.Args[0], n.Args[1])
		return p
	}
	h.set(n)
	return h.text(n.Args[0])
}

// assign sets a variable; the value may read it.
func (h *handler) assign(r vcode.Reg, value *ir.Node) {
	t := h.f.Reg()
	h.numberInto(value, t)
	h.f.Mov(r, t)
}

// setElement assigns an element; the value is in the register, of a Long, and
// at the place.
func (h *handler) setElement(to, value *ir.Node) (vcode.Reg, place) {
	g := &h.p.Globals[to.Int]
	key := h.key(to)
	p := h.memory(g.Size)
	r := vcode.None
	switch {
	case value.Type == ir.String:
		h.textInto(value, p)
	case value.Op == ir.Const:
		h.f.StoreImm(p.Mem, value.Int, asm.DWord)
		r = h.number(value)
	default:
		r = h.number(value)
		h.f.Store(p.Mem, r, asm.DWord)
	}
	failed := h.f.Reg()
	h.f.Call(asm.FnMapUpdateElem, failed, vcode.M(g.Name), vcode.A(key), vcode.A(p.Mem), vcode.N(updateAny))
	h.updated(to, g, failed)
	return r, p
}

// updated goes on when an update of a map succeeded; a full array is an error,
// anything else (the map is busy on this CPU) is counted as skipped.
func (h *handler) updated(n *ir.Node, g *ir.Global, failed vcode.Reg) {
	f := h.f
	ok, busy := f.Label(), f.Label()
	f.JumpImm32(asm.JEq, failed, 0, ok)
	if !g.Wraps {
		full := f.Label()
		f.JumpImm32(asm.JEq, failed, errTooBig, full)
		f.JumpImm32(asm.JNE, failed, errNoMemory, busy)
		f.Bind(full)
		h.fault(n, fullText(g))
	}
	f.Bind(busy)
	h.count(ir.ControlSkipped)
	f.Bind(ok)
}

func fullText(g *ir.Global) string {
	return fmt.Sprintf("array %s is full: it has %d elements; declare it larger, as in \"global %s[%d]\"", g.Name, g.Max, g.Name, 4*g.Max)
}

var atomics = map[ir.Op]asm.AtomicOp{ir.Add: asm.AddAtomic, ir.Sub: asm.AddAtomic, ir.And: asm.AndAtomic, ir.Or: asm.OrAtomic, ir.Xor: asm.XorAtomic}

// atomic reports whether an update is one instruction on the target's kernel.
func (h *handler) atomic(op ir.Op) bool {
	return op == ir.Add || op == ir.Sub || h.fetches && (op == ir.And || op == ir.Or || op == ir.Xor)
}

// update is "x op= y" and "x++"; wanted says whether its value is, and then the
// register has it: the new value, or the old one.
func (h *handler) update(n *ir.Node, wanted bool) vcode.Reg {
	to, y := n.Args[0], n.Args[1]
	switch to.Op {
	case ir.GetLoc:
		r := h.frame.locals[to.Int].reg
		old := h.f.Reg()
		if n.Old {
			h.f.Mov(old, r)
		}
		t := h.f.Reg()
		h.combine(n, t, r, y)
		h.f.Mov(r, t)
		if n.Old {
			return old
		}
		return r
	case ir.GetGlo:
		operand := h.number(y)
		base := h.f.Reg()
		h.f.Data(base, ir.DataMap, h.p.Globals[to.Int].Offset)
		return h.updateAt(n, vcode.Mem{Base: base}, operand, wanted)
	}
	var result vcode.Reg
	h.temporary(func() { result = h.updateElement(n, wanted) })
	return result
}

// combine is d = x op y for any of Update's operators.
func (h *handler) combine(n *ir.Node, d, x vcode.Reg, y *ir.Node) {
	if n.How == ir.Div || n.How == ir.Mod {
		if plan.Changes(y) {
			y = h.held(h.number(y)) // x is read after it, as in operate
		}
		h.divide(&ir.Node{Op: n.How, Type: ir.Long, Line: n.Line, Column: n.Column, Args: []*ir.Node{h.held(x), y}}, d)
		return
	}
	h.operate(n.How, d, x, y)
}

// held is a node for a register that has been computed.
func (h *handler) held(r vcode.Reg) *ir.Node {
	h.frame.locals = append(h.frame.locals, variable{reg: r})
	return &ir.Node{Op: ir.GetLoc, Type: ir.Long, Int: int64(len(h.frame.locals) - 1)}
}

// updateAt changes a Long in shared memory.
func (h *handler) updateAt(n *ir.Node, at vcode.Mem, operand vcode.Reg, wanted bool) vcode.Reg {
	f := h.f
	if !h.atomic(n.How) {
		old, now := f.Reg(), f.Reg()
		f.Load(old, at, asm.DWord)
		h.combine(n, now, old, h.held(operand))
		f.Store(at, now, asm.DWord)
		if n.Old {
			return old
		}
		return now
	}
	delta := f.Reg()
	f.Mov(delta, operand)
	if n.How == ir.Sub {
		f.Neg(delta)
	}
	op := atomics[n.How]
	if !wanted {
		f.Atomic(op, at, delta)
		return delta
	}
	old := f.Reg()
	if h.fetches {
		f.Mov(old, delta)
		f.Atomic(op|0x100, at, old)
	} else {
		// No instruction gives the old value before 5.12: what is added is
		// exact, what is seen may be another CPU's moment.
		f.Load(old, at, asm.DWord)
		f.Atomic(op, at, delta)
	}
	if n.Old {
		return old
	}
	now := f.Reg()
	f.Mov(now, old)
	if n.How == ir.Sub {
		f.ALU(asm.Add, now, delta)
	} else {
		f.ALU(operations[n.How], now, delta)
	}
	return now
}

// updateElement changes an element, which is made where there is none. When
// another CPU makes it at the same time, that one's is changed.
func (h *handler) updateElement(n *ir.Node, wanted bool) vcode.Reg {
	f := h.f
	to := n.Args[0]
	g := &h.p.Globals[to.Int]
	key := h.key(to)
	operand := h.number(n.Args[1])
	result := f.Reg()
	found, done := f.Label(), f.Label()
	p := f.Reg()
	f.Call(asm.FnMapLookupElem, p, vcode.M(g.Name), vcode.A(key))
	f.JumpImm(asm.JNE, p, 0, found)

	fresh, old := f.Reg(), f.Reg()
	f.MovImm(old, 0)
	if n.How == ir.Add {
		f.Mov(fresh, operand)
	} else {
		h.combine(n, fresh, old, h.held(operand))
	}
	value := h.memory(8)
	f.Store(value.Mem, fresh, asm.DWord)
	failed := f.Reg()
	f.Call(asm.FnMapUpdateElem, failed, vcode.M(g.Name), vcode.A(key), vcode.A(value.Mem), vcode.N(updateNew))
	again := f.Label()
	f.JumpImm32(asm.JEq, failed, errExists, again)
	h.updated(to, g, failed)
	if wanted {
		if n.Old {
			f.MovImm(result, 0)
		} else {
			f.Load(result, value.Mem, asm.DWord)
		}
	}
	f.Goto(done)

	f.Bind(again)
	f.Call(asm.FnMapLookupElem, p, vcode.M(g.Name), vcode.A(key))
	f.JumpImm(asm.JNE, p, 0, found)
	// Made and deleted in between.
	h.count(ir.ControlSkipped)
	if wanted {
		f.MovImm(result, 0)
	}
	f.Goto(done)

	f.Bind(found)
	r := h.updateAt(n, vcode.Mem{Base: p}, operand, wanted)
	if wanted {
		f.Mov(result, r)
	}
	f.Bind(done)
	return result
}

// delete takes an element out, or resets a global.
func (h *handler) delete(n *ir.Node) {
	f := h.f
	if len(n.Args) == 0 {
		h.refuse(n, "delete of a whole array")
		return
	}
	x := n.Args[0]
	g := &h.p.Globals[x.Int]
	switch {
	case x.Op == ir.Elem:
		f.Call(asm.FnMapDeleteElem, vcode.None, vcode.M(g.Name), vcode.A(h.key(x)))
	case x.Op == ir.GetGlo && g.Type == ir.Stats:
		key := f.Stack(8)
		f.StoreImm(key, 0, asm.Word)
		h.zero(g.Size)
		zeros := f.Reg()
		f.Data(zeros, ir.ConstMap, 0)
		f.Call(asm.FnMapUpdateElem, vcode.None, vcode.M(g.Name), vcode.A(key), vcode.R(zeros), vcode.N(updateAny))
	case x.Op == ir.GetGlo:
		base := f.Reg()
		f.Data(base, ir.DataMap, g.Offset)
		if g.Type == ir.String {
			h.clear(place{vcode.Mem{Base: base}, g.Size})
		} else {
			f.StoreImm(vcode.Mem{Base: base}, 0, asm.DWord)
		}
	}
}
