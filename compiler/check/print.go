package check

import (
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/check/format"
	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// output gathers what a print has to say.
type output struct {
	s     *scope
	parts []ir.Part
	slots []ir.Slot
	args  []*ir.Node
}

func plain(verb rune) ir.Part {
	return ir.Part{Verb: verb, Width: ir.NoNumber, Prec: ir.NoNumber}
}

// text adds literal text to what is there.
func (o *output) text(t string) {
	if t == "" {
		return
	}
	if n := len(o.parts); n > 0 && o.parts[n-1].Verb == 0 {
		o.parts[n-1].Text += t
		return
	}
	o.parts = append(o.parts, ir.Part{Text: t, Width: ir.NoNumber, Prec: ir.NoNumber})
}

// slot adds a value without a directive of its own.
func (o *output) slot(n *ir.Node, render *ir.Render) {
	slot := ir.Slot{Type: n.Type, Size: 8, Render: render}
	if n.Op == ir.Bytes {
		slot.Type, slot.Size = ir.Void, int(n.Int+7)&^7
	}
	o.slots = append(o.slots, slot)
	o.args = append(o.args, n)
}

// put adds a value with a directive. A literal shown as it is becomes text.
func (o *output) put(p ir.Part, n *ir.Node, render *ir.Render) {
	bare := p.Width == ir.NoNumber && p.Prec == ir.NoNumber && !p.Minus && !p.Plus && !p.Space && !p.Alt && !p.Zero && render == nil
	switch {
	case bare && p.Verb == 's' && n.Op == ir.Text:
		o.text(n.Str)
		return
	case bare && (p.Verb == 'd' || p.Verb == 'i') && n.Op == ir.Const:
		o.text(strconv.FormatInt(n.Int, 10))
		return
	}
	o.parts = append(o.parts, p)
	o.slot(n, render)
}

// value adds an argument of the print family in the form that its type has.
func (o *output) value(x syntax.Expr) {
	if o.special(x, plain('s')) {
		return
	}
	v := o.s.expr(x, infer.Open)
	if v.Node.Type == ir.String {
		o.put(plain('s'), v.Node, nil)
	} else {
		o.put(plain('d'), v.Node, nil)
	}
}

// special adds what is printed though it is neither number nor string:
// "$x$", "$$vars", what functions of user space make of a value. These are
// told in user space. p is the directive, a %s.
func (o *output) special(x syntax.Expr, p ir.Part) bool {
	switch x := x.(type) {
	case *syntax.Pretty:
		return o.pretty(x, p)
	case *syntax.Target:
		return strings.HasPrefix(x.Text, "$$") && o.variables(x, p)
	case *syntax.Builtin:
		return x.Name == "choose_defined" && len(x.Args) == 2 && o.special(o.s.chosen(x), p)
	case *syntax.Call:
		f := o.s.c.builtin[x.Name]
		if !ir.ShownBy(f) || o.s.c.script[x.Name] != nil {
			return false
		}
		o.put(p, o.s.shown(x, f.Params[0]), &ir.Render{Call: x.Name})
		return true
	}
	return false
}

// shown lowers the argument of a function that user space makes text with.
func (s *scope) shown(x *syntax.Call, t ir.Type) *ir.Node {
	if len(x.Args) != 1 {
		s.Errorf(x.Span, "", "%s takes 1 argument, and %d are here", x.Name, len(x.Args))
		return s.Num(0, x.Span)
	}
	return s.expr(x.Args[0], t).Node
}

// site adds a site to the program and returns its number.
func (s *scope) site(site ir.Site, at diag.Span) int64 {
	site.Line, site.Column = s.Lines.Place(s.Span(at).Start)
	s.c.prog.Sites = append(s.c.prog.Sites, site)
	return int64(len(s.c.prog.Sites) - 1)
}

// printer is one of the print family.
type printer struct {
	text   bool   // sprint…: a string
	format bool   // …f
	delim  bool   // …d: a delimiter comes first
	end    string // …ln
}

var printers = map[string]printer{
	"print": {}, "println": {end: "\n"}, "printd": {delim: true}, "printdln": {delim: true, end: "\n"}, "printf": {format: true},
	"sprint": {text: true}, "sprintln": {text: true, end: "\n"}, "sprintd": {text: true, delim: true},
	"sprintdln": {text: true, delim: true, end: "\n"}, "sprintf": {text: true, format: true},
}

// print lowers a call of the print family to a statement, or a value.
func (s *scope) print(p printer, x *syntax.Call) (infer.Value, *ir.Node) {
	if !p.text && len(x.Args) == 1 && !p.format && !p.delim {
		if b, ok := x.Args[0].(*syntax.Builtin); ok && (b.Name == "hist_log" || b.Name == "hist_linear") {
			return infer.Value{}, s.printHistogram(b, p, x.Span)
		}
	}
	o := &output{s: s}
	if !o.arguments(p, x) {
		return infer.Value{Node: s.Text("", x.Span)}, s.Node(ir.Block, ir.Void, x.Span)
	}
	o.text(p.end)
	site := ir.Site{Parts: o.parts, Slots: o.slots}
	if !p.text {
		n := s.Node(ir.Print, ir.Void, x.Span, o.args...)
		n.Int = s.site(site, x.Span)
		return infer.Value{}, n
	}
	return infer.Value{Node: o.sprint(x.Span)}, nil
}

// sprint makes a string of the output.
func (o *output) sprint(at diag.Span) *ir.Node {
	for _, a := range o.args {
		if a.Op == ir.Bytes {
			o.s.Errorf(at, "print it", "what user space makes text of can be printed, and not kept")
			return o.s.Text("", at)
		}
	}
	if len(o.args) == 0 {
		all := ""
		for _, p := range o.parts {
			all += p.Text
		}
		return o.s.Text(all, at)
	}
	n := o.s.Node(ir.Sprint, ir.String, at, o.args...)
	n.Int = o.s.site(ir.Site{Parts: o.parts, Slots: o.slots}, at)
	return n
}

func (s *scope) printHistogram(b *syntax.Builtin, p printer, at diag.Span) *ir.Node {
	n := s.histogram(b)
	if n == nil {
		return s.Node(ir.Block, ir.Void, at)
	}
	if p.end == "" {
		return n
	}
	end := s.Node(ir.Print, ir.Void, at)
	o := &output{s: s}
	o.text(p.end)
	end.Int = s.site(ir.Site{Parts: o.parts}, at)
	return s.Node(ir.Block, ir.Void, at, n, end)
}

// arguments adds all of them.
func (o *output) arguments(p printer, x *syntax.Call) bool {
	s, args := o.s, x.Args
	if p.format {
		return o.formatted(x)
	}
	delim := ""
	if p.delim {
		lit, ok := (*syntax.StringLit)(nil), false
		if len(args) > 0 {
			lit, ok = args[0].(*syntax.StringLit)
		}
		if !ok || len(args) < 2 {
			s.Errorf(x.Span, `as in printd(",", a, b)`, "%s takes a literal string to stand between the values, and values", x.Name)
			return false
		}
		delim, args = lit.Text, args[1:]
	}
	if len(args) == 0 && p.end == "" {
		s.Errorf(x.Span, "", "%s takes what it prints", x.Name)
		return false
	}
	for i, a := range args {
		if i > 0 {
			o.text(delim)
		}
		o.value(a)
	}
	return true
}

// formatted adds what a format asks for.
func (o *output) formatted(x *syntax.Call) bool {
	s := o.s
	lit, ok := (*syntax.StringLit)(nil), false
	if len(x.Args) > 0 {
		lit, ok = x.Args[0].(*syntax.StringLit)
	}
	if !ok {
		s.Errorf(x.Span, `as in printf("%d\n", x)`, "%s takes a literal string for its format", x.Name)
		return false
	}
	parts, why := format.Parse(lit.Text)
	if why != "" {
		s.Errorf(lit.Span, "", "%s", why)
		return false
	}
	args := x.Args[1:]
	next := 0
	take := func() syntax.Expr {
		next++
		if next > len(args) {
			return nil
		}
		return args[next-1]
	}
	for i := range parts {
		d := &parts[i]
		if d.Verb == 0 {
			o.text(d.Text)
		} else {
			o.directive(d, take)
		}
	}
	if next != len(args) {
		s.Errorf(x.Span, "", "the format takes %s, and %d are here", diag.Count(next, "value"), len(args))
		return false
	}
	return true
}

// directive adds one directive and the arguments that it takes.
func (o *output) directive(d *format.Directive, take func() syntax.Expr) {
	s := o.s
	part := d.Part
	var stars []*ir.Node
	for _, field := range []*int{&part.Width, &part.Prec} {
		if *field != ir.FromSlot {
			continue
		}
		if x := take(); x != nil {
			n := s.argument(x, ir.Long, d)
			if n.Op == ir.Const && n.Int >= 0 && n.Int <= format.MaxField {
				*field = int(n.Int)
			} else {
				stars = append(stars, n)
			}
		}
	}
	x := take()
	if x == nil {
		return
	}
	for _, n := range stars {
		o.slot(n, nil)
	}
	switch d.Verb {
	case 's':
		if !o.special(x, part) {
			o.put(part, s.argument(x, ir.String, d), nil)
		}
	case 'm', 'M':
		o.dump(part, d, x)
	default:
		o.put(part, s.argument(x, ir.Long, d), nil)
	}
}

// argument lowers what a directive takes.
func (s *scope) argument(x syntax.Expr, want ir.Type, d *format.Directive) *ir.Node {
	v := s.expr(x, infer.Open)
	if v.Node.Type != want && v.Node.Type != infer.Open && !v.Void {
		hint := ""
		switch {
		case want == ir.String && v.C != nil:
			hint = "read the text with kernel_string(…)"
		case want == ir.String:
			hint = "%d shows a number"
		default:
			hint = "%s shows a string"
		}
		s.Errorf(x.Place(), hint, "%s takes %s, and this is %s", d.Source, infer.Article(want), infer.Article(v.Node.Type))
		return s.Bad(want, x.Place())
	}
	return s.Demand(v, want, x.Place()).Node
}

// maxDump bounds what %m reads at once.
const maxDump = 1024

// dump adds memory shown byte by byte; %#m is user space's.
func (o *output) dump(part ir.Part, d *format.Directive, x syntax.Expr) {
	s := o.s
	size := max(part.Prec, 1)
	if part.Prec == ir.FromSlot || size > maxDump {
		s.Errorf(x.Place(), `as in "%.16M"`, "%s: the precision says how many bytes are read, a constant up to %d", d.Source, maxDump)
		return
	}
	n := s.Node(ir.Bytes, ir.Void, x.Place(), s.argument(x, ir.Long, d))
	n.Int = int64(size)
	n.Mem = &ir.Mem{Size: 1, User: part.Alt, What: s.Said(x.Place())}
	o.parts = append(o.parts, part)
	o.slot(n, nil)
}
