package check

import (
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// The limits of what "$x$" shows.
const (
	maxPretty   = 1024 // bytes of one value
	maxElems    = 8    // of an array
	maxMembers  = 256
	prettyDepth = 8 // of "$x$$"
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
	u, ok := s.c.bare(t.typ)
	if ok && u.expr.Shape == tpinfo.ShapePointer {
		inner, known := s.c.bare(u.elem())
		if known && (inner.isStruct() || isChar(inner.def)) {
			v, ok := s.load(t)
			if !ok {
				return
			}
			if isChar(inner.def) {
				o.quoted(v.n, p, t.at)
				return
			}
			t = s.start(v.n, u.elem(), t.at)
			u = inner
		}
	}
	if ok && u.expr.Shape == tpinfo.ShapeArray && u.expr.Count <= 0 {
		o.unbounded(t, &u, p)
		return
	}
	if ok && (u.isStruct() || u.expr.Shape == tpinfo.ShapeArray) {
		o.memory(t, deep, p)
		return
	}
	v, loaded := s.load(t)
	switch {
	case !loaded:
	case ok && u.expr.Shape == tpinfo.ShapePointer:
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
func (o *output) unbounded(t target, u *unaliased, p ir.Part) {
	if elem, ok := o.s.c.bare(u.elem()); ok && isChar(elem.def) {
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
	size := s.c.sizeOf(t.typ)
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
	d := drawer{s: s, limit: shown, left: maxMembers}
	r := d.render(t.typ, 0, depth)
	if d.end == 0 {
		d.end = 1
	}
	n := s.node(ir.Bytes, ir.Void, t.at, s.addressOf(t))
	n.Int = (d.end + 7) &^ 7
	if n.Int > int64(size) {
		n.Int = d.end
	}
	n.Mem = &ir.Mem{Size: 1, What: s.source(t.at)}
	p.Verb = 'r'
	o.put(p, n, r)
	s.c.facts = append(s.c.facts, d.facts...)
}

// drawer makes the description that user space shows bytes by.
type drawer struct {
	s     *scope
	limit int64 // bytes that are sent at most
	left  int   // members that may still be shown
	end   int64 // bytes that what is shown takes
	facts []ir.Fact
}

// unshown is a value that is left out.
func unshown(r *ir.Render) *ir.Render { r.Struct, r.More = true, true; return r }

// render describes a value of a type at an offset; depth counts what may open
// up yet.
func (d *drawer) render(t *ctype, offset int64, depth int) *ir.Render {
	r := &ir.Render{Offset: int(offset)}
	u, ok := d.s.c.bare(t)
	if !ok {
		return r
	}
	switch {
	case u.isStruct():
		if depth == 0 {
			return unshown(r)
		}
		r.Struct = true
		d.members(r, &u, offset, depth-1)
		return r
	case u.expr.Shape == tpinfo.ShapeArray:
		d.array(r, &u, offset, depth)
		return r
	}
	m, why := d.s.c.mem(&u)
	if why != "" {
		return r
	}
	r.Mem, r.Pointer = m, u.expr.Shape == tpinfo.ShapePointer
	d.end = max(d.end, offset+int64(m.Size))
	return r
}

func (d *drawer) members(r *ir.Render, u *unaliased, offset int64, depth int) {
	for i := range u.def.Members {
		m := &u.def.Members[i]
		size := int64(m.Size)
		if d.left == 0 || !m.Offset.Known() || !m.Size.Known() || offset+int64(m.Offset)+size > d.limit {
			r.More = true
			return
		}
		d.left--
		t := d.s.c.parse(m.Type, m.Anon)
		if t == nil {
			continue
		}
		if m.Name == "" { // its members are shown as the parent's
			inner, ok := d.s.c.bare(t)
			if ok && inner.isStruct() && depth >= 0 {
				d.members(r, &inner, offset+int64(m.Offset), depth)
			}
			continue
		}
		var shown *ir.Render
		if m.BitSize > 0 {
			shown = d.bitfield(t, m, offset)
		} else {
			shown = d.render(t, offset+int64(m.Offset), depth)
		}
		shown.Name = m.Name
		r.Members = append(r.Members, shown)
		if u.def.Name != "" {
			d.facts = append(d.facts, ir.Fact{
				Type: u.def.Name, Member: m.Name, Offset: int64(m.Offset), Size: size, BitOffset: m.BitOffset, BitSize: m.BitSize, CType: m.Type,
			})
		}
	}
}

func (d *drawer) bitfield(t *ctype, m *tpinfo.Member, offset int64) *ir.Render {
	r := &ir.Render{Offset: int(offset + int64(m.Offset))}
	u, ok := d.s.c.bare(t)
	if !ok {
		return r
	}
	mem, why := d.s.c.mem(&u)
	if why != "" {
		return r
	}
	mem.BitOffset, mem.BitSize = m.BitOffset, m.BitSize
	mem.Size = (m.BitOffset + m.BitSize + 7) / 8
	d.end = max(d.end, int64(r.Offset+mem.Size))
	r.Mem = mem
	return r
}

func (d *drawer) array(r *ir.Render, u *unaliased, offset int64, depth int) {
	elem := u.elem()
	size := d.s.c.sizeOf(elem)
	n := max(u.expr.Count, 0)
	inner, ok := d.s.c.bare(elem)
	if ok && isChar(inner.def) && n > 0 {
		r.Chars = int(min(n, d.limit-offset))
		d.end = max(d.end, offset+int64(r.Chars))
		return
	}
	r.Array = true
	if !size.Known() {
		r.More = true
		return
	}
	for i := range n {
		if i == maxElems || d.left == 0 || offset+(i+1)*int64(size) > d.limit {
			r.More = true
			return
		}
		d.left--
		at := offset + i*int64(size)
		if inner.isStruct() && depth <= 1 {
			r.Members = append(r.Members, unshown(&ir.Render{Offset: int(at)}))
			continue
		}
		r.Members = append(r.Members, d.render(elem, at, depth-1))
	}
}

// isChar tells plain char, which arrays of are text.
func isChar(t *tpinfo.Type) bool {
	return t != nil && t.Kind == tpinfo.KindBase && t.Name == "char"
}

// variables adds "$$vars", "$$parms", "$$name" and "$$system".
func (o *output) variables(x *syntax.Target, p ir.Part) bool {
	s, h := o.s, o.s.handler
	if h == nil || h.event == nil {
		s.errorf(x.Span, "", "%s belongs to kernel.trace probes", x.Text)
		return true
	}
	switch x.Text {
	case "$$name":
		o.put(p, s.text(h.event.Name, x.Span), nil)
	case "$$system":
		o.put(p, s.text(h.event.System, x.Span), nil)
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
	if h == nil || h.event == nil {
		o.s.errorf(x.Span, "", "%s belongs to kernel.trace probes", x.Text)
		return nil
	}
	if x.Text != "$$vars" && x.Text != "$$parms" {
		o.s.errorf(x.Span, didYouMean(x.Text, []string{"$$vars", "$$parms", "$$name", "$$system"}), "there is no %s", x.Text)
		return nil
	}
	if h.probe.Kind != ir.Tracepoint {
		return argumentNames(h.event)
	}
	var names []string
	if h.event.Record == nil {
		return nil // which is in error
	}
	for i := range h.event.Record.Fields {
		if f := &h.event.Record.Fields[i]; f.Offset >= hiddenBytes {
			names = append(names, "$"+f.Name)
		}
	}
	return names
}
