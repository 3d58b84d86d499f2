package syntax

import (
	"slices"
	"strconv"

	"github.com/tpinfo/tpinfo/compiler/diag"
)

// preprocessor does what man stap calls preprocessing: it chooses between the
// parts of "%( condition %? … %: … %)", expands macros, and puts the script's
// arguments in their places. What a condition leaves out may be anything: it is
// neither expanded nor are its errors told.
type preprocessor struct {
	opt    Options
	errs   *diag.List
	macros map[string]*macro
	made   int // tokens that macros made, and macros that were expanded
}

// preprocess turns the tokens of a script, an End behind them, into those that
// the parser reads.
func preprocess(tokens []Token, opt Options, errs *diag.List) []Token {
	p := &preprocessor{opt: opt, errs: errs, macros: map[string]*macro{}}
	last := len(tokens) - 1
	return append(p.finish(p.expand(tokens[:last], nil, 0)), tokens[last])
}

// expand chooses and expands, scope being the macro whose body it is.
func (p *preprocessor) expand(tokens []Token, in *scope, depth int) []Token {
	if depth > maxDepth && len(tokens) > 0 {
		p.errs.Add(tokens[0].Span, "", "nested more than %d deep", maxDepth)
		return nil
	}
	var out []Token
	for len(tokens) > 0 {
		t, n := tokens[0], 1
		switch {
		case t.operator("%("):
			n = closing(tokens) + 1
			if n == 0 {
				p.errs.Add(t.Span, "close it with %)", "a condition without an end")
				return out
			}
			out = append(out, p.expand(p.choose(tokens[:n-1], in, depth), in, depth+1)...)
		case t.Kind == OperatorToken && directives[t.Text]:
			p.errs.Add(t.Span, "as in %( condition %? … %: … %)", "%q without a %q before it", t.Text, "%(")
		case t.Kind == AtToken && t.Text == "@define":
			n = p.define(tokens, in)
		case t.Kind == AtToken:
			var made []Token
			made, n = p.call(tokens, in, depth)
			out = append(out, made...)
		default:
			out = append(out, t)
		}
		tokens = tokens[n:]
	}
	return out
}

// closing is the index of the "%)" that ends the "%(" at tokens[0], or -1.
func closing(tokens []Token) int {
	depth := 0
	for i, t := range tokens {
		switch {
		case t.operator("%("):
			depth++
		case t.operator("%)"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// cut splits tokens at a directive that is not part of a condition in them.
func cut(tokens []Token, at string) (before, after []Token, found bool) {
	depth := 0
	for i, t := range tokens {
		switch {
		case t.operator("%("):
			depth++
		case t.operator("%)"):
			depth--
		case depth == 0 && t.operator(at):
			return tokens[:i], tokens[i+1:], true
		}
	}
	return tokens, nil, false
}

// choose evaluates the condition of "%( condition %? yes %: no" and is the part
// it is for; nothing where the condition is wrong.
func (p *preprocessor) choose(tokens []Token, in *scope, depth int) []Token {
	open := tokens[0]
	question, parts, found := cut(tokens[1:], "%?")
	if !found {
		p.errs.Add(open.Span, "as in %( condition %? … %: … %)", "a condition without %q", "%?")
		return nil
	}
	yes, no, _ := cut(parts, "%:")
	if first, _, again := cut(no, "%:"); again {
		p.errs.Add(no[len(first)].Span, "as in %( condition %? … %: … %)", "a second %q", "%:")
	}
	c := &condition{p: p, tokens: p.expand(question, in, depth+1), open: open.Span}
	holds := c.evaluate()
	switch {
	case c.failed:
		return nil
	case holds:
		return yes
	}
	return no
}

// finish puts the script's arguments in, tells what is wrong with the tokens
// that are left, and joins adjacent strings.
func (p *preprocessor) finish(tokens []Token) []Token {
	var out []Token
	add := func(t Token) {
		if t.wrong != nil {
			p.errs.Add(t.Span, t.wrong.Hint, "%s", t.wrong.Message)
		}
		switch n := len(out) - 1; {
		case t.Kind == JunkToken:
		case t.Kind == StringToken && n >= 0 && out[n].Kind == StringToken:
			out[n].Text += t.Text
			out[n].Span.End = max(out[n].Span.End, t.Span.End)
		default:
			out = append(out, t)
		}
	}
	for _, t := range tokens {
		if t.Kind != ArgumentToken {
			add(t)
			continue
		}
		for _, part := range p.argument(t) {
			add(part)
		}
	}
	return out
}

// argument is what an ArgumentToken stands for: "$1" for the text of an argument
// as if it stood there, "@1" for it as a string, "$#" and "@#" for how many there
// are.
func (p *preprocessor) argument(t Token) []Token {
	given := len(p.opt.Args)
	text := strconv.Itoa(given)
	if digits := t.Text[1:]; digits != "#" {
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > given {
			return []Token{{Kind: NumberToken, Text: "0", Span: t.Span, Spaced: t.Spaced,
				wrong: wrong("", "there is no argument %s: the script was given %d", digits, given)}}
		}
		text = p.opt.Args[n-1]
	}
	var tokens []Token
	if t.Text[0] == '@' {
		tokens = []Token{literal(text)}
	} else {
		tokens = slices.DeleteFunc((&scanner{text: text}).scan(), func(t Token) bool { return t.Kind == EndToken })
	}
	for i := range tokens {
		if tokens[i].Kind == ArgumentToken {
			tokens[i] = Token{Kind: JunkToken, wrong: wrong("", "an argument that refers to an argument: %q", text)}
		}
		tokens[i].Span = t.Span
	}
	if len(tokens) > 0 {
		tokens[0].Spaced = t.Spaced
	}
	return tokens
}
