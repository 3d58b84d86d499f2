package codegen

import (
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/arith"
	"github.com/tpinfo/tpinfo/compiler/codegen/plan"
	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// builder puts a text together in working memory. Pieces are copied by the
// helper that reads strings, which stops at a NUL, writes one and tells the
// length.
type builder struct {
	h    *handler
	to   place     // where the text grows, and as much behind it as a piece may overhang
	size int       // of the text with its NUL
	off  vcode.Reg // its length so far
	full vcode.Label
	// whole: the pieces behind a text that is full are evaluated still, since
	// they do something.
	whole bool
}

// build computes a Concat or a Sprint.
func (h *handler) build(n *ir.Node) place {
	f := h.f
	size := max(n.Size, 8)
	b := &builder{h: h, size: size, off: f.Reg(), full: f.Label(), whole: plan.Acts(n)}
	b.to = h.working(size + h.p.StringSize)
	h.clear(place{b.to.Mem, size})
	f.MovImm(b.off, 0)
	if n.Op == ir.Concat {
		b.concat(n)
	} else {
		b.format(n)
	}
	f.Bind(b.full)
	f.StoreImm(b.to.At(size-1), 0, asm.Byte)
	return place{b.to.Mem, size}
}

func (b *builder) concat(n *ir.Node) {
	for _, a := range n.Args {
		if a.Op == ir.Concat {
			b.concat(a)
			continue
		}
		b.h.temporary(func() { b.add(b.h.text(a)) })
	}
}

// add appends a text.
func (b *builder) add(p place) { b.addFrom(p.Mem, min(p.size, b.h.p.StringSize)) }

// addFrom appends the text at an address, which has size bytes at most with
// its NUL.
func (b *builder) addFrom(from vcode.Mem, size int) {
	f := b.h.f
	// The verifier must see that the length is in bounds right where it is
	// used, in that very register.
	off, to, n, full := f.Near(), f.Reg(), f.Reg(), b.full
	if b.whole {
		full = f.Label()
	}
	f.Mov(to, b.to.Base)
	f.Mov(off, b.off)
	f.JumpImm(asm.JGT, off, int64(b.size-1), full)
	f.ALU(asm.Add, to, off)
	f.Call(asm.FnProbeReadKernelStr, n, vcode.A(vcode.Mem{Base: to, Off: b.to.Off}), vcode.N(int64(size)), vcode.A(from))
	f.ALUImm(asm.Sub, n, 1)
	f.ALU(asm.Add, b.off, n)
	if b.whole {
		f.Bind(full)
	}
}

// character appends a byte; a NUL ends the text.
func (b *builder) character(n *ir.Node) {
	h, f := b.h, b.h.f
	c, v, some := h.working(8), h.copied(n), f.Label()
	f.ALUImm(asm.And, v, 0xff)
	h.clear(c)
	f.Store(c.Mem, v, asm.Byte)
	b.add(c)
	f.JumpImm(asm.JNE, v, 0, some)
	f.MovImm(b.off, int64(b.size))
	f.Bind(some)
}

// format is sprintf.
func (b *builder) format(n *ir.Node) {
	site := &b.h.p.Sites[n.Int]
	arg := 0
	for _, p := range site.Parts {
		if p.Verb == 0 {
			b.h.temporary(func() { b.add(b.h.constant(p.Text, textSize(p.Text))) })
			continue
		}
		plain := !p.Minus && !p.Plus && !p.Space && p.Prec == ir.NoNumber && p.Width <= 20 && p.Width != ir.FromSlot
		base := map[rune]int64{'d': 10, 'i': 10, 'u': 10, 'x': 16, 'X': 16, 'o': 8, 'p': 16}[p.Verb]
		switch {
		case arg < len(site.Slots) && site.Slots[arg].Render != nil:
			b.h.fail(n, "print it, or do it in a timer or end probe", "%s() makes its text in user space: a probe in the kernel can print it, and not keep it", site.Slots[arg].Render.Call)
		case p.Verb == 's' && plain && p.Width == ir.NoNumber && n.Args[arg].Type == ir.String:
			b.h.temporary(func() { b.add(b.h.text(n.Args[arg])) })
		case base != 0 && plain && n.Args[arg].Type == ir.Long:
			b.h.temporary(func() { b.number(b.h.copied(n.Args[arg]), base, p) })
		case p.Verb == 'c' && plain && !p.Alt && p.Width == ir.NoNumber:
			b.h.temporary(func() { b.character(n.Args[arg]) })
		default:
			b.h.fail(n, "printf formats in user space and knows them all; or do it in a timer or end probe",
				"sprintf in the kernel does not know this form of %%%c", p.Verb)
		}
		arg++
	}
}

// digits is where the last digit of a number stands in its 32 bytes.
const digits = 30

// number appends a number.
func (b *builder) number(v vcode.Reg, base int64, p ir.Part) {
	h, f := b.h, b.h.f
	buf := h.working(32)
	h.clear(buf)
	sign := vcode.None
	if p.Verb == 'd' || p.Verb == 'i' {
		sign = arith.Absolute(h.f, v)
	}
	i, top, done := f.Near(), f.Label(), f.Label()
	f.MovImm(i, digits)
	f.Bind(top)
	digit, at := f.Reg(), f.Reg()
	f.Mov(digit, v)
	f.ALUImm(asm.Mod, digit, base)
	f.ALUImm(asm.Add, digit, '0')
	if base == 16 {
		// One way for digits and letters, or the verifier would follow both.
		letter := f.Reg()
		f.MovImm(letter, '9')
		f.ALU(asm.Sub, letter, digit)
		f.ALUImm(asm.ArSh, letter, 63) // -1 for letters
		letters := int64('a' - '9' - 1)
		if p.Verb == 'X' {
			letters = 'A' - '9' - 1
		}
		f.ALUImm(asm.And, letter, letters)
		f.ALU(asm.Add, digit, letter)
	}
	f.Mov(at, buf.Base)
	f.ALU(asm.Add, at, i)
	f.Store(vcode.Mem{Base: at, Off: buf.Off}, digit, asm.Byte)
	f.ALUImm(asm.Div, v, base)
	f.JumpImm(asm.JEq, v, 0, done)
	f.ALUImm(asm.Sub, i, 1)
	f.JumpImm(asm.JGE, i, digits-22, top)
	f.Bind(done)

	put := func(c int64) {
		f.ALUImm(asm.Sub, i, 1)
		t := f.Reg()
		f.Mov(t, buf.Base)
		f.ALU(asm.Add, t, i)
		f.StoreImm(vcode.Mem{Base: t, Off: buf.Off}, c, asm.Byte)
	}
	prefix := ""
	if p.Alt || p.Verb == 'p' {
		prefix = map[rune]string{'x': "0x", 'p': "0x", 'X': "0X", 'o': "0"}[p.Verb]
	}
	if p.Zero {
		b.pad(i, p.Width-len(prefix), '0', put, sign)
	}
	if sign != vcode.None {
		positive := f.Label()
		f.JumpImm(asm.JEq, sign, 0, positive)
		put('-')
		f.Bind(positive)
	}
	for _, c := range slices.Backward([]byte(prefix)) {
		put(int64(c))
	}
	if !p.Zero {
		b.pad(i, p.Width, ' ', put, vcode.None)
	}
	h.forget(i, 31)
	f.ALU(asm.Add, i, buf.Base)
	b.addFrom(vcode.Mem{Base: i, Off: buf.Off}, 32)
}

// pad fills up to a width; where there is a sign, it leaves a place for it.
func (b *builder) pad(i vcode.Reg, width int, c int64, put func(int64), sign vcode.Reg) {
	if width <= 0 {
		return
	}
	f := b.h.f
	limit := f.Reg()
	f.MovImm(limit, int64(digits+1-width))
	if sign != vcode.None {
		positive := f.Label()
		f.JumpImm(asm.JEq, sign, 0, positive)
		f.ALUImm(asm.Add, limit, 1)
		f.Bind(positive)
	}
	top, done := f.Label(), f.Label()
	f.Bind(top)
	f.Jump(asm.JLE, i, limit, done)
	put(c)
	f.Goto(top)
	f.Bind(done)
}
