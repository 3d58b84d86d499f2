package syntax

import "strings"

func (p *parser) block(what string) *Block {
	defer p.enter()()
	b := &Block{Span: p.peek().Span}
	if p.embedded() {
		return b
	}
	p.expect("{", "for "+what)
	for !p.is("}") {
		if p.peek().Kind == EndToken {
			p.fail("", "expected \"}\" at the end of %s, found %s", what, p.found())
		}
		p.recovering(func() { b.List = append(b.List, p.statement()) }, p.skipStatement)
	}
	b.Span = b.Span.To(p.take().Span)
	return b
}

// skipStatement goes behind the next ";", or to a "}" or a declaration.
func (p *parser) skipStatement() {
	for depth := 0; p.peek().Kind != EndToken; p.take() {
		switch {
		case p.is("{"):
			depth++
		case p.is("}") && depth == 0:
			return
		case p.is("}"):
			depth--
		case p.is(";") && depth == 0:
			p.take()
			return
		case p.is("probe"), p.is("function"), p.is("global"):
			return
		}
	}
}

func (p *parser) statement() Stmt {
	defer p.enter()()
	t := p.peek()
	if t.Kind == KeywordToken {
		switch t.Text {
		case "if":
			return p.ifStmt()
		case "while":
			p.take()
			l := &Loop{Cond: p.condition("while")}
			l.Body = p.statement()
			l.Span = t.Span.To(l.Body.Place())
			return l
		case "for":
			return p.forStmt()
		case "foreach":
			return p.foreach()
		case "break", "continue", "next":
			p.take()
			return p.ended(&Jump{Span: t.Span, Word: t.Text})
		case "return":
			p.take()
			r := &Return{Span: t.Span}
			if !p.is(";") && !p.is("}") {
				r.X = p.expression()
				r.Span = t.Span.To(r.X.Place())
			}
			return p.ended(r)
		case "delete":
			p.take()
			x := p.expression()
			return p.ended(&Delete{Span: t.Span.To(x.Place()), X: x})
		case "try":
			return p.try()
		}
	}
	switch {
	case p.is("{"), t.Kind == EmbeddedToken:
		return p.block("the block")
	case p.accept(";"):
		return &Empty{Span: t.Span}
	}
	return p.ended(&ExprStmt{X: p.expression()})
}

// ended takes the ";" that may stand behind a statement.
func (p *parser) ended(s Stmt) Stmt {
	p.accept(";")
	return s
}

func (p *parser) condition(word string) Expr {
	p.expect("(", "behind "+word)
	x := p.expression()
	p.expect(")", "behind the condition")
	return x
}

func (p *parser) ifStmt() Stmt {
	start := p.take().Span
	s := &If{Cond: p.condition("if")}
	s.Then = p.statement()
	s.Span = start.To(s.Then.Place())
	if p.accept("else") {
		s.Else = p.statement()
		s.Span = start.To(s.Else.Place())
	}
	return s
}

func (p *parser) forStmt() Stmt {
	start := p.take().Span
	l := &Loop{For: true}
	p.expect("(", "behind for")
	part := func(end string) Expr {
		if p.is(end) {
			return nil
		}
		return p.expression()
	}
	l.Init = part(";")
	p.expect(";", "in for (start; condition; step)")
	l.Cond = part(";")
	p.expect(";", "in for (start; condition; step)")
	l.Post = part(")")
	p.expect(")", "behind the head of for")
	l.Body = p.statement()
	l.Span = start.To(l.Body.Place())
	return l
}

// foreach reads "foreach ([k1+, k2] in a limit 5)", "foreach (k in a-)",
// "foreach (v = [k] in a[*, 1] @count -)", "foreach (v- = k in a)".
func (p *parser) foreach() Stmt {
	start := p.take().Span
	f := &Foreach{Order: -1}
	p.expect("(", "behind foreach")
	if sorted := p.ahead(1).operator("+") || p.ahead(1).operator("-"); p.peek().Kind == NameToken &&
		(p.ahead(1).operator("=") || sorted && p.ahead(2).operator("=")) {
		f.Value = p.variable("the value's name")
		p.order(f, 0)
		p.take()
	}
	if p.accept("[") {
		for {
			p.forKey(f)
			if !p.accept(",") {
				break
			}
		}
		p.expect("]", "behind the keys")
	} else {
		p.forKey(f)
	}
	p.expect("in", "before the array")
	name := p.variable("an array")
	f.Array = name
	if p.is("[") {
		f.Array = p.index(name)
	}
	if p.peek().Kind == AtToken {
		f.SortBy = p.take().Text
	}
	p.order(f, 0)
	if p.accept("limit") {
		f.Limit = p.expression()
	}
	p.expect(")", "behind the head of foreach")
	f.Body = p.statement()
	f.Span = start.To(f.Body.Place())
	return f
}

func (p *parser) forKey(f *Foreach) {
	f.Keys = append(f.Keys, &ForKey{Name: p.variable("a key's name")})
	p.order(f, len(f.Keys))
}

// order takes the "+" or "-" that says what decides the order.
func (p *parser) order(f *Foreach, what int) {
	if !p.is("+") && !p.is("-") {
		return
	}
	if f.Order >= 0 {
		p.fail("", "a second order: elements are sorted by one key, or by the value")
	}
	f.Order, f.Descending = what, p.take().Text == "-"
}

func (p *parser) variable(what string) *Name {
	t := p.named(what)
	return &Name{Span: t.Span, Text: t.Text}
}

func (p *parser) try() Stmt {
	start := p.take().Span
	s := &Try{Body: p.block("try")}
	p.expect("catch", "behind the block of try")
	if p.accept("(") {
		s.Message = p.variable("a name for the message")
		p.expect(")", "behind "+s.Message.Text)
	}
	s.Catch = p.block("catch")
	s.Span = start.To(s.Catch.Span)
	return s
}

// quote writes a string literal that scans to text.
func quote(text string) string {
	var s strings.Builder
	s.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			s.WriteByte('\\')
			s.WriteByte(c)
		case c == '\n':
			s.WriteString(`\n`)
		case c == '\t':
			s.WriteString(`\t`)
		case c < ' ' || c == 0x7f:
			s.WriteString(`\` + string([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7}))
		default:
			s.WriteByte(c)
		}
	}
	s.WriteByte('"')
	return s.String()
}
