package syntax

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo/compiler/diag"
)

// drawing makes trees such as the parser makes, of every form.
type drawing struct{ t *rapid.T }

func (d drawing) pick(label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(d.t, label)
}
func (d drawing) coin(label string) bool { return rapid.Bool().Draw(d.t, label) }
func (d drawing) upTo(n int) int         { return rapid.IntRange(0, n).Draw(d.t, "number") }
func (d drawing) name() *Name            { return &Name{Text: d.pick("name", "a", "b", "x86", "limits", "trace")} }

func (d drawing) number() *NumberLit {
	n := int64(d.upTo(1 << 20))
	return &NumberLit{Text: strconv.FormatInt(n, 10), Value: n}
}

func (d drawing) text() *StringLit {
	return &StringLit{Text: d.pick("text", "", "a", "%d\n", `\`, `"`, "\x01\x7f\xff", "\x1b9", "ä", "%( %)", "\r\t")}
}

func (d drawing) list(n, depth int) []Expr {
	var list []Expr
	for range n {
		list = append(list, d.expr(depth))
	}
	return list
}

func (d drawing) leaf() Expr {
	switch d.upTo(6) {
	case 0:
		return d.number()
	case 1:
		return d.text()
	case 2:
		return &Target{Text: d.pick("target", "$prev", "$$vars", "$$name")}
	case 3:
		return &Builtin{Name: d.pick("builtin", "foo", "count")}
	case 4:
		return &Call{Name: "f"}
	}
	return d.name()
}

func (d drawing) expr(depth int) Expr {
	if depth == 0 {
		return d.leaf()
	}
	depth--
	switch d.upTo(14) {
	case 0:
		return &Builtin{Name: d.pick("builtin", "cast", "hist_log"), Args: d.list(1+d.upTo(2), depth)}
	case 1:
		return &Call{Name: d.pick("function", "f", "printf"), Args: d.list(d.upTo(2), depth)}
	case 2:
		return &Member{X: d.expr(depth), Name: d.pick("member", "pid", "in", "next")}
	case 3:
		keys := d.list(1+d.upTo(2), depth)
		if d.coin("any") {
			keys[0] = nil
		}
		return &Index{X: d.expr(depth), Keys: keys}
	case 4:
		return &Pretty{X: d.expr(depth), Deep: d.coin("deep")}
	case 5, 6:
		return &Unary{Op: d.pick("unary", "!", "~", "-", "+", "&"), X: d.expr(depth)}
	case 7:
		return &Step{Op: d.pick("step", "++", "--"), Before: d.coin("before"), X: d.expr(depth)}
	case 8:
		return &In{Keys: d.list(d.upTo(3), depth), Array: d.name()}
	case 9:
		return &Cond{If: d.expr(depth), Then: d.expr(depth), Else: d.expr(depth)}
	case 10:
		to := []Expr{d.name(), &Index{X: d.name(), Keys: d.list(1, depth)}, &Member{X: d.expr(depth), Name: "m"}, &Target{Text: "$t"}}
		return &Assign{Op: d.pick("assignment", "=", "<<<", "+=", "<<=", ".=", "%="), X: to[d.upTo(3)], Y: d.expr(depth)}
	}
	var ops []string
	for _, level := range levels {
		if level[0] != "in" {
			ops = append(ops, level...)
		}
	}
	return &Binary{Op: d.pick("operator", ops...), X: d.expr(depth), Y: d.expr(depth)}
}

func (d drawing) maybe(depth int) Expr {
	if d.coin("absent") {
		return nil
	}
	return d.expr(depth)
}

func (d drawing) block(depth int) *Block {
	b := &Block{}
	for range d.upTo(3) {
		b.List = append(b.List, d.stmt(depth))
	}
	return b
}

func (d drawing) stmt(depth int) Stmt {
	if depth == 0 {
		return &ExprStmt{X: d.expr(3)}
	}
	depth--
	switch d.upTo(9) {
	case 0:
		return d.block(depth)
	case 1:
		return &Empty{}
	case 2:
		s := &If{Cond: d.expr(2), Then: d.block(depth)}
		if d.coin("else") {
			s.Else = d.stmt(depth)
		} else {
			s.Then = d.stmt(depth)
		}
		return s
	case 3:
		if d.coin("while") {
			return &Loop{Cond: d.expr(2), Body: d.stmt(depth)}
		}
		return &Loop{For: true, Init: d.maybe(2), Cond: d.maybe(2), Post: d.maybe(2), Body: d.stmt(depth)}
	case 4:
		return d.foreach(depth)
	case 5:
		return &Jump{Word: d.pick("jump", "break", "continue", "next")}
	case 6:
		return &Return{X: d.maybe(2)}
	case 7:
		return &Delete{X: d.expr(2)}
	case 8:
		s := &Try{Body: d.block(depth), Catch: d.block(depth)}
		if d.coin("message") {
			s.Message = d.name()
		}
		return s
	}
	return &ExprStmt{X: d.expr(3)}
}

func (d drawing) foreach(depth int) *Foreach {
	f := &Foreach{Array: d.name(), Order: -1, Limit: d.maybe(1), Body: d.stmt(depth)}
	if d.coin("slice") {
		f.Array = &Index{X: d.name(), Keys: []Expr{nil, d.expr(1)}}
	}
	if d.coin("value") {
		f.Value = d.name()
	}
	for range 1 + d.upTo(2) {
		f.Keys = append(f.Keys, &ForKey{Name: d.name()})
	}
	if d.coin("sorted") {
		f.Order, f.Descending = d.upTo(len(f.Keys)), d.coin("descending")
	}
	f.SortBy = d.pick("by", "", "@count", "@max")
	return f
}

func (d drawing) points() []*Point {
	var list []*Point
	for range 1 + d.upTo(2) {
		p := &Point{}
		for range 1 + d.upTo(2) {
			c := &Component{Name: d.pick("component", "kernel", "trace", "*", "sys*", "*_x1", "next")}
			switch d.upTo(3) {
			case 0:
				c.Arg = d.text()
			case 1:
				c.Arg = d.number()
			case 2:
				c.Arg = &NumberLit{Text: "-5", Value: -5}
			}
			p.Components = append(p.Components, c)
		}
		switch d.upTo(2) {
		case 0:
			p.Optional = true
		case 1:
			p.Sufficient = true
		}
		list = append(list, p)
	}
	return list
}

func (d drawing) file() *File {
	f := &File{}
	for range d.upTo(2) {
		g := &Global{Name: d.name().Text, Private: d.coin("private"), Wraps: d.coin("wraps"), Array: d.coin("array")}
		g.Array = g.Array || g.Wraps
		if g.Array && d.coin("size") {
			g.Size = d.number()
		}
		if d.coin("init") {
			g.Init = []Expr{d.number(), d.text(), &NumberLit{Text: "-1", Value: -1}}[d.upTo(2)]
		}
		f.Globals = append(f.Globals, g)
	}
	types := []Type{Untyped, LongType, StringType}
	for range d.upTo(2) {
		fn := &Function{Name: d.name().Text, Private: d.coin("private"), Type: types[d.upTo(2)], Body: d.block(2)}
		for range d.upTo(2) {
			fn.Params = append(fn.Params, &Param{Name: d.name().Text, Type: types[d.upTo(2)]})
		}
		f.Functions = append(f.Functions, fn)
	}
	for range d.upTo(1) {
		f.Aliases = append(f.Aliases, &Alias{Names: d.points(), Behind: d.coin("behind"), Points: d.points(), Body: d.block(1)})
	}
	for range 1 + d.upTo(2) {
		f.Probes = append(f.Probes, &Probe{Points: d.points(), Body: d.block(3)})
	}
	return f
}

// What is printed of any tree parses to that tree.
func TestPrintAnyTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawing{t}.file()
		printed := Print(f)
		got, err := Parse(&diag.Source{Name: "printed", Text: printed}, Options{})
		if err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
		if diff := cmp.Diff(f, got, noPlaces); diff != "" {
			t.Fatalf("(-drawn +parsed)\n%s\n%s", diff, printed)
		}
	})
}
