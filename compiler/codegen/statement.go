package codegen

import (
	"strconv"

	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/codegen/plan"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

func (h *handler) statement(n *ir.Node) {
	if n == nil {
		return
	}
	if n.Line > 0 {
		h.f.Place(n.Line, n.Column)
	}
	h.temporary(func() { h.effect(n) })
}

// effect lowers a statement, or an expression for what it does.
func (h *handler) effect(n *ir.Node) {
	f := h.f
	switch n.Op {
	case ir.Block:
		for _, s := range n.Args {
			h.statement(s)
		}
	case ir.Eval:
		h.readTogether(n.Args[0])
		h.evaluate(n.Args[0])
	case ir.If:
		h.ifStatement(n)
	case ir.Loop:
		h.loop(n)
	case ir.Break:
		f.Goto(h.loops[len(h.loops)-1].out)
	case ir.Continue:
		f.Goto(h.loops[len(h.loops)-1].step)
	case ir.Next:
		f.Goto(h.exit)
	case ir.Return:
		h.returns(n)
	case ir.Delete:
		h.delete(n)
	case ir.Try:
		h.try(n)
	case ir.StatAdd:
		h.readTogether(n)
		h.statAdd(n)
	case ir.Print:
		h.readTogether(n)
		h.print(n)
	case ir.Fail:
		h.readTogether(n)
		h.failWith(n)
	case ir.Exit:
		h.exitScript()
	default:
		h.refuse(n, string(n.Op))
	}
}

// refuse is for what package check does not let through; it says so rather
// than make wrong code.
func (h *handler) refuse(n *ir.Node, what string) {
	h.fail(n, "do it in a timer or end probe, which run in user space", "%s cannot be done in the kernel", what)
}

// evaluate computes an expression for its effects.
func (h *handler) evaluate(n *ir.Node) {
	switch n.Op {
	case ir.Set:
		h.set(n)
	case ir.Update:
		h.update(n, false)
	case ir.Call:
		h.call(n)
	case ir.AndAnd, ir.OrOr:
		skip := h.f.Label()
		if n.Op == ir.AndAnd {
			h.branch(n.Args[0], skip, false)
		} else {
			h.branch(n.Args[0], skip, true)
		}
		h.evaluate(n.Args[1])
		h.f.Bind(skip)
	case ir.Choose:
		other, end := h.f.Label(), h.f.Label()
		h.branch(n.Args[0], other, false)
		h.evaluate(n.Args[1])
		h.f.Goto(end)
		h.f.Bind(other)
		h.evaluate(n.Args[2])
		h.f.Bind(end)
	default:
		if n.Type == ir.String {
			h.text(n)
		} else {
			h.number(n)
		}
	}
}

func (h *handler) ifStatement(n *ir.Node) {
	f := h.f
	h.readTogether(n.Args[0])
	end := f.Label()
	if len(n.Args) < 3 || n.Args[2] == nil {
		h.temporary(func() { h.branch(n.Args[0], end, false) })
		h.statement(n.Args[1])
		f.Bind(end)
		return
	}
	other := f.Label()
	h.temporary(func() { h.branch(n.Args[0], other, false) })
	h.statement(n.Args[1])
	f.Goto(end)
	f.Bind(other)
	h.statement(n.Args[2])
	f.Bind(end)
}

// loop lowers while and for. The rounds of all loops are counted, so that the verifier
// sees an end.
func (h *handler) loop(n *ir.Node) {
	f := h.f
	cond, step, body := n.Args[0], n.Args[1], n.Args[2]
	l := loop{f.Label(), f.Label()}
	top := f.Label()
	f.Bind(top)
	if cond != nil {
		h.temporary(func() { h.branch(cond, l.out, false) })
	}
	limit := plan.Iterations(n)
	f.ALUImm(asm.Add, h.steps, 1)
	h.faultUnless(n, asm.JLE, h.steps, limit,
		"more than "+strconv.FormatInt(limit, 10)+" rounds of loops in one run of a handler, those of all its loops counted together: "+
			"the kernel allows no more, and fewer the more a round does; loop in a timer or end probe")
	h.loops = append(h.loops, l)
	h.statement(body)
	h.loops = h.loops[:len(h.loops)-1]
	f.Bind(l.step)
	if step != nil {
		h.temporary(func() { h.evaluate(step) })
	}
	f.Goto(top)
	f.Bind(l.out)
}

func (h *handler) returns(n *ir.Node) {
	if len(n.Args) > 0 && n.Args[0] != nil {
		h.readTogether(n.Args[0])
		if n.Args[0].Type == ir.String {
			h.textInto(n.Args[0], h.frame.result.text)
		} else {
			h.numberInto(n.Args[0], h.frame.result.reg)
		}
	}
	h.f.Goto(h.frame.end)
}

func (h *handler) try(n *ir.Node) {
	f := h.f
	a := attempt{catch: f.Label()}
	if n.Int >= 0 {
		a.message = &h.frame.locals[n.Int]
	}
	end := f.Label()
	h.attempts = append(h.attempts, a)
	h.statement(n.Args[0])
	h.attempts = h.attempts[:len(h.attempts)-1]
	f.Goto(end)
	f.Bind(a.catch)
	h.statement(n.Args[1])
	f.Bind(end)
}

// call expands a function in place; its result is in the frame that it
// returns.
func (h *handler) call(n *ir.Node) variable {
	f := h.f
	fn := &h.p.Funcs[n.Int]
	fr := h.enter(fn, fn.Locals)
	fr.call = n
	fr.end = f.Label()
	if fn.Result != ir.Void {
		fr.result = h.newVariable(fn.Result, fn.Size)
		if fn.Result == ir.String {
			h.clear(fr.result.text)
		} else {
			f.MovImm(fr.result.reg, 0)
		}
	}
	if f.Full() {
		return fr.result // functions that call each other twice would fill any memory
	}
	for i, a := range n.Args {
		if a.Type == ir.String {
			h.textInto(a, fr.locals[i].text)
		} else {
			h.numberInto(a, fr.locals[i].reg)
		}
	}
	h.initialise(fr, fn.Locals, fn.Params, fn.Body)
	up, loops, own := h.frame, h.loops, h.together
	h.frame, h.loops, h.together = fr, nil, map[*ir.Node]*together{}
	h.statement(fn.Body)
	h.frame, h.loops, h.together = up, loops, own
	f.Bind(fr.end)
	return fr.result
}
