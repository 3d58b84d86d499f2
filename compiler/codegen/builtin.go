package codegen

import (
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/arith"
	"github.com/tpinfo/tpinfo/compiler/codegen/plan"
	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// helper is a kernel's helper that a function is one call of.
type helper struct {
	fn asm.BuiltinFunc
	// Of the result: shift right, or keep the low 32 bits.
	shift int64
	trunc bool
}

// helpers of functions without parameters (man 7 bpf-helpers).
var helpers = map[string]helper{
	"pid":             {fn: asm.FnGetCurrentPidTgid, shift: 32},
	"tid":             {fn: asm.FnGetCurrentPidTgid, trunc: true},
	"uid":             {fn: asm.FnGetCurrentUidGid, trunc: true},
	"gid":             {fn: asm.FnGetCurrentUidGid, shift: 32},
	"cpu":             {fn: asm.FnGetSmpProcessorId},
	"task_current":    {fn: asm.FnGetCurrentTask},
	"ktime_get_ns":    {fn: asm.FnKtimeGetNs},
	"gettimeofday_ns": {fn: asm.FnKtimeGetNs},
	"jiffies":         {fn: asm.FnJiffies64},
}

// rawName is what a steady function's helper is kept under.
func rawName(name string) string {
	switch name {
	case "pid", "tid":
		return "pid"
	case "uid", "gid":
		return "uid"
	case "cpu", "task_current":
		return name
	}
	return ""
}

// raw calls a helper.
func (h *handler) raw(name string) vcode.Reg {
	r := h.f.Reg()
	h.f.Call(helpers[name].fn, r)
	return r
}

func (h *handler) builtin(n *ir.Node, d vcode.Reg) {
	f := h.f
	hp, ok := helpers[n.Str]
	if ok {
		raw := vcode.None
		if key := rawName(n.Str); key != "" {
			h.need.uses[key]++
			if kept, ok := h.steady[key]; ok {
				raw = kept
			}
		}
		if raw == vcode.None {
			raw = h.raw(n.Str)
		}
		if hp.trunc {
			f.Trunc(d, raw)
		} else {
			f.Mov(d, raw)
		}
		if hp.shift > 0 {
			f.ALUImm(asm.RSh, d, hp.shift)
		}
	}
	switch n.Str {
	case "target":
		f.Data(d, ir.DataMap, ir.ControlTarget)
		f.Load(d, vcode.Mem{Base: d}, asm.DWord)
	case "gettimeofday_ns":
		wall := f.Reg()
		f.Data(wall, ir.DataMap, ir.ControlWall)
		f.Load(wall, vcode.Mem{Base: wall}, asm.DWord)
		f.ALU(asm.Add, d, wall)
	case "randint":
		// 32 random bits, times n, of which the upper half is 0 to n-1.
		n := h.number(n.Args[0])
		f.Call(asm.FnGetPrandomU32, d)
		f.Trunc(d, d)
		f.ALU(asm.Mul, d, n)
		f.ALUImm(asm.RSh, d, 32)
	case "strlen":
		h.temporary(func() { h.length(n.Args[0], d) })
	case "stringat":
		h.temporary(func() { h.byteAt(n, d) })
	case "isinstr":
		h.isIn(n, d)
	case "strtol":
		h.temporary(func() { h.parse(n, d) })
	case "stackid":
		h.stacks = true
		f.Call(asm.FnGetStackid, d, vcode.R(h.ctx), vcode.M(ir.StackMap), vcode.N(0))
	default:
		if !ok {
			h.refuse(n, n.Str+"()")
			f.MovImm(d, 0)
		}
	}
}

// length is strlen: the helper that copies strings tells it.
func (h *handler) length(s *ir.Node, d vcode.Reg) {
	f := h.f
	p := h.text(s)
	room := h.memory(p.size)
	f.Call(asm.FnProbeReadKernelStr, d, vcode.A(room.Mem), vcode.N(int64(p.size)), vcode.A(p.Mem))
	f.ALUImm(asm.Sub, d, 1)
}

// byteAt is stringat: an error outside of the text, behind which all is 0.
func (h *handler) byteAt(n *ir.Node, d vcode.Reg) {
	f := h.f
	p := h.inWorking(h.text(n.Args[0]), n.Args[1])
	i := h.copied(n.Args[1])
	t, at, near, end := f.Reg(), f.Reg(), f.Near(), f.Label()
	f.MovImm(t, 0)
	f.Mov(at, p.Base)
	f.Mov(near, i)
	f.JumpImm(asm.JGT, near, int64(p.size-1), end)
	f.ALU(asm.Add, at, near)
	f.Load(t, vcode.Mem{Base: at, Off: p.Off}, asm.Byte)
	f.Bind(end)
	h.faultUnless(n, asm.JNE, t, 0, "Position out of bounds")
	f.Mov(d, t)
}

// inWorking is a text where it may be read at any offset, and stays what it is
// when what follows assigns variables.
func (h *handler) inWorking(p place, after ...*ir.Node) place {
	if p.Base == h.scratch && !slices.ContainsFunc(after, plan.Changes) {
		return p
	}
	own := h.working(p.size)
	h.copyText(own, p)
	return own
}

func (h *handler) isIn(n *ir.Node, d vcode.Reg) {
	f := h.f
	if n.Args[1].Op != ir.Text {
		h.fail(n, "write the text to look for in the script, or search in a timer or end probe",
			"isinstr in the kernel looks for a literal only")
		f.MovImm(d, 0)
		return
	}
	h.temporary(func() {
		t, found := f.Reg(), f.Label()
		a := h.text(n.Args[0])
		f.MovImm(t, 1)
		h.search(a, n.Args[1].Str, found, true)
		f.MovImm(t, 0)
		f.Bind(found)
		f.Mov(d, t)
	})
}

// parse is strtol for bases 10, 16, 8 and 0, which leaves the choice to the
// text: it stops at what is no digit.
func (h *handler) parse(n *ir.Node, d vcode.Reg) {
	f := h.f
	base := n.Args[1]
	if base.Op != ir.Const || base.Int != 10 && base.Int != 16 && base.Int != 8 && base.Int != 0 {
		h.fail(n, "read the number in a timer or end probe", "strtol in the kernel takes base 0, 8, 10 or 16")
		f.MovImm(d, 0)
		return
	}
	p := numeral{h: h, text: h.inWorking(h.text(n.Args[0])), value: f.Reg(), i: f.Near(), at: f.Reg(), c: f.Reg(), done: f.Label()}
	minus := f.Reg()
	f.MovImm(p.value, 0)
	f.MovImm(p.i, 0)
	f.MovImm(minus, 0)
	p.load()
	positive, octal, decimal := f.Label(), f.Label(), f.Label()
	f.JumpImm(asm.JNE, p.c, '-', positive)
	f.MovImm(minus, -1)
	f.MovImm(p.i, 1)
	f.Bind(positive)
	switch base.Int {
	case 0:
		p.prefix(decimal, octal)
		p.read(16)
		f.Goto(p.done)
		f.Bind(octal)
		p.read(8)
		f.Goto(p.done)
		f.Bind(decimal)
		p.read(10)
	case 16:
		none := f.Label()
		p.prefix(none, none)
		f.Bind(none)
		p.read(16)
	default:
		p.read(base.Int)
	}
	f.Bind(p.done)
	arith.NegateIf(h.f, p.value, minus)
	f.Mov(d, p.value)
}

// numeral is a number as it is read from a text.
type numeral struct {
	h        *handler
	text     place
	value    vcode.Reg
	i, at, c vcode.Reg // the next byte's index and address, and the byte
	done     vcode.Label
}

func (p *numeral) load() {
	f := p.h.f
	f.Mov(p.at, p.text.Base)
	f.ALU(asm.Add, p.at, p.i)
	f.Load(p.c, vcode.Mem{Base: p.at, Off: p.text.Off}, asm.Byte)
}

// prefix passes "0x"; it goes to one label where no 0 stands, and to the other
// where no x stands behind it.
func (p *numeral) prefix(none, zero vcode.Label) {
	f := p.h.f
	p.load()
	f.JumpImm(asm.JNE, p.c, '0', none)
	f.ALUImm(asm.Add, p.i, 1)
	p.load()
	f.ALUImm(asm.Or, p.c, 'a'-'A')
	f.JumpImm(asm.JNE, p.c, 'x', zero)
	f.ALUImm(asm.Add, p.i, 1)
}

// read reads digits of a base up to the first byte that is none. Each has but
// one way through the loop, for the verifier would follow each to the end.
func (p *numeral) read(base int64) {
	f := p.h.f
	p.h.forget(p.i, 3)
	top := f.Label()
	f.Bind(top)
	p.load()
	if base == 16 {
		p.hexadecimal()
	} else {
		f.ALUImm(asm.Sub, p.c, '0')
	}
	f.JumpImm(asm.JGT, p.c, base-1, p.done)
	f.ALUImm(asm.Mul, p.value, base)
	f.ALU(asm.Add, p.value, p.c)
	f.ALUImm(asm.Add, p.i, 1)
	f.JumpImm(asm.JLE, p.i, int64(p.text.size-1), top)
}

// hexadecimal turns a byte into the digit that it is; what is none becomes
// negative or more than 15.
func (p *numeral) hexadecimal() {
	f := p.h.f
	letter, none, isDigit := f.Reg(), f.Reg(), f.Reg()
	f.Mov(letter, p.c)
	f.ALUImm(asm.Or, letter, 'a'-'A')
	f.ALUImm(asm.Sub, letter, 'a')
	f.Mov(none, letter)
	f.ALUImm(asm.ArSh, none, 63) // -1 for what stands before the letters
	f.ALUImm(asm.Add, letter, 10)
	f.ALU(asm.Or, letter, none)
	f.ALUImm(asm.Sub, p.c, '0')
	f.Mov(isDigit, p.c)
	f.ALUImm(asm.Sub, isDigit, 10)
	f.ALUImm(asm.ArSh, isDigit, 63) // -1 up to '9'
	f.ALU(asm.Xor, p.c, letter)
	f.ALU(asm.And, p.c, isDigit)
	f.ALU(asm.Xor, p.c, letter)
}

// forget makes the verifier forget a number from 0 to a limit, one less than a
// power of two: it follows each number that it knows by itself, and goes on once
// for all that it does not.
func (h *handler) forget(r vcode.Reg, limit int64) {
	word := vcode.Mem{Base: h.scratch, Off: 8}
	h.f.Store(word, r, asm.DWord)
	h.f.Load(r, word, asm.DWord)
	h.f.ALUImm(asm.And, r, limit)
}

// textBuiltin is a function that gives a String.
func (h *handler) textBuiltin(n *ir.Node, to place) {
	switch n.Str {
	case "execname":
		if to.size >= 16 {
			h.execname(place{to.Mem, 16})
			h.clear(place{to.At(16), to.size - 16})
			return
		}
		h.temporary(func() {
			own := h.memory(16)
			h.execname(own)
			h.copyText(to, own)
		})
	case "substr":
		h.temporary(func() { h.substring(n, to) })
	default:
		h.refuse(n, n.Str+"()")
	}
}

// execname is the name of the process that runs, in 16 bytes.
func (h *handler) execname(to place) {
	if !h.pads {
		h.clear(to)
	}
	h.f.Call(asm.FnGetCurrentComm, vcode.None, vcode.A(to.Mem), vcode.N(16))
}

// substring is substr: from a start on, so many bytes; "" for a start or a
// length that is negative or beyond the text.
func (h *handler) substring(n *ir.Node, to place) {
	f := h.f
	p := h.inWorking(h.text(n.Args[0]), n.Args[1:]...)
	start, count := h.copied(n.Args[1]), h.copied(n.Args[2])
	own := h.working(max(to.size, 8))
	h.clear(own)
	end, from, whole := f.Label(), f.Reg(), f.Label()
	f.JumpImm(asm.JSLE, count, 0, end)
	f.JumpImm(asm.JSLT, count, int64(to.size), whole)
	f.MovImm(count, int64(to.size-1))
	f.Bind(whole)
	f.ALUImm(asm.Add, count, 1) // the NUL
	f.Mov(from, p.Base)
	near, size := f.Near(), f.Near()
	f.Mov(near, start)
	f.JumpImm(asm.JGT, near, int64(p.size-1), end)
	f.ALU(asm.Add, from, near)
	f.Mov(size, count)
	f.JumpImm(asm.JGT, size, int64(to.size), end)
	f.Call(asm.FnProbeReadKernelStr, vcode.None, vcode.A(own.Mem), vcode.R(size), vcode.A(vcode.Mem{Base: from, Off: p.Off}))
	f.Bind(end)
	h.copyText(to, own)
}
