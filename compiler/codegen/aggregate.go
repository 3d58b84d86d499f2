package codegen

import (
	"github.com/cilium/ebpf/asm"

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
			h.divideNumbers(asm.Div, d, sum, count)
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
		h.bucket(at.At(l.Log), h.logBucket(v), ir.LogBuckets, alone)
	}
	if l.Linear >= 0 {
		h.bucket(at.At(l.Linear), h.linearBucket(a, v), a.Buckets(), alone)
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

// addSquare adds the 128 bits of v*v: with v = 2^32 a + b, that is
// 2^64 a² + 2^33 ab + b².
func (h *handler) addSquare(l ir.Layout, at vcode.Mem, v vcode.Reg, alone bool) {
	f := h.f
	reg := func(from vcode.Reg) vcode.Reg { r := f.Reg(); f.Mov(r, from); return r }
	u := reg(v)
	h.absolute(u)
	a, b := reg(u), f.Reg()
	f.ALUImm(asm.RSh, a, 32)
	f.Trunc(b, u)
	ab := reg(a)
	f.ALU(asm.Mul, ab, b)
	low, high := reg(b), reg(a)
	f.ALU(asm.Mul, low, b)
	f.ALU(asm.Mul, high, a)
	// 2^33 ab: its upper 31 bits belong to the high word.
	part := reg(ab)
	f.ALUImm(asm.RSh, part, 31)
	f.ALU(asm.Add, high, part)
	f.ALUImm(asm.LSh, ab, 33)
	h.addCarry(low, ab, high)
	old := f.Reg()
	if !alone && h.fetches {
		// Whoever carries, carries once: the words are right in the end, if not
		// at each moment.
		f.Mov(old, low)
		f.Atomic(asm.FetchAdd, at.At(l.SquaresLow), old)
		h.addCarry(low, old, high)
		f.Atomic(asm.AddAtomic, at.At(l.SquaresHigh), high)
		return
	}
	f.Load(old, at.At(l.SquaresLow), asm.DWord)
	h.addCarry(low, old, high)
	f.Store(at.At(l.SquaresLow), low, asm.DWord)
	f.Load(old, at.At(l.SquaresHigh), asm.DWord)
	f.ALU(asm.Add, old, high)
	f.Store(at.At(l.SquaresHigh), old, asm.DWord)
}

// addCarry is low += x, and high += 1 when that went over.
func (h *handler) addCarry(low, x, high vcode.Reg) {
	f := h.f
	done := f.Label()
	f.ALU(asm.Add, low, x)
	f.Jump(asm.JGE, low, x, done)
	f.ALUImm(asm.Add, high, 1)
	f.Bind(done)
}

// logBucket is the number of v's bucket in a logarithmic histogram: 64 for 0,
// 64 and the number of bits for a positive value, 64 less them for a negative
// one. It has no branches, for the verifier would follow each way to the end.
func (h *handler) logBucket(v vcode.Reg) vcode.Reg {
	f := h.f
	reg := func(from vcode.Reg) vcode.Reg { r := f.Reg(); f.Mov(r, from); return r }
	sign := reg(v)
	f.ALUImm(asm.ArSh, sign, 63) // 0 or -1
	u := reg(v)
	f.ALU(asm.Xor, u, sign)
	f.ALU(asm.Sub, u, sign)
	n := f.Reg()
	f.MovImm(n, 0)
	for step := int64(5); step >= 0; step-- {
		k := int64(1) << step
		// t is k when there is something in the upper bits, else 0.
		t := reg(u)
		f.ALUImm(asm.RSh, t, k)
		f.Neg(t) // of 63 bits at most: negative unless 0
		f.ALUImm(asm.RSh, t, 63)
		if step > 0 {
			f.ALUImm(asm.LSh, t, step)
		}
		f.ALU(asm.RSh, u, t)
		f.ALU(asm.Add, n, t)
	}
	// What is left is 1, or 0 for v = 0.
	f.ALU(asm.Add, n, u)
	f.ALU(asm.Xor, n, sign)
	f.ALU(asm.Sub, n, sign)
	f.ALUImm(asm.Add, n, ir.LogZero)
	return n
}

// linearBucket is the number of v's bucket: 0 below the range, the last above.
func (h *handler) linearBucket(a *ir.Aggregate, v vcode.Reg) vcode.Reg {
	f := h.f
	n, below, done := f.Reg(), f.Label(), f.Label()
	last := int64(a.Buckets() - 1)
	f.Mov(n, v)
	f.ALUImm(asm.Sub, n, a.Start)
	f.JumpImm(asm.JSLT, n, 0, below)
	f.ALUImm(asm.Div, n, a.Width)
	f.ALUImm(asm.Add, n, 1)
	f.JumpImm(asm.JLE, n, last, done)
	f.MovImm(n, last)
	f.Goto(done)
	f.Bind(below)
	f.MovImm(n, 0)
	f.Bind(done)
	return n
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
