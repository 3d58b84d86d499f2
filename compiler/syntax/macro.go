package syntax

import "github.com/tpinfo/tpinfo/compiler/diag"

// maxMade bounds what macros make of a script, in tokens.
const maxMade = 1 << 17

// macro is "@define name(params) %( body %)".
type macro struct {
	name   string
	params []string
	body   []Token
}

// scope is a macro that is being expanded: what its parameters stand for, and
// the macro whose body calls it.
type scope struct {
	macro *macro
	args  map[string][]Token
	outer *scope
}

// define reads the definition of a macro and returns how many tokens it takes.
func (p *preprocessor) define(tokens []Token, in *scope) int {
	at := 1
	peek := func() Token { return tokens[min(at, len(tokens)-1)] }
	// fail skips the definition where its end can be seen.
	fail := func(message, hint string) int {
		p.errs.Add(peek().Span, hint, "%s", message)
		for i, t := range tokens[1:] {
			if t.operator("%(") {
				return i + 1 + max(closing(tokens[i+1:])+1, 1)
			}
			if t.Kind == KeywordToken || t.Kind == AtToken {
				return i + 1
			}
		}
		return len(tokens)
	}
	const form = "as in @define name(a, b) %( @a + @b %)"
	if in != nil {
		at = 0
		return fail("a macro defined by another", "define it outside")
	}
	name := peek()
	if name.Kind != NameToken && name.Kind != KeywordToken || at == len(tokens) {
		return fail("expected the macro's name", form)
	}
	m := &macro{name: name.Text}
	if at++; peek().operator("(") && at < len(tokens) {
		for more := true; more; more = peek().operator(",") {
			at++
			if peek().Kind != NameToken && peek().Kind != KeywordToken {
				return fail("expected the name of a parameter of @"+m.name, form)
			}
			m.params = append(m.params, peek().Text)
			at++
		}
		if !peek().operator(")") {
			return fail(`expected ")" behind the parameters of @`+m.name, form)
		}
		at++
	}
	if at >= len(tokens) || !peek().operator("%(") {
		at = min(at, len(tokens)-1)
		return fail(`expected "%(" before the body of @`+m.name, form)
	}
	end := closing(tokens[at:])
	if end < 0 {
		p.errs.Add(peek().Span, "close it with %)", "the body of @%s has no end", m.name)
		return len(tokens)
	}
	if p.macros[m.name] != nil {
		p.errs.Add(name.Span, "give it another name", "macro @%s is defined twice", m.name)
	}
	m.body = tokens[at+1 : at+end]
	p.macros[m.name] = m
	return at + end + 1
}

// call expands the macro or the parameter at tokens[0], and returns how many
// tokens it takes; what is neither stays as it is.
func (p *preprocessor) call(tokens []Token, in *scope, depth int) (made []Token, n int) {
	t := tokens[0]
	name := t.Text[1:]
	m := p.macros[name]
	switch {
	case in != nil && in.args[name] != nil:
		made, n = in.args[name], 1
	case m == nil:
		return tokens[:1], 1
	case p.made > maxMade:
		_, n, _ = arguments(m, tokens)
		return nil, n
	default:
		made, n = p.expandMacro(m, tokens, in, depth)
	}
	if p.made += len(made) + 1; p.made > maxMade {
		if p.made < 2*maxMade {
			p.made = 2 * maxMade
			p.errs.Add(t.Span, "", "macros make more than %d words of this script", maxMade)
		}
		return nil, n
	}
	return made, n
}

// expandMacro expands a macro; all that it makes has the place of the call.
func (p *preprocessor) expandMacro(m *macro, tokens []Token, in *scope, depth int) (made []Token, n int) {
	args, n, bad := arguments(m, tokens)
	span := tokens[0].Span.To(tokens[n-1].Span)
	for s := in; s != nil && bad == nil; s = s.outer {
		if s.macro == m {
			bad = wrong("", "macro @%s uses itself", m.name)
		}
	}
	if bad != nil {
		return []Token{{Kind: NumberToken, Text: "0", Span: span, Spaced: tokens[0].Spaced, wrong: bad}}, n
	}
	inner := &scope{macro: m, args: map[string][]Token{}, outer: in}
	for i, name := range m.params {
		// Not nil, so that an empty one is known too.
		inner.args[name] = append([]Token{}, p.expand(args[i], in, depth+1)...)
	}
	for _, t := range p.expand(m.body, inner, depth+1) {
		t.Span = span
		made = append(made, t)
	}
	return made, n
}

// arguments reads what a macro is called with: tokens between commas, those in
// brackets kept together. n is how many tokens the call takes.
func arguments(m *macro, tokens []Token) (args [][]Token, n int, bad *diag.Error) {
	if len(m.params) == 0 {
		return nil, 1, nil
	}
	if len(tokens) == 1 || !tokens[1].operator("(") {
		return nil, 1, wrong("", "expected \"(\" behind @%s, a macro that takes %d", m.name, len(m.params))
	}
	depth, start := 0, 2
	for i, t := range tokens[1:] {
		if t.Kind != OperatorToken {
			continue
		}
		switch t.Text {
		case "(", "[", "{", "%(":
			depth++
		case ")", "]", "}", "%)":
			depth--
		}
		if depth == 0 || depth == 1 && t.Text == "," {
			args = append(args, tokens[start:i+1])
			start = i + 2
		}
		if depth > 0 {
			continue
		}
		if len(args) != len(m.params) {
			bad = wrong("", "macro @%s takes %d, not %d", m.name, len(m.params), len(args))
		}
		return args, start, bad
	}
	return nil, len(tokens), wrong("close it with )", "the call of macro @%s has no end", m.name)
}
