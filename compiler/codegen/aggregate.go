package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/arith"
	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// checkVariances refuses the variance of an aggregate that handlers share, where
// the kernel has no means to keep it.
func (g *generator) checkVariances() {
	for i := range g.p.Globals {
		v := &g.p.Globals[i]
		if n := g.shared[i]; n != nil && v.Stats.Variance && !g.fetches {
			g.fail(n.Line, n.Column, "read it in timer or end probes only",
				"the variance of %s cannot be kept where a probe in the kernel reads or deletes it: its sum of squares has 128 bits, which several CPUs cannot change at once before 5.12", v.Name)
		}
	}
}

// statAdd is "<<<". The words of an aggregate belong to one CPU. When just one
// program adds to it, and that is never inside itself, plain instructions do.
func (h *handler) statAdd(n *ir.Node) {
	f := h.f
	to := n.Args[0]
	g := &h.p.Globals[to.Int]
	skip := f.Label()
	var p, v vcode.Reg
	if g.Array() {
		key := h.key(to)
		v = h.copied(n.Args[1])
		p = h.statElement(to, g, key, skip)
	} else {
		v = h.copied(n.Args[1])
		key := f.Stack(8)
		f.StoreImm(key, 0, asm.Word)
		p = h.lookup(g, key)
		f.JumpImm(asm.JEq, p, 0, skip)
	}
	h.statWords(g.Stats, vcode.Mem{Base: p}, v, h.alone(int(to.Int)))
	f.Bind(skip)
}

// alone reports whether only this handler adds to a global, and never inside
// itself.
func (h *handler) alone(global int) bool {
	return h.shared[global] == nil && h.adders[global] == 1 && (h.guarded || h.probe.Kind != ir.RawTracepoint)
}

// stat reads a shared aggregate. The least, the greatest and the average of
// nothing are errors, as in SystemTap.
func (h *handler) stat(n *ir.Node, d vcode.Reg) {
	f := h.f
	to := n.Args[0]
	g := &h.p.Globals[to.Int]
	l := g.Stats.Layout()
	h.temporary(func() {
		var key vcode.Mem
		if g.Array() {
			key = h.key(to)
		} else {
			key = f.Stack(8)
			f.StoreImm(key, 0, asm.Word)
		}
		p := h.lookup(g, key)
		count, sum, end := f.Reg(), f.Reg(), f.Label()
		f.MovImm(count, 0)
		f.MovImm(sum, 0)
		f.JumpImm(asm.JEq, p, 0, end)
		f.Load(count, vcode.Mem{Base: p, Off: l.Count}, asm.DWord)
		if off, ok := map[string]int{"sum": l.Sum, "avg": l.Sum, "min": l.Min, "max": l.Max}[n.Str]; ok {
			f.Load(sum, vcode.Mem{Base: p, Off: off}, asm.DWord)
		}
		f.Bind(end)
		switch n.Str {
		case "count":
			f.Mov(d, count)
			return
		case "sum":
			f.Mov(d, sum)
			return
		}
		h.faultUnless(n, asm.JNE, count, 0, "empty aggregate")
		if n.Str == "avg" {
			arith.Divide(f, asm.Div, d, sum, count)
			return
		}
		switch n.Str {
		case "min":
			h.exclusiveOr(sum, ir.MinWord(0))
		case "max":
			h.exclusiveOr(sum, ir.MaxWord(0))
		}
		f.Mov(d, sum)
	})
}

// exclusiveOr changes r by a number that may be larger than an immediate one.
func (h *handler) exclusiveOr(r vcode.Reg, by int64) {
	t := h.f.Reg()
	h.f.MovImm(t, by)
	h.f.ALU(asm.Xor, r, t)
}

// statElement finds an element's aggregate on this CPU, made where there is
// none.
func (h *handler) statElement(n *ir.Node, g *ir.Global, key vcode.Mem, skip vcode.Label) vcode.Reg {
	f := h.f
	h.zero(g.Size)
	p, found := f.Reg(), f.Label()
	f.Call(asm.FnMapLookupElem, p, vcode.M(g.Name), vcode.A(key))
	f.JumpImm(asm.JNE, p, 0, found)
	zeros, failed, made := f.Reg(), f.Reg(), f.Label()
	f.Data(zeros, ir.ConstMap, 0)
	f.Call(asm.FnMapUpdateElem, failed, vcode.M(g.Name), vcode.A(key), vcode.R(zeros), vcode.N(updateNew))
	f.JumpImm32(asm.JEq, failed, errExists, made)
	h.updated(n, g, failed)
	f.Bind(made)
	f.Call(asm.FnMapLookupElem, p, vcode.M(g.Name), vcode.A(key))
	f.JumpImm(asm.JNE, p, 0, found)
	h.count(ir.ControlSkipped)
	f.Goto(skip)
	f.Bind(found)
	return p
}

