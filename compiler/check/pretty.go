package check

import (
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// The limits of what "$x$" shows.
const (
	maxPretty   = 1024 // bytes of one value
	prettyDepth = 8    // of "$x$$"
)

// prettyText lowers "$x$" and "$$vars" as a string.
func (s *scope) prettyText(x syntax.Expr) val {
	o := &output{s: s}
	if !o.special(x, plain('s')) {
		return val{n: s.text("", x.Place())}
	}
	return val{n: o.sprint(x.Place())}
}

// pretty adds "x$" and "x$$": a struct with its members, a number, text in
// quotes. It always says true: it is printed so or not at all.
func (o *output) pretty(x *syntax.Pretty, p ir.Part) bool {
	s := o.s
	if v, ok := x.X.(*syntax.Target); ok && strings.HasPrefix(v.Text, "$$") {
		return o.allVariables(v, x.Deep, p)
	}
	var t target
	var ok bool
	if s.isTarget(x.X) {
		t, ok = s.targetOf(x.X)
	} else {
		t, ok = s.behind(x.X)
	}
	if ok {
		o.shown(t, x.Deep, p)
	}
	return true
}

// shown adds a target as "$x$" shows it. A pointer to a struct is shown as the
// struct, as SystemTap does.
func (o *output) shown(t target, deep bool, p ir.Part) {
	s := o.s
	u, ok := s.c.kernel.Bare(t.typ)
	if ok && u.Expr.Shape == tpinfo.ShapePointer {
		inner, known := s.c.kernel.Bare(u.Elem())
		if known && (inner.IsStruct() || ctype.IsChar(inner.Def)) {
			v, ok := s.load(t)
			if !ok {
				return
			}
			if ctype.IsChar(inner.Def) {
				o.quoted(v.n, p, t.at)
				return
			}
			t = s.start(v.n, u.Elem(), t.at)
			u = inner
		}
	}
	if ok && u.Expr.Shape == tpinfo.ShapeArray && u.Expr.Count <= 0 {
		o.unbounded(t, &u, p)
		return
	}
	if ok && (u.IsStruct() || u.Expr.Shape == tpinfo.ShapeArray) {
		o.memory(t, deep, p)
		return
	}
	v, loaded := s.load(t)
	switch {
	case !loaded:
	case ok && u.Expr.Shape == tpinfo.ShapePointer:
		p.Verb, p.Alt = 'x', true
		o.put(p, v.n, nil)
	default:
		p.Verb = 'd'
		if m := v.n.Mem; m != nil && !m.Signed {
			p.Verb = 'u'
		}
		o.put(p, v.n, nil)
	}
}

// unbounded adds an array whose length the type does not say: text, or where it
// is.
func (o *output) unbounded(t target, u *ctype.Bare, p ir.Part) {
	if elem, ok := o.s.c.kernel.Bare(u.Elem()); ok && ctype.IsChar(elem.Def) {
		o.quoted(o.s.addressOf(t), p, t.at)
		return
	}
	p.Verb, p.Alt = 'x', true
	o.put(p, o.s.addressOf(t), nil)
}

// quoted adds the text at an address, in quotes.
func (o *output) quoted(address *ir.Node, p ir.Part, at diag.Span) {
	n := o.s.readText(address, 0, false, at)
	o.text(`"`)
	o.put(p, n, nil)
	o.text(`"`)
}

// memory adds the bytes of a struct or an array, for user space to show.
func (o *output) memory(t target, deep bool, p ir.Part) {
	s := o.s
	size := s.c.kernel.SizeOf(t.typ)
	if !size.Known() || size == 0 || t.slot {
		s.errorf(t.at, "", "the size of %s is not known", t.typ)
		return
	}
	// What lies beyond the limit is left out, and "..." says so.
	shown := min(int64(size), maxPretty)
	depth := 1
	if deep {
		depth = prettyDepth
	}
	r, end, facts := s.c.kernel.Render(t.typ, shown, depth)
	end = max(end, 1)
	n := s.node(ir.Bytes, ir.Void, t.at, s.addressOf(t))
	n.Int = (end + 7) &^ 7
	if n.Int > int64(size) {
		n.Int = end
	}
	n.Mem = &ir.Mem{Size: 1, What: s.source(t.at)}
	p.Verb = 'r'
	o.put(p, n, r)
	s.c.facts = append(s.c.facts, facts...)
}

// variables adds "$$vars", "$$parms", "$$name" and "$$system".
func (o *output) variables(x *syntax.Target, p ir.Part) bool {
	s, h := o.s, o.s.handler
	if h == nil || h.Event == nil {
		s.errorf(x.Span, "", "%s belongs to kernel.trace probes", x.Text)
		return true
	}
	switch x.Text {
	case "$$name":
		o.put(p, s.text(h.Event.Name, x.Span), nil)
	case "$$system":
		o.put(p, s.text(h.Event.System, x.Span), nil)
	default:
		hex := plain('x')
		hex.Alt = true
		for i, name := range o.variableNames(x) {
			o.named(i, name)
			if _, v, ok := o.variable(name, x.Span); ok {
				o.put(hex, v.n, nil)
			} else {
				o.text("?")
			}
		}
	}
	return true
}

// variable reads one of "$$vars"; one that cannot be read is shown as "?", as
// in SystemTap.
func (o *output) variable(name string, at diag.Span) (t target, v val, ok bool) {
	c := o.s.c
	faults, facts := c.faults, len(c.facts)
	c.quiet++
	if t, ok = o.s.root(&syntax.Target{Span: at, Text: name}); ok {
		v, ok = o.s.load(t)
	}
	c.quiet--
	c.faults = faults
	if !ok {
		c.facts = c.facts[:facts]
	}
	return t, v, ok
}

// allVariables adds "$$vars$": each as "$x$" shows it.
func (o *output) allVariables(x *syntax.Target, deep bool, _ ir.Part) bool {
	for i, name := range o.variableNames(x) {
		o.named(i, name)
		if t, _, ok := o.variable(name, x.Span); ok {
			o.shown(t, deep, plain('s'))
		} else {
			o.text("?")
		}
	}
	return true
}

func (o *output) named(i int, name string) {
	if i > 0 {
		o.text(" ")
	}
	o.text(strings.TrimPrefix(name, "$") + "=")
}

// variableNames are those that "$$vars" and "$$parms" stand for.
func (o *output) variableNames(x *syntax.Target) []string {
	h := o.s.handler
	if h == nil || h.Event == nil {
		o.s.errorf(x.Span, "", "%s belongs to kernel.trace probes", x.Text)
		return nil
	}
	if x.Text != "$$vars" && x.Text != "$$parms" {
		o.s.errorf(x.Span, diag.DidYouMean(x.Text, []string{"$$vars", "$$parms", "$$name", "$$system"}), "there is no %s", x.Text)
		return nil
	}
	if h.Probe.Kind != ir.Tracepoint {
		return argumentNames(h.Event)
	}
	var names []string
	if h.Event.Record == nil {
		return nil // which is in error
	}
	for i := range h.Event.Record.Fields {
		if f := &h.Event.Record.Fields[i]; f.Offset >= hiddenBytes {
			names = append(names, "$"+f.Name)
		}
	}
	return names
}
