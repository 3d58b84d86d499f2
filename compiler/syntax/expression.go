package syntax

import "strings"

// levels are the binary operators, those that bind loosest first; all of one
// level lean to the left. The order is SystemTap's (its parse.cxx): "." binds
// closer than shifts, comparisons closer than "in" and "&".
var levels = [][]string{
	{"||"}, {"&&"}, {"|"}, {"^"}, {"&"}, {"in"},
	{"==", "!=", "<", ">", "<=", ">=", "=~", "!~"},
	{"<<", ">>"}, {"."}, {"+", "-"}, {"*", "/", "%"},
}

var assignments = map[string]bool{
	"=": true, "<<<": true, "+=": true, "-=": true, "*=": true, "/=": true, "%=": true,
	"&=": true, "^=": true, "|=": true, "<<=": true, ">>=": true, ".=": true,
}

func (p *parser) expression() Expr {
	defer p.enter()()
	x := p.ternary()
	t := p.peek()
	if t.Kind != OperatorToken || !assignments[t.Text] {
		return x
	}
	switch x.(type) {
	case *Name, *Target, *Index, *Member:
	default:
		p.fail("", "what is before %q cannot be assigned to", t.Text)
	}
	p.take()
	y := p.expression()
	return &Assign{Span: x.Place().To(y.Place()), Op: t.Text, X: x, Y: y}
}

func (p *parser) ternary() Expr {
	x := p.binary(0)
	if !p.accept("?") {
		return x
	}
	then := p.expression()
	p.expect(":", "between the two values of ?")
	other := p.expression()
	return &Cond{Span: x.Place().To(other.Place()), If: x, Then: then, Else: other}
}

func (p *parser) binary(level int) Expr {
	if level == len(levels) {
		return p.unary()
	}
	x := p.tuple(level)
	for {
		op := p.operator(level)
		if op == "" {
			return x
		}
		p.take()
		if op == "in" {
			array := p.variable("an array")
			x = &In{Span: x.Place().To(array.Span), Keys: []Expr{x}, Array: array}
			continue
		}
		y := p.binary(level + 1)
		x = &Binary{Span: x.Place().To(y.Place()), Op: op, X: x, Y: y}
	}
}

// operator is the next token if it is an operator of the level, else "".
func (p *parser) operator(level int) string {
	for _, op := range levels[level] {
		if p.is(op) {
			return op
		}
	}
	return ""
}

// tuple reads the left side of a level; that of "in" may be "[a, b]".
func (p *parser) tuple(level int) Expr {
	if levels[level][0] != "in" || !p.is("[") {
		return p.binary(level + 1)
	}
	open := p.take()
	keys := p.list("]", "behind the keys")
	p.expect("in", "behind [keys]")
	array := p.variable("an array")
	return &In{Span: open.Span.To(array.Span), Keys: keys, Array: array}
}

// list reads expressions up to and including the token that closes it.
func (p *parser) list(closing, where string) []Expr {
	var list []Expr
	for !p.is(closing) {
		list = append(list, p.expression())
		if !p.accept(",") {
			break
		}
	}
	p.expect(closing, where)
	return list
}

func (p *parser) unary() Expr {
	defer p.enter()()
	t := p.peek()
	if t.Kind == OperatorToken {
		switch t.Text {
		case "!", "~", "-", "+", "&":
			p.take()
			x := p.unary()
			return &Unary{Span: t.Span.To(x.Place()), Op: t.Text, X: x}
		case "++", "--":
			p.take()
			x := p.unary()
			return &Step{Span: t.Span.To(x.Place()), Op: t.Text, Before: true, X: x}
		}
	}
	return p.postfix(p.value())
}

// postfix reads what stands behind a value: "->m", "[i]", "++", and the "$" of
// pretty forms.
func (p *parser) postfix(x Expr) Expr {
	for {
		t := p.peek()
		switch {
		case t.Kind == OperatorToken && t.Text == "->":
			p.take()
			m := p.peek()
			if m.Kind != NameToken && m.Kind != KeywordToken {
				p.fail("", "expected a member's name behind ->, found %s", p.found())
			}
			p.take()
			x = &Member{Span: x.Place().To(m.Span), X: x, Name: m.Text}
		case t.Kind == OperatorToken && t.Text == "[":
			x = p.index(x)
		case t.Kind == OperatorToken && (t.Text == "$" || t.Text == "$$") && !t.Spaced:
			p.take()
			return &Pretty{Span: x.Place().To(t.Span), X: x, Deep: t.Text == "$$"}
		case t.Kind == OperatorToken && (t.Text == "++" || t.Text == "--"):
			p.take()
			return &Step{Span: x.Place().To(t.Span), Op: t.Text, X: x}
		default:
			return x
		}
	}
}

// index reads "[a, b]"; "*" stands for any key, in foreach.
func (p *parser) index(x Expr) *Index {
	defer p.enter()()
	p.expect("[", "before the keys")
	i := &Index{X: x}
	for {
		if p.is("*") && p.ahead(1).Kind == OperatorToken && (p.ahead(1).Text == "," || p.ahead(1).Text == "]") {
			p.take()
			i.Keys = append(i.Keys, nil)
		} else {
			i.Keys = append(i.Keys, p.expression())
		}
		if !p.accept(",") {
			break
		}
	}
	i.Span = x.Place().To(p.expect("]", "behind the keys").Span)
	return i
}

func (p *parser) value() Expr {
	t := p.peek()
	switch t.Kind {
	case NumberToken:
		p.take()
		return &NumberLit{Span: t.Span, Text: t.Text, Value: t.Value}
	case StringToken:
		p.take()
		return &StringLit{Span: t.Span, Text: t.Text}
	case TargetToken:
		p.take()
		return &Target{Span: t.Span, Text: t.Text}
	case AtToken:
		p.take()
		b := &Builtin{Span: t.Span, Name: strings.TrimPrefix(t.Text, "@")}
		if p.accept("(") {
			b.Args = p.list(")", "behind what @"+b.Name+" takes")
			b.Span.End = p.tokens[p.at-1].Span.End
		}
		return b
	case NameToken:
		p.take()
		if !p.accept("(") {
			return &Name{Span: t.Span, Text: t.Text}
		}
		c := &Call{Span: t.Span, Name: t.Text, Args: p.list(")", "behind the arguments of "+t.Text)}
		c.Span.End = p.tokens[p.at-1].Span.End
		return c
	}
	if p.embedded() {
		return &NumberLit{Span: t.Span, Text: "0"}
	}
	if p.accept("(") {
		x := p.expression()
		p.expect(")", "behind the expression")
		return x
	}
	p.fail("", "expected a value, found %s", p.found())
	return nil
}
