package syntax

import (
	"fmt"
	"slices"
	"strings"
)

// Print writes a script as text that parses to the same tree: globals first,
// then functions, aliases and probes.
func Print(f *File) string {
	p := &printer{}
	for _, g := range f.Globals {
		p.line("%s", printGlobal(g))
	}
	for _, fn := range f.Functions {
		params := make([]string, len(fn.Params))
		for i, param := range fn.Params {
			params[i] = param.Name + printType(param.Type)
		}
		word := "function "
		if fn.Private {
			word = "private function "
		}
		p.headed(word+fn.Name+printType(fn.Type)+"("+strings.Join(params, ", ")+")", fn.Body)
	}
	for _, a := range f.Aliases {
		sign := " = "
		if a.Behind {
			sign = " += "
		}
		p.headed("probe "+printPoints(a.Names)+sign+printPoints(a.Points), a.Body)
	}
	for _, probe := range f.Probes {
		p.headed("probe "+printPoints(probe.Points), probe.Body)
	}
	return p.text.String()
}

type printer struct {
	text   strings.Builder
	indent int
}

func (p *printer) line(format string, args ...any) {
	p.text.WriteString(strings.Repeat("\t", p.indent))
	fmt.Fprintf(&p.text, format+"\n", args...)
}

func printType(t Type) string {
	if t == Untyped {
		return ""
	}
	return ":" + string(t)
}

func printGlobal(g *Global) string {
	s := "global " + g.Name
	if g.Private {
		s = "private " + s
	}
	if g.Wraps {
		s += "%"
	}
	switch {
	case g.Size != nil:
		s += "[" + g.Size.Text + "]"
	case g.Array && !g.Wraps:
		s += "[]"
	}
	if g.Init != nil {
		s += " = " + printExpr(g.Init, lowest)
	}
	return s
}

func printPoints(list []*Point) string {
	parts := make([]string, len(list))
	for i, pt := range list {
		names := make([]string, len(pt.Components))
		for j, c := range pt.Components {
			names[j] = c.Name
			if c.Arg != nil {
				names[j] += "(" + printExpr(c.Arg, lowest) + ")"
			}
		}
		parts[i] = strings.Join(names, ".")
		switch {
		case pt.Optional:
			parts[i] += "?"
		case pt.Sufficient:
			parts[i] += "!"
		}
	}
	return strings.Join(parts, ", ")
}

// headed writes a head and the statement under it: a block on the same line,
// another indented on the next.
func (p *printer) headed(head string, body Stmt) {
	b, ok := body.(*Block)
	if !ok {
		p.line("%s", head)
		p.indent++
		p.stmt(body)
		p.indent--
		return
	}
	p.line("%s {", head)
	p.inside(b)
	p.line("}")
}

func (p *printer) inside(b *Block) {
	p.indent++
	for _, s := range b.List {
		p.stmt(s)
	}
	p.indent--
}

func (p *printer) stmt(s Stmt) {
	switch s := s.(type) {
	case *Block:
		p.line("{")
		p.inside(s)
		p.line("}")
	case *ExprStmt:
		p.line("%s;", printExpr(s.X, lowest))
	case *Empty:
		p.line(";")
	case *If:
		p.headed("if ("+printExpr(s.Cond, lowest)+")", s.Then)
		if s.Else != nil {
			p.headed("else", s.Else)
		}
	case *Loop:
		head := "while (" + printExpr(s.Cond, lowest) + ")"
		if s.For {
			part := func(x Expr) string {
				if x == nil {
					return ""
				}
				return printExpr(x, lowest)
			}
			head = "for (" + part(s.Init) + "; " + part(s.Cond) + "; " + part(s.Post) + ")"
		}
		p.headed(head, s.Body)
	case *Foreach:
		p.headed(printForeach(s), s.Body)
	case *Jump:
		p.line("%s;", s.Word)
	case *Return:
		if s.X == nil {
			p.line("return;")
		} else {
			p.line("return %s;", printExpr(s.X, lowest))
		}
	case *Delete:
		p.line("delete %s;", printExpr(s.X, lowest))
	case *Try:
		p.headed("try", s.Body)
		head := "catch"
		if s.Message != nil {
			head += " (" + s.Message.Text + ")"
		}
		p.headed(head, s.Catch)
	}
}

