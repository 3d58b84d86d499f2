package check

import (
	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// showUnread adds an end probe for each global that the script writes and never
// reads: "Global variables which are written but never read will be displayed
// automatically at session shutdown" (man stap).
func (c *checker) showUnread(f *syntax.File) {
	var bodies []*syntax.Block
	for _, h := range c.probes {
		bodies = append(bodies, h.Bodies...)
	}
	for _, v := range c.Unread(f, bodies) {
		at := v.Global.Span
		name := &syntax.Name{Span: at, Text: v.Name}
		show := &syntax.Call{Span: at, Name: showForm, Args: []syntax.Expr{name}}
		c.add(c.points.End(at, &syntax.ExprStmt{X: show}))
	}
}

// showForm is the call of the probes that showUnread adds; no script can write
// it.
const showForm = ".show"

// show lowers the display of a global, in the form that SystemTap's translator
// gives it (add_global_var_display in its elaborate.cxx): an array from the
// largest value down.
func (s *scope) show(x *syntax.Call, _ ir.Type) (infer.Value, *ir.Node) {
	name := x.Args[0].(*syntax.Name)
	v := s.Lookup(name.Text)
	if v.Type == infer.Open { // written where nothing can come to
		return infer.Value{}, s.Node(ir.Block, ir.Void, x.Span)
	}
	if v.Shape != infer.Array {
		return infer.Value{}, s.showValue(v, name, nil)
	}
	each := &syntax.Foreach{Span: x.Span, Array: name, Descending: true}
	index := &syntax.Index{Span: x.Span, X: name}
	for _, k := range v.Keys {
		key := &syntax.Name{Span: x.Span, Text: "." + k.Name}
		each.Keys = append(each.Keys, &syntax.ForKey{Name: key})
		index.Keys = append(index.Keys, key)
	}
	each.Body = &syntax.ExprStmt{X: &syntax.Call{Span: x.Span, Name: showElementForm, Args: []syntax.Expr{index}}}
	return infer.Value{}, s.foreach(each)
}

// showElementForm is what show calls for each element.
const showElementForm = ".element"

func (s *scope) showElement(x *syntax.Call, _ ir.Type) (infer.Value, *ir.Node) {
	index := x.Args[0].(*syntax.Index)
	return infer.Value{}, s.showValue(s.arrayOf(index.X), index, index.Keys)
}

// shownStats are the statistics of an aggregate in the order of its display.
var shownStats = []string{"count", "min", "max", "sum", "avg"}

func (s *scope) showValue(v *infer.Variable, x syntax.Expr, keys []syntax.Expr) *ir.Node {
	at := x.Place()
	o := &output{s: s}
	o.text(v.Name)
	for i, k := range keys {
		o.text([]string{",", "["}[ir.Truth(i == 0)])
		o.quotedValue(k, v.Keys[i].Type)
	}
	if keys != nil {
		o.text("]")
	}
	if v.Type != ir.Stats {
		o.text("=")
		o.quotedValue(x, v.Type)
		return o.line(at)
	}
	for _, stat := range shownStats {
		o.text(" @" + stat + "=")
		o.value(&syntax.Builtin{Span: at, Name: stat, Args: []syntax.Expr{x}})
	}
	filled := o.line(at)
	if keys != nil {
		return filled
	}
	empty := &output{s: s}
	empty.text(v.Name + " @count=0x0") // as SystemTap has it, of one to which nothing was added
	count := s.expr(&syntax.Builtin{Span: at, Name: "count", Args: []syntax.Expr{x}}, ir.Long).Node
	return s.Node(ir.If, ir.Void, at, count, filled, empty.line(at))
}

func (o *output) quotedValue(x syntax.Expr, t ir.Type) {
	if t != ir.String {
		o.value(x)
		return
	}
	o.text(`"`)
	o.value(x)
	o.text(`"`)
}

// line is the print of what was gathered, and the end of the line.
func (o *output) line(at diag.Span) *ir.Node {
	o.text("\n")
	n := o.s.Node(ir.Print, ir.Void, at, o.args...)
	n.Int = o.s.site(ir.Site{Parts: o.parts, Slots: o.slots}, at)
	return n
}
