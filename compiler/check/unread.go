package check

import (
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// showUnread adds an end probe for each global that the script writes and never
// reads: "Global variables which are written but never read will be displayed
// automatically at session shutdown" (man stap).
func (c *checker) showUnread(f *syntax.File) {
	u := usage{read: map[string]bool{}, written: map[string]bool{}}
	for _, h := range c.probes {
		for _, b := range h.Bodies {
			u.stmt(b)
		}
	}
	for _, fn := range f.Functions {
		u.params = map[string]bool{}
		for _, p := range fn.Params {
			u.params[p.Name] = true
		}
		u.stmt(fn.Body)
	}
	for _, v := range c.order {
		if !u.written[v.name] || u.read[v.name] {
			continue
		}
		at := v.global.Span
		name := &syntax.Name{Span: at, Text: v.name}
		show := &syntax.Call{Span: at, Name: showForm, Args: []syntax.Expr{name}}
		h := c.newHandler(c.points.End(at, &syntax.ExprStmt{X: show}))
		c.probes = append(c.probes, h)
	}
}

// showForm is the call of the probes that showUnread adds; no script can write
// it.
const showForm = ".show"

// usage tells which names a script reads and writes. What only changes its own
// value, as x++ does where nothing takes it, is not read.
type usage struct {
	read, written map[string]bool
	params        map[string]bool // of the function, which hide globals
}

func (u *usage) stmt(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.Block:
		for _, inner := range s.List {
			u.stmt(inner)
		}
	case *syntax.ExprStmt:
		u.effect(s.X)
	case *syntax.If:
		u.expr(s.Cond)
		u.stmt(s.Then)
		u.stmt(s.Else)
	case *syntax.Loop:
		u.effect(s.Init)
		u.expr(s.Cond)
		u.effect(s.Post)
		u.stmt(s.Body)
	case *syntax.Foreach:
		for _, k := range s.Keys {
			u.note(u.written, k.Name)
		}
		if s.Value != nil {
			u.note(u.written, s.Value)
		}
		u.expr(s.Array)
		u.expr(s.Limit)
		u.stmt(s.Body)
	case *syntax.Return:
		u.expr(s.X)
	case *syntax.Delete:
		u.place(s.X)
	case *syntax.Try:
		u.stmt(s.Body)
		if s.Message != nil {
			u.note(u.written, s.Message)
		}
		u.stmt(s.Catch)
	}
}

func (u *usage) note(set map[string]bool, name *syntax.Name) {
	if !u.params[name.Text] {
		set[name.Text] = true
	}
}

// effect is an expression whose value nothing takes.
func (u *usage) effect(x syntax.Expr) {
	switch x := x.(type) {
	case *syntax.Assign:
		u.place(x.X)
		u.expr(x.Y)
	case *syntax.Step:
		u.place(x.X)
	default:
		u.expr(x)
	}
}

// place is written to, or deleted.
func (u *usage) place(x syntax.Expr) {
	switch x := x.(type) {
	case *syntax.Name:
		u.note(u.written, x)
	case *syntax.Index:
		u.place(x.X)
		for _, k := range x.Keys {
			u.expr(k)
		}
	default:
		u.expr(x)
	}
}

func (u *usage) expr(x syntax.Expr) {
	switch x := x.(type) {
	case nil:
	case *syntax.Name:
		u.note(u.read, x)
	case *syntax.Assign:
		u.place(x.X)
		if x.Op != "=" {
			u.expr(x.X)
		}
		u.expr(x.Y)
	case *syntax.Step:
		u.place(x.X)
		u.expr(x.X)
	default:
		for _, y := range syntax.Operands(x) {
			u.expr(y)
		}
	}
}

// show lowers the display of a global, in the form that SystemTap's translator
// gives it (add_global_var_display in its elaborate.cxx): an array from the
// largest value down.
func (s *scope) show(x *syntax.Call, _ ir.Type) (val, *ir.Node) {
	name := x.Args[0].(*syntax.Name)
	v := s.lookup(name.Text)
	if v.typ == open { // written where nothing can come to
		return val{}, s.node(ir.Block, ir.Void, x.Span)
	}
	if v.shape != array {
		return val{}, s.showValue(v, name, nil)
	}
	each := &syntax.Foreach{Span: x.Span, Array: name, Descending: true}
	index := &syntax.Index{Span: x.Span, X: name}
	for _, k := range v.keys {
		key := &syntax.Name{Span: x.Span, Text: "." + k.name}
		each.Keys = append(each.Keys, &syntax.ForKey{Name: key})
		index.Keys = append(index.Keys, key)
	}
	each.Body = &syntax.ExprStmt{X: &syntax.Call{Span: x.Span, Name: showElementForm, Args: []syntax.Expr{index}}}
	return val{}, s.foreach(each)
}

// showElementForm is what show calls for each element.
const showElementForm = ".element"

func (s *scope) showElement(x *syntax.Call, _ ir.Type) (val, *ir.Node) {
	index := x.Args[0].(*syntax.Index)
	return val{}, s.showValue(s.arrayOf(index.X), index, index.Keys)
}

// shownStats are the statistics of an aggregate in the order of its display.
var shownStats = []string{"count", "min", "max", "sum", "avg"}

func (s *scope) showValue(v *variable, x syntax.Expr, keys []syntax.Expr) *ir.Node {
	at := x.Place()
	o := &output{s: s}
	o.text(v.name)
	for i, k := range keys {
		o.text([]string{",", "["}[truth(i == 0)])
		o.quotedValue(k, v.keys[i].typ)
	}
	if keys != nil {
		o.text("]")
	}
	if v.typ != ir.Stats {
		o.text("=")
		o.quotedValue(x, v.typ)
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
	empty.text(v.name + " @count=0x0") // as SystemTap has it, of one to which nothing was added
	count := s.expr(&syntax.Builtin{Span: at, Name: "count", Args: []syntax.Expr{x}}, ir.Long).n
	return s.node(ir.If, ir.Void, at, count, filled, empty.line(at))
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
	n := o.s.node(ir.Print, ir.Void, at, o.args...)
	n.Int = o.s.site(ir.Site{Parts: o.parts, Slots: o.slots}, at)
	return n
}