// statWords adds a value to the words of an aggregate.
func (h *handler) statWords(a *ir.Aggregate, at vcode.Mem, v vcode.Reg, alone bool) {
	l := a.Layout()
	if l.Min >= 0 || l.Max >= 0 {
		h.extremes(l, at, v, alone)
	}
	h.countAt(at.At(l.Count), alone)
	if l.Sum >= 0 {
		h.increase(at.At(l.Sum), v, alone)
	}
	if l.SquaresLow >= 0 {
		h.addSquare(l, at, v, alone)
	}
	if l.Log >= 0 {
		h.bucket(at.At(l.Log), arith.LogBucket(h.f, v), ir.LogBuckets, alone)
	}
	if l.Linear >= 0 {
		h.bucket(at.At(l.Linear), arith.LinearBucket(h.f, a, v), a.Buckets(), alone)
	}
}

func (h *handler) increase(at vcode.Mem, by vcode.Reg, alone bool) {
	f := h.f
	if !alone {
		f.Atomic(asm.AddAtomic, at, by)
		return
	}
	t := f.Reg()
	f.Load(t, at, asm.DWord)
	f.ALU(asm.Add, t, by)
	f.Store(at, t, asm.DWord)
}

// countAt adds one.
func (h *handler) countAt(at vcode.Mem, alone bool) {
	f := h.f
	t := f.Reg()
	if !alone {
		f.MovImm(t, 1)
		f.Atomic(asm.AddAtomic, at, t)
		return
	}
	f.Load(t, at, asm.DWord)
	f.ALUImm(asm.Add, t, 1)
	f.Store(at, t, asm.DWord)
}

// maxSwaps is how often a new least or greatest value is offered. It is
// refused only when another program put a better one there in between.
const maxSwaps = 16

// extremes keeps the least and the greatest value, as ir.MinWord and ir.MaxWord
// have them.
func (h *handler) extremes(l ir.Layout, at vcode.Mem, v vcode.Reg, alone bool) {
	f := h.f
	for _, e := range []struct {
		off   int
		zeros int64
	}{{l.Min, ir.MinWord(0)}, {l.Max, ir.MaxWord(0)}} {
		if e.off < 0 {
			continue
		}
		word, now, done := f.Reg(), f.Reg(), f.Label()
		f.Mov(word, v)
		h.exclusiveOr(word, e.zeros)
		f.Load(now, at.At(e.off), asm.DWord)
		f.Jump(asm.JLE, word, now, done)
		if alone || !h.fetches {
			// Before 5.12 nothing else does, and of two programs at once one may
			// go unseen.
			f.Store(at.At(e.off), word, asm.DWord)
		} else {
			h.swapUp(at.At(e.off), word, now, done)
		}
		f.Bind(done)
	}
}

// swapUp puts word in the place of now, and goes to done when it is there, or
// something greater.
func (h *handler) swapUp(at vcode.Mem, word, now vcode.Reg, done vcode.Label) {
	f := h.f
	again, tries, found := f.Label(), f.Reg(), f.Reg()
	f.MovImm(tries, maxSwaps)
	f.Bind(again)
	f.CompareSwap(found, at, now, word)
	f.Jump(asm.JEq, found, now, done)
	f.Mov(now, found)
	f.Jump(asm.JLE, word, now, done)
	f.ALUImm(asm.Sub, tries, 1)
	f.JumpImm(asm.JNE, tries, 0, again)
	h.count(ir.ControlSkipped)
}

// addSquare adds the 128 bits of v*v.
func (h *handler) addSquare(l ir.Layout, at vcode.Mem, v vcode.Reg, alone bool) {
	f := h.f
	low, high := arith.Square(f, v)
	old := f.Reg()
	if !alone && h.fetches {
		// Whoever carries, carries once: the words are right in the end, if not
		// at each moment.
		f.Mov(old, low)
		f.Atomic(asm.FetchAdd, at.At(l.SquaresLow), old)
		arith.AddCarry(f, low, old, high)
		f.Atomic(asm.AddAtomic, at.At(l.SquaresHigh), high)
		return
	}
	f.Load(old, at.At(l.SquaresLow), asm.DWord)
	arith.AddCarry(f, low, old, high)
	f.Store(at.At(l.SquaresLow), low, asm.DWord)
	f.Load(old, at.At(l.SquaresHigh), asm.DWord)
	f.ALU(asm.Add, old, high)
	f.Store(at.At(l.SquaresHigh), old, asm.DWord)
}

// bucket counts in one of the words at a place.
func (h *handler) bucket(at vcode.Mem, n vcode.Reg, count int, alone bool) {
	f := h.f
	skip := f.Label()
	p, i := f.Reg(), f.Near()
	f.Mov(p, at.Base)
	f.Mov(i, n)
	f.JumpImm(asm.JGE, i, int64(count), skip)
	f.ALUImm(asm.LSh, i, 3)
	f.ALU(asm.Add, p, i)
	h.countAt(vcode.Mem{Base: p, Off: at.Off}, alone)
	f.Bind(skip)
}