func printForeach(f *Foreach) string {
	sign := func(what int) string {
		switch {
		case f.Order != what:
			return ""
		case f.Descending:
			return "-"
		}
		return "+"
	}
	keys := make([]string, len(f.Keys))
	for i, k := range f.Keys {
		keys[i] = k.Name.Text + sign(i+1)
	}
	s := "foreach ("
	if f.Value != nil {
		s += f.Value.Text + " = "
	}
	s += "[" + strings.Join(keys, ", ") + "] in " + printExpr(f.Array, lowest)
	if f.SortBy != "" {
		s += " " + f.SortBy + " "
	}
	s += sign(0)
	if f.Limit != nil {
		s += " limit " + printExpr(f.Limit, lowest)
	}
	return s + ")"
}

// How closely things bind, beside the levels of binary operators.
const (
	lowest  = -2 // assignments
	choice  = -1 // ?:
	prefix  = 100
	closest = 101
)

func levelOf(op string) int {
	for level, ops := range levels {
		for _, o := range ops {
			if o == op {
				return level
			}
		}
	}
	return closest
}

// printExpr writes an expression, in parentheses where it binds less closely
// than its surroundings need.
func printExpr(x Expr, need int) string {
	s, have := spell(x)
	if have < need {
		return "(" + s + ")"
	}
	return s
}

// spell writes an expression and says how closely it binds.
func spell(x Expr) (string, int) {
	switch x := x.(type) {
	case *Name:
		return x.Text, closest
	case *NumberLit:
		return x.Text, closest
	case *StringLit:
		return quote(x.Text), closest
	case *Target:
		return x.Text, closest
	case *Builtin:
		if len(x.Args) == 0 {
			return "@" + x.Name, closest
		}
		return "@" + x.Name + "(" + printList(x.Args) + ")", closest
	case *Member:
		return printExpr(x.X, closest) + "->" + x.Name, closest
	case *Index:
		return printExpr(x.X, closest) + "[" + printList(x.Keys) + "]", closest
	case *Pretty:
		if x.Deep {
			return printExpr(x.X, closest) + "$$", prefix
		}
		return printExpr(x.X, closest) + "$", prefix
	case *Call:
		return x.Name + "(" + printList(x.Args) + ")", closest
	case *Unary:
		return before(x.Op, printExpr(x.X, prefix)), prefix
	case *Step:
		if x.Before {
			return before(x.Op, printExpr(x.X, prefix)), prefix
		}
		return printExpr(x.X, closest) + x.Op, prefix
	case *Binary:
		level := levelOf(x.Op)
		return printExpr(x.X, level) + " " + x.Op + " " + printExpr(x.Y, level+1), level
	case *In:
		level := levelOf("in")
		keys := "[" + printList(x.Keys) + "]"
		if len(x.Keys) == 1 {
			// Brackets and not parentheses around one that needs them: they
			// nest less deep.
			if key, have := spell(x.Keys[0]); have >= level {
				keys = key
			}
		}
		return keys + " in " + printExpr(x.Array, closest), level
	case *Cond:
		return printExpr(x.If, 0) + " ? " + printExpr(x.Then, lowest) + " : " + printExpr(x.Else, lowest), choice
	case *Assign:
		return printExpr(x.X, closest) + " " + x.Op + " " + printExpr(x.Y, lowest), lowest
	}
	return "", closest
}

// before sets an operator before an operand, apart where they would run into
// one token, as "-" and "-x" or "!" and "~x" do.
func before(op, operand string) string {
	if operand != "" && slices.Contains(operators, op[len(op)-1:]+operand[:1]) {
		return op + " " + operand
	}
	return op + operand
}

func printList(list []Expr) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = "*"
		if x != nil {
			parts[i] = printExpr(x, lowest)
		}
	}
	return strings.Join(parts, ", ")
}
