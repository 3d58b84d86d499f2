package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// noWakeup keeps a record from waking its reader, which looks often enough by
// itself (BPF_RB_NO_WAKEUP, include/uapi/linux/bpf.h).
const noWakeup = 1

// print sends a record: its head, then the values as they are computed. The
// record is made on the stack or in working memory and copied by one helper,
// which is cheaper than the two calls it takes to fill it where it goes.
func (h *handler) print(n *ir.Node) {
	site := &h.p.Sites[n.Int]
	slots := make([]ir.Slot, len(site.Slots))
	copy(slots, site.Slots)
	size := 8
	for i, a := range n.Args {
		switch {
		case a.Op == ir.Bytes:
			slots[i].Size = int(a.Int+7) &^ 7
		case a.Type == ir.String:
			slots[i].Size = h.sentSize(a)
		default:
			slots[i].Size = 8
		}
		size += slots[i].Size
	}
	h.p.Sites[n.Int].Slots = slots
	rec := h.memory(size)
	h.head(rec, ir.RecordPrint, n.Int)
	at := 8
	for i, a := range n.Args {
		part := place{rec.At(at), slots[i].Size}
		h.temporary(func() { h.slot(a, part) })
		at += slots[i].Size
	}
	h.send(rec.Mem, size)
}

// sentSize is what a string takes in a record: no more than it can have.
func (h *handler) sentSize(a *ir.Node) int {
	if a.Op == ir.Text {
		return textSize(a.Str)
	}
	return max(a.Size, 8)
}

// slot writes a value into its place in a record.
func (h *handler) slot(a *ir.Node, to place) {
	switch {
	case a.Op == ir.Bytes:
		addr := h.number(a.Args[0])
		h.fetch(a, a.Mem, to.Mem, int(a.Int), addr, 0)
		if rest := int(a.Int) & 7; rest != 0 {
			for at := int(a.Int); at < to.size; at++ {
				h.f.StoreImm(to.At(at), 0, asm.Byte)
			}
		}
	case a.Op == ir.ReadText:
		h.f.StoreImm(to.Mem, 0, asm.DWord)
		h.readText(a, to, to.Base == vcode.None)
	case a.Type == ir.String:
		h.textInto(a, to)
	case a.Op == ir.Const:
		h.f.StoreImm(to.Mem, a.Int, asm.DWord)
	default:
		h.f.Store(to.Mem, h.number(a), asm.DWord)
	}
}

// head writes the first 8 bytes of a record: its kind and its site.
func (h *handler) head(rec place, kind, site int64) {
	f := h.f
	if kind == 0 && site == 0 {
		f.StoreImm(rec.Mem, 0, asm.DWord)
		return
	}
	f.StoreImm(rec.Mem, kind, asm.Word)
	f.StoreImm(rec.At(4), site, asm.Word)
}

// send passes a record to user space; one that finds no place is counted.
func (h *handler) send(rec vcode.Mem, size int) {
	f := h.f
	h.ring = true
	failed, ok := f.Reg(), f.Label()
	f.Call(asm.FnRingbufOutput, failed, vcode.M(ir.RingMap), vcode.A(rec), vcode.N(int64(size)), vcode.N(noWakeup))
	f.JumpImm(asm.JEq, failed, 0, ok)
	h.count(ir.ControlLost)
	f.Bind(ok)
}

// state sets the script's state.
func (h *handler) state(to int64) {
	word := h.f.Reg()
	h.f.Data(word, ir.DataMap, ir.ControlState)
	h.f.StoreImm(vcode.Mem{Base: word}, to, asm.DWord)
}

// sendError ends the script for the error whose site is in h.code.
func (h *handler) sendError() {
	f := h.f
	h.temporary(func() {
		rec := h.memory(8)
		f.StoreImm(rec.Mem, ir.RecordError, asm.Word)
		f.Store(rec.At(4), h.code, asm.Word)
		h.state(ir.Failed)
		h.send(rec.Mem, 8)
	})
}

// failWith is error("…").
func (h *handler) failWith(n *ir.Node) {
	f := h.f
	text := h.text(n.Args[0])
	if len(h.attempts) > 0 {
		a := h.attempts[len(h.attempts)-1]
		if a.message != nil {
			h.copyText(a.message.text, text)
		}
		f.Goto(a.catch)
		return
	}
	h.need.stops = true
	site := &h.p.Sites[n.Int]
	site.Slots = []ir.Slot{{Type: ir.String, Size: text.size}}
	rec := h.memory(8 + text.size)
	h.head(rec, ir.RecordError, n.Int)
	h.copyText(place{rec.At(8), text.size}, text)
	h.state(ir.Failed)
	h.send(rec.Mem, 8+text.size)
	f.Goto(h.exit)
}

// exitScript is exit(): the handler goes on to its end.
func (h *handler) exitScript() {
	h.need.stops = true
	h.temporary(func() {
		rec := h.memory(8)
		h.head(rec, ir.RecordExit, 0)
		h.state(ir.Exiting)
		h.send(rec.Mem, 8)
	})
}
