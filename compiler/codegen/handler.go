package codegen

import (
	"maps"
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/plan"
	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// place is memory of a known size.
type place struct {
	vcode.Mem
	size int
}

// variable is where a local lives.
type variable struct {
	reg  vcode.Reg // of a Long
	text place     // of a String
}

// frame is the locals of the probe, or of a function expanded in place.
type frame struct {
	locals []variable
	up     *frame
	fn     *ir.Func // nil for the probe itself
	call   *ir.Node // of fn
	result variable
	end    vcode.Label // where return goes
}

// attempt is a try that code is inside of.
type attempt struct {
	catch   vcode.Label
	message *variable // or nil
}

// loop is where break and continue go.
type loop struct{ out, step vcode.Label }

// handler is the making of one program.
type handler struct {
	*generator
	f       *vcode.Func
	probe   *ir.Probe
	index   int // among the probes
	element int // of the scratch map
	need    needs

	ctx     vcode.Reg
	scratch vcode.Reg
	// Bytes of working memory in use, and at most.
	used, high int

	frame    *frame
	attempts []attempt
	loops    []loop
	steady   map[string]vcode.Reg
	// together are members that are read at once, by the node that wants them.
	together map[*ir.Node]*together

	exit   vcode.Label // leave
	failed vcode.Label // leave after an error; errorID says which
	code   vcode.Reg   // the error site
	fails  bool
	steps  vcode.Reg // iterations of loops so far
}

const (
	// stackBudget is what places may take of the stack; registers that find
	// no place need some too.
	stackBudget = 352
	// smallPlace is the largest place that goes on the stack.
	smallPlace = 64
	// scratchHead is what each element of the scratch map starts with: a word
	// that says whether it is taken, and one for numbers on their way.
	scratchHead = 16
)

func newHandler(g *generator, probe *ir.Probe, index, element int) *handler {
	return &handler{
		generator: g, f: vcode.New(), probe: probe, index: index, element: element,
		need: needs{uses: map[string]int{}}, used: scratchHead, high: scratchHead,
		steady: map[string]vcode.Reg{}, together: map[*ir.Node]*together{},
	}
}

// lower makes the whole program.
func (h *handler) lower() {
	f := h.f
	known := h.needs[h.index]
	h.ctx, h.scratch, h.code, h.steps = f.Reg(), f.Reg(), f.Reg(), f.Reg()
	h.exit, h.failed = f.Label(), f.Label()
	f.Place(h.probe.Line, h.probe.Column)
	f.Context(h.ctx)
	leave := f.Label()
	if h.stops {
		state := f.Reg()
		f.Data(state, ir.DataMap, ir.ControlState)
		f.Load(state, vcode.Mem{Base: state}, asm.DWord)
		f.JumpImm(asm.JNE, state, ir.Running, leave)
	}
	marked := known.scratch && !h.guarded && h.probe.Kind == ir.RawTracepoint
	busy := f.Label()
	if known.scratch {
		h.takeScratch(leave, busy, marked)
	}
	for _, name := range slices.Sorted(maps.Keys(known.uses)) { // the same code each time
		if known.uses[name] > 1 {
			h.steady[name] = h.raw(name)
		}
	}
	f.MovImm(h.steps, 0)
	h.frame = h.enter(nil, h.probe.Locals)
	h.initialise(h.frame, h.probe.Locals, 0, h.probe.Body)
	h.statement(h.probe.Body)

	f.Bind(h.exit)
	if marked {
		f.StoreImm(vcode.Mem{Base: h.scratch}, 0, asm.DWord)
	}
	f.Bind(leave)
	f.Exit()
	if h.fails {
		f.Bind(h.failed)
		h.sendError()
		f.Goto(h.exit)
	}
	if marked {
		f.Bind(busy)
		h.count(ir.ControlSkipped)
		f.Exit()
	}
	h.need.stops = h.need.stops || h.fails
	h.need.scratch = h.need.scratch || known.scratch
	h.needs[h.index] = h.need
	h.generator.scratch = max(h.generator.scratch, h.highWater())
}

func (h *handler) highWater() int {
	if !h.need.scratch {
		return 0
	}
	return h.high
}

// takeScratch finds this program's working memory.
func (h *handler) takeScratch(leave, busy vcode.Label, marked bool) {
	f := h.f
	used := f.StackUsed()
	key := f.Stack(8)
	f.StoreImm(key, int64(h.element), asm.Word)
	f.Call(asm.FnMapLookupElem, h.scratch, vcode.M(ir.ScratchMap), vcode.A(key))
	f.Release(used)
	f.JumpImm(asm.JEq, h.scratch, 0, leave)
	if marked {
		taken := f.Reg()
		f.Load(taken, vcode.Mem{Base: h.scratch}, asm.DWord)
		f.JumpImm(asm.JNE, taken, 0, busy)
		f.StoreImm(vcode.Mem{Base: h.scratch}, 1, asm.DWord)
	}
}

// count adds one to a counter of the control words.
func (h *handler) count(at int) {
	f := h.f
	word, one := f.Reg(), f.Reg()
	f.Data(word, ir.DataMap, at)
	f.MovImm(one, 1)
	f.Atomic(asm.AddAtomic, vcode.Mem{Base: word}, one)
}

// memory takes size bytes: on the stack if there is place, else of the working
// memory.
func (h *handler) memory(size int) place {
	size = (size + 7) &^ 7
	if size <= smallPlace && h.f.StackUsed()+size <= stackBudget {
		return place{h.f.Stack(size), size}
	}
	return h.working(size)
}

// working takes size bytes of the working memory.
func (h *handler) working(size int) place {
	h.need.scratch = true
	size = (size + 7) &^ 7
	p := place{vcode.Mem{Base: h.scratch, Off: h.used}, size}
	h.used += size
	h.high = max(h.high, h.used)
	return p
}

// temporary runs f and gives back the memory that it took.
func (h *handler) temporary(f func()) {
	stack, used := h.f.StackUsed(), h.used
	f()
	h.f.Release(stack)
	h.used = used
}

// enter makes the variables of a probe or a function.
func (h *handler) enter(fn *ir.Func, locals []ir.Local) *frame {
	fr := &frame{up: h.frame, fn: fn}
	for _, l := range locals {
		fr.locals = append(fr.locals, h.newVariable(l.Type, l.Size))
	}
	return fr
}

func (h *handler) newVariable(t ir.Type, size int) variable {
	if t == ir.String {
		return variable{reg: vcode.None, text: h.memory(size)}
	}
	return variable{reg: h.f.Reg()}
}

// initialise sets the locals from number from on to 0 and "", but not strings
// that body assigns before it does anything else with them.
func (h *handler) initialise(fr *frame, locals []ir.Local, from int, body *ir.Node) {
	for i := from; i < len(locals); i++ {
		v := fr.locals[i]
		switch {
		case locals[i].Type != ir.String:
			h.f.MovImm(v.reg, 0)
		case !plan.SetFirst(body, int64(i)):
			h.clear(v.text)
		}
	}
}

// fault leaves for the innermost catch, or ends the script: with a message of
// the compiler's. Code goes on behind it where the caller places a label.
func (h *handler) fault(n *ir.Node, text string) {
	if len(h.attempts) > 0 {
		a := h.attempts[len(h.attempts)-1]
		if a.message != nil {
			h.copyText(a.message.text, h.constant(text, a.message.text.size))
		}
		h.f.Goto(a.catch)
		return
	}
	h.fails = true
	h.f.MovImm(h.code, int64(h.errorSite(n, text)))
	h.f.Goto(h.failed)
}

// errorSite is the site that sends a message of its own.
func (h *handler) errorSite(n *ir.Node, text string) int {
	line, column := h.told(n)
	h.p.Sites = append(h.p.Sites, ir.Site{Parts: []ir.Part{{Text: text, Width: ir.NoNumber, Prec: ir.NoNumber}}, Line: line, Column: column})
	return len(h.p.Sites) - 1
}

// told is the place that a node's errors are told at: its own, or the call of
// the function that it is in, where that is none of the script.
func (h *handler) told(n *ir.Node) (line, column int) {
	for fr := h.frame; n.Line == 0 && fr != nil && fr.call != nil; fr = fr.up {
		n = fr.call
	}
	return n.Line, n.Column
}

// fail notes an error of the script at a node.
func (h *handler) fail(n *ir.Node, hint, format string, args ...any) {
	line, column := h.told(n)
	h.generator.fail(line, column, hint, format, args...)
}

// faultUnless goes on only when a op imm holds.
func (h *handler) faultUnless(n *ir.Node, op asm.JumpOp, a vcode.Reg, imm int64, text string) {
	ok := h.f.Label()
	h.f.JumpImm(op, a, imm, ok)
	h.fault(n, text)
	h.f.Bind(ok)
}
