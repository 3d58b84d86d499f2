package codegen

import (
	"strings"

	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/plan"
	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// text computes a String and tells where it is: a place that must not be
// changed.
func (h *handler) text(n *ir.Node) place {
	switch n.Op {
	case ir.Text:
		return h.constant(n.Str, textSize(n.Str))
	case ir.GetLoc:
		return h.frame.locals[n.Int].text
	case ir.GetGlo:
		base := h.f.Reg()
		h.f.Data(base, ir.DataMap, h.p.Globals[n.Int].Offset)
		return place{vcode.Mem{Base: base}, h.p.Globals[n.Int].Size}
	case ir.Elem:
		return h.elementText(n)
	case ir.Set:
		return h.setText(n)
	case ir.Call:
		return h.call(n).text
	}
	p := h.memory(max(n.Size, 8))
	h.textInto(n, p)
	return p
}

func textSize(s string) int { return (len(s) + 8) &^ 7 }

// constant is a literal of that size, cut to it.
func (h *handler) constant(s string, size int) place {
	if len(s) >= size {
		s = s[:size-1]
	}
	base := h.f.Reg()
	h.f.Data(base, ir.ConstMap, h.literal(s, size))
	return place{vcode.Mem{Base: base}, size}
}

// textInto computes a String into a place.
func (h *handler) textInto(n *ir.Node, to place) {
	switch n.Op {
	case ir.Text:
		h.literalInto(n.Str, to)
	case ir.ReadText:
		h.readText(n, to, true)
	case ir.Concat, ir.Sprint:
		h.temporary(func() { h.copyText(to, h.build(n)) })
	case ir.Builtin:
		h.textBuiltin(n, to)
	case ir.Choose:
		other, end := h.f.Label(), h.f.Label()
		h.branch(n.Args[0], other, false)
		h.textInto(n.Args[1], to)
		h.f.Goto(end)
		h.f.Bind(other)
		h.textInto(n.Args[2], to)
		h.f.Bind(end)
	case ir.GetLoc, ir.GetGlo, ir.Elem, ir.Set, ir.Call:
		h.copyText(to, h.text(n))
	default:
		h.refuse(n, string(n.Op))
	}
}

// maxStored is the longest literal that is stored word by word.
const maxStored = 64

// literalInto writes a literal.
func (h *handler) literalInto(s string, to place) {
	if len(s) >= to.size {
		s = s[:to.size-1]
	}
	if len(s) > maxStored {
		h.copyText(to, h.constant(s, textSize(s)))
		return
	}
	padded := s + strings.Repeat("\x00", to.size-len(s))
	for at := 0; at < to.size; at += 8 {
		h.f.StoreImm(to.At(at), h.word(padded[at:at+8]), asm.DWord)
	}
}

// word is 8 bytes as the target loads them.
func (h *handler) word(s string) int64 { return int64(h.order.Uint64([]byte(s))) }

func (h *handler) clear(p place) {
	for at := 0; at < p.size; at += 8 {
		h.f.StoreImm(p.At(at), 0, asm.DWord)
	}
}

// copyText copies a string, cut where the place is too small.
func (h *handler) copyText(to, from place) {
	f := h.f
	if to.Mem == from.Mem {
		return
	}
	common := min(to.size, from.size)
	for at := 0; at < common; at += 8 {
		t := f.Reg()
		f.Load(t, from.At(at), asm.DWord)
		f.Store(to.At(at), t, asm.DWord)
	}
	if from.size > to.size {
		f.StoreImm(to.At(to.size-1), 0, asm.Byte)
	}
	h.clear(place{to.At(common), to.size - common})
}

// readText reads a string of the kernel's memory; padded unless only a reader
// that stops at the NUL gets it.
func (h *handler) readText(n *ir.Node, to place, padded bool) {
	f := h.f
	size := to.size
	if n.Int > 0 {
		size = min(size, int(n.Int))
	}
	addr := h.number(n.Args[0])
	if padded {
		h.clear(to)
	}
	fn := asm.FnProbeReadKernelStr
	if n.Mem != nil && n.Mem.User {
		fn = asm.FnProbeReadUserStr
	}
	r := f.Reg()
	f.Call(fn, r, vcode.A(to.Mem), vcode.N(int64(size)), vcode.R(addr))
	if len(n.Args) < 2 {
		h.faultUnless(n, asm.JSGE, r, 0, faultText(n.Mem))
		return
	}
	ok := f.Label()
	f.JumpImm(asm.JSGE, r, 0, ok)
	h.textInto(n.Args[1], to)
	f.Bind(ok)
}

// elementText is an element of type String, where the map has it.
func (h *handler) elementText(n *ir.Node) place {
	f := h.f
	g := &h.p.Globals[n.Int]
	h.zero(g.Size)
	p := h.lookup(g, h.key(n))
	at, end := f.Reg(), f.Label()
	f.Mov(at, p)
	f.JumpImm(asm.JNE, p, 0, end)
	f.Data(at, ir.ConstMap, 0)
	f.Bind(end)
	return place{vcode.Mem{Base: at}, g.Size}
}

// compareTexts goes to a label when the comparison of two strings comes out as
// when says.
func (h *handler) compareTexts(n *ir.Node, to vcode.Label, when bool) {
	h.temporary(func() {
		x, y := n.Args[0], n.Args[1]
		if x.Op == ir.Text && y.Op != ir.Text && (n.Op == ir.Eq || n.Op == ir.Ne) {
			x, y = y, x
		}
		a := h.text(x)
		if y.Op == ir.Text && (n.Op == ir.Eq || n.Op == ir.Ne) {
			h.equalsLiteral(a, y.Str, true, to, (n.Op == ir.Eq) == when)
			return
		}
		if plan.Changes(y) {
			own := h.memory(a.size)
			h.copyText(own, a)
			a = own
		}
		h.compareWords(n.Op, a, h.text(y), to, when)
	})
}

// equalsLiteral compares with a literal: with the whole text, or its start.
func (h *handler) equalsLiteral(a place, s string, whole bool, to vcode.Label, when bool) {
	f := h.f
	bytes := s
	if whole {
		bytes = s + strings.Repeat("\x00", textSize(s)-len(s))
	}
	differ := f.Label()
	if len(bytes) > a.size {
		if !when {
			f.Goto(to)
		}
		return
	}
	no := differ
	if !when {
		no = to
	}
	for at := 0; at < len(bytes); at += 8 {
		t := f.Reg()
		f.Load(t, a.At(at), asm.DWord)
		part := bytes[at:min(at+8, len(bytes))]
		if len(part) < 8 {
			pad := strings.Repeat("\x00", 8-len(part))
			f.ALUImm(asm.And, t, h.word(strings.Repeat("\xff", len(part))+pad))
			part += pad
		}
		f.JumpImm(asm.JNE, t, h.word(part), no)
	}
	if when {
		f.Goto(to)
	}
	f.Bind(differ)
}

// compareWords compares word by word: the first that differ decide. When all
// words that both have are equal, so are the strings: the shorter one's last
// word has a NUL in it.
func (h *handler) compareWords(op ir.Op, a, b place, to vcode.Label, when bool) {
	f := h.f
	if op == ir.Eq || op == ir.Ne {
		differ := f.Label()
		equal := (op == ir.Eq) == when // jump when they are equal
		no := differ
		if !equal {
			no = to
		}
		for at := 0; at < min(a.size, b.size); at += 8 {
			x, y := f.Reg(), f.Reg()
			f.Load(x, a.At(at), asm.DWord)
			f.Load(y, b.At(at), asm.DWord)
			f.Jump(asm.JNE, x, y, no)
		}
		if equal {
			f.Goto(to)
		}
		f.Bind(differ)
		return
	}
	x, y, decided, end := f.Reg(), f.Reg(), f.Label(), f.Label()
	for at := 0; at < min(a.size, b.size); at += 8 {
		f.Load(x, a.At(at), asm.DWord)
		f.Load(y, b.At(at), asm.DWord)
		f.Jump(asm.JNE, x, y, decided)
	}
	// Equal.
	if (op == ir.Le || op == ir.Ge) == when {
		f.Goto(to)
	} else {
		f.Goto(end)
	}
	f.Bind(decided)
	f.BigEndian(x)
	f.BigEndian(y)
	less := op == ir.Lt || op == ir.Le
	if less == when {
		f.Jump(asm.JLT, x, y, to)
	} else {
		f.Jump(asm.JGT, x, y, to)
	}
	f.Bind(end)
}

// match is "=~" for patterns that need no more than comparing.
func (h *handler) match(n *ir.Node, to vcode.Label, when bool) {
	s := n.Str
	s, start := strings.CutPrefix(s, "^")
	s, end := strings.CutSuffix(s, "$")
	if strings.ContainsAny(s, `.[]()*+?{}|\^$`) {
		h.fail(n, "in the kernel a pattern is a text, perhaps with ^ before and $ behind it", "the pattern %q needs a search that cannot be done in the kernel", n.Str)
		return
	}
	h.temporary(func() {
		a := h.text(n.Args[0])
		switch {
		case start:
			h.equalsLiteral(a, s, end, to, when)
		case end:
			h.search(a, s+"\x00", to, when)
		default:
			h.search(a, s, to, when)
		}
	})
}

// search looks for bytes in a text.
func (h *handler) search(a place, bytes string, to vcode.Label, when bool) {
	f := h.f
	found, not := f.Label(), f.Label()
	if bytes == "" {
		if when {
			f.Goto(to)
		}
		return
	}
	if len(bytes) <= a.size {
		if a.Base == vcode.None || a.Base != h.scratch {
			// Only working memory may be read at any offset on every kernel.
			own := h.working(a.size)
			h.copyText(own, a)
			a = own
		}
		i, top := f.Near(), f.Label()
		f.MovImm(i, 0)
		f.Bind(top)
		p, differs := f.Reg(), f.Reg()
		f.Mov(p, a.Base)
		f.ALU(asm.Add, p, i)
		f.MovImm(differs, 0)
		// No way out in between: the verifier would follow each.
		for at := 0; at < len(bytes); {
			size := 8
			for size > len(bytes) {
				size /= 2
			}
			at = min(at, len(bytes)-size) // the last may overlap the one before
			h.difference(differs, vcode.Mem{Base: p, Off: a.Off + at}, bytes[at:at+size])
			at += size
		}
		f.JumpImm(asm.JEq, differs, 0, found)
		f.ALUImm(asm.Add, i, 1)
		f.JumpImm(asm.JLE, i, int64(a.size-len(bytes)), top)
	}
	if !when {
		f.Goto(to)
	}
	f.Goto(not)
	f.Bind(found)
	if when {
		f.Goto(to)
	}
	f.Bind(not)
}

// difference sets bits of d where 1, 2, 4 or 8 bytes at a place are not these.
func (h *handler) difference(d vcode.Reg, at vcode.Mem, bytes string) {
	f := h.f
	var v int64
	switch b := []byte(bytes); len(b) {
	case 8:
		v = h.word(bytes)
	case 4:
		v = int64(h.order.Uint32(b))
	case 2:
		v = int64(h.order.Uint16(b))
	default:
		v = int64(b[0])
	}
	t := f.Reg()
	f.Load(t, at, sizes[len(bytes)])
	f.ALUImm(asm.Xor, t, v)
	f.ALU(asm.Or, d, t)
}
