package check

import (
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/check/target"
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
func (s *scope) prettyText(x syntax.Expr) infer.Value {
	o := &output{s: s}
	if !o.special(x, plain('s')) {
		return infer.Value{Node: s.Text("", x.Place())}
	}
	return infer.Value{Node: o.sprint(x.Place())}
}

// pretty adds "x$" and "x$$": a struct with its members, a number, text in
// quotes. It always says true: it is printed so or not at all.
func (o *output) pretty(x *syntax.Pretty, p ir.Part) bool {
	s := o.s
	if v, ok := x.X.(*syntax.Target); ok && strings.HasPrefix(v.Text, "$$") {
		return o.allVariables(v, x.Deep, p)
	}
	var t target.Target
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
func (o *output) shown(t target.Target, deep bool, p ir.Part) {
	s := o.s
	u, ok := s.Kernel.Bare(t.Type)
	if ok && u.Expr.Shape == tpinfo.ShapePointer {
		inner, known := s.Kernel.Bare(u.Elem())
		if known && (inner.IsStruct() || ctype.IsChar(inner.Def)) {
			v, ok := s.Load(t)
			if !ok {
				return
			}
			if ctype.IsChar(inner.Def) {
				o.quoted(v.Node, p, t.At)
				return
			}
			t = s.Start(v.Node, u.Elem(), t.At)
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
	v, loaded := s.Load(t)
	switch {
	case !loaded:
	case ok && u.Expr.Shape == tpinfo.ShapePointer:
		p.Verb, p.Alt = 'x', true
		o.put(p, v.Node, nil)
	default:
		p.Verb = 'd'
		if m := v.Node.Mem; m != nil && !m.Signed {
			p.Verb = 'u'
		}
		o.put(p, v.Node, nil)
	}
}

// unbounded adds an array whose length the type does not say: text, or where it
// is.
func (o *output) unbounded(t target.Target, u *ctype.Bare, p ir.Part) {
	if elem, ok := o.s.Kernel.Bare(u.Elem()); ok && ctype.IsChar(elem.Def) {
		o.quoted(o.s.Address(t), p, t.At)
		return
	}
	p.Verb, p.Alt = 'x', true
	o.put(p, o.s.Address(t), nil)
}

// quoted adds the text at an address, in quotes.
func (o *output) quoted(address *ir.Node, p ir.Part, at diag.Span) {
	n := o.s.readText(address, 0, false, at)
	o.text(`"`)
	o.put(p, n, nil)
	o.text(`"`)
}

// memory adds the bytes of a struct or an array, for user space to show.
func (o *output) memory(t target.Target, deep bool, p ir.Part) {
	s := o.s
	size := s.Kernel.SizeOf(t.Type)
	if !size.Known() || size == 0 || t.Slot {
		s.Errorf(t.At, "", "the size of %s is not known", t.Type)
		return
	}
	// What lies beyond the limit is left out, and "..." says so.
	shown := min(int64(size), maxPretty)
	depth := 1
	if deep {
		depth = prettyDepth
	}
	r, end, facts := s.Kernel.Render(t.Type, shown, depth)
	end = max(end, 1)
	n := s.Node(ir.Bytes, ir.Void, t.At, s.Address(t))
	n.Int = (end + 7) &^ 7
	if n.Int > int64(size) {
		n.Int = end
	}
	n.Mem = &ir.Mem{Size: 1, What: s.Said(t.At)}
	p.Verb = 'r'
	o.put(p, n, r)
	s.Reads.Facts = append(s.Reads.Facts, facts...)
}

// variables adds "$$vars", "$$parms", "$$name" and "$$system".
func (o *output) variables(x *syntax.Target, p ir.Part) bool {
	s, h := o.s, o.s.Handler
	if h == nil || h.Event == nil {
		s.Errorf(x.Span, "", "%s belongs to kernel.trace probes", x.Text)
		return true
	}
	switch x.Text {
	case "$$name":
		o.put(p, s.Text(h.Event.Name, x.Span), nil)
	case "$$system":
		o.put(p, s.Text(h.Event.System, x.Span), nil)
	default:
		hex := plain('x')
		hex.Alt = true
		for i, name := range o.variableNames(x) {
			o.named(i, name)
			if _, v, ok := o.variable(name, x.Span); ok {
				o.put(hex, v.Node, nil)
			} else {
				o.text("?")
			}
		}
	}
	return true
}

// variable reads one of "$$vars"; one that cannot be read is shown as "?", as
// in SystemTap.
func (o *output) variable(name string, at diag.Span) (t target.Target, v infer.Value, ok bool) {
	c := o.s.c
	faults, facts := c.Faults, len(c.reads.Facts)
	c.Quiet++
	if t, ok = o.s.Root(&syntax.Target{Span: at, Text: name}); ok {
		v, ok = o.s.Load(t)
	}
	c.Quiet--
	c.Faults = faults
	if !ok {
		c.reads.Facts = c.reads.Facts[:facts]
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
	h := o.s.Handler
	if h == nil || h.Event == nil {
		o.s.Errorf(x.Span, "", "%s belongs to kernel.trace probes", x.Text)
		return nil
	}
	if x.Text != "$$vars" && x.Text != "$$parms" {
		o.s.Errorf(x.Span, diag.DidYouMean(x.Text, []string{"$$vars", "$$parms", "$$name", "$$system"}), "there is no %s", x.Text)
		return nil
	}
	return o.s.Variables()
}
