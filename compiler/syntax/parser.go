package syntax

import (
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/diag"
)

// Options are what a script may ask about its surroundings while it is read.
// The zero value is a script without arguments for a kernel that is not known.
type Options struct {
	// Args are the script's own arguments, for $1 and @1.
	Args []string
	// Release is the target kernel's, "6.1.0-56-cloud-amd64", for kernel_v and
	// kernel_vr; Arch its architecture as tpinfo.Kernel names it, "x86", for
	// arch. Conditions that ask for one that is empty are errors.
	Release string
	Arch    string
}

// Parse reads a script. The error is a *diag.List with everything that is
// wrong. The File has what could be read all the same.
func Parse(src *diag.Source, opt Options) (*File, error) {
	errs := &diag.List{Source: src}
	s := &scanner{text: src.Text, at: src.Begin()}
	p := &parser{tokens: preprocess(s.scan(), opt, errs), errs: errs}
	f := p.file()
	return f, errs.Err()
}

// maxDepth bounds how deep statements and expressions nest.
const maxDepth = 200

type parser struct {
	tokens []Token
	at     int
	errs   *diag.List
	depth  int
}

// stop unwinds to the next statement or declaration after an error.
type stop struct{}

func (p *parser) peek() Token { return p.tokens[p.at] }

// ahead is the n-th token from here on.
func (p *parser) ahead(n int) Token { return p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *parser) take() Token {
	t := p.tokens[p.at]
	if t.Kind != EndToken {
		p.at++
	}
	return t
}

// is reports whether the next token is this operator or keyword.
func (p *parser) is(text string) bool {
	t := p.peek()
	return (t.Kind == OperatorToken || t.Kind == KeywordToken) && t.Text == text
}

// accept takes the next token if it is this operator or keyword.
func (p *parser) accept(text string) bool {
	if !p.is(text) {
		return false
	}
	p.take()
	return true
}

func (p *parser) expect(text, where string) Token {
	if !p.is(text) {
		p.fail("", "expected %q %s, found %s", text, where, p.found())
	}
	return p.take()
}

// found describes the next token.
func (p *parser) found() string {
	t := p.peek()
	switch t.Kind {
	case EndToken:
		return t.Kind.String()
	case StringToken:
		return "a string"
	case NumberToken:
		return t.Text
	}
	return `"` + t.Text + `"`
}

// fail notes an error at the next token and unwinds.
func (p *parser) fail(hint, format string, args ...any) {
	p.errs.Add(p.peek().Span, hint, format, args...)
	panic(stop{})
}

// recovering runs f; after an error in it, it skips to where something new can
// start.
func (p *parser) recovering(f func(), skip func()) {
	start, depth := p.at, p.depth
	defer func() {
		switch r := recover(); r.(type) {
		case nil:
		case stop:
			p.depth = depth
			skip()
			if p.at == start {
				p.take() // whatever it is, it must not be met again
			}
		default:
			panic(r)
		}
	}()
	f()
}

// enter counts nesting.
func (p *parser) enter() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail("", "nested more than %d deep", maxDepth)
	}
	return func() { p.depth-- }
}

// embedded takes embedded C, which is an error wherever it stands.
func (p *parser) embedded() bool {
	t := p.peek()
	if t.Kind != EmbeddedToken {
		return false
	}
	p.errs.Add(t.Span, "write it in the language: $x->member and @cast read the kernel's memory",
		"embedded C cannot become eBPF that the kernel would take")
	p.take()
	return true
}

func (p *parser) file() *File {
	f := &File{}
	for p.peek().Kind != EndToken {
		p.recovering(func() { p.declaration(f) }, p.skipDeclaration)
	}
	return f
}

// skipDeclaration goes to the next keyword that starts one.
func (p *parser) skipDeclaration() {
	for p.peek().Kind != EndToken && !p.is("probe") && !p.is("global") && !p.is("private") && !p.is("function") {
		p.take()
	}
}

func (p *parser) declaration(f *File) {
	start := p.peek().Span
	if p.embedded() {
		return
	}
	private := p.accept("private")
	switch {
	case p.accept(";"):
	case p.accept("global"), private && p.peek().Kind == NameToken:
		f.Globals = append(f.Globals, p.globals(start, private)...)
	case p.accept("function"):
		f.Functions = append(f.Functions, p.function(start, private))
	case p.is("probe") && !private:
		p.take()
		p.probe(f, start)
	default:
		p.fail("a script is made of these", "expected probe, global or function, found %s", p.found())
	}
}

// globals reads "a, b[N], c%[N], d = 1".
func (p *parser) globals(start diag.Span, private bool) []*Global {
	var list []*Global
	for {
		t := p.named("a global's name")
		g := &Global{Span: start.To(t.Span), Name: t.Text, Private: private}
		if p.accept("%") {
			g.Wraps, g.Array = true, true
		}
		if p.accept("[") {
			g.Array = true
			if !p.is("]") {
				g.Size = p.size()
			}
			p.expect("]", "behind the size of "+g.Name)
		}
		if p.accept("=") {
			g.Init = p.literal("a global starts with a literal")
		}
		list = append(list, g)
		if !p.accept(",") {
			p.accept(";")
			return list
		}
	}
}

func (p *parser) size() *NumberLit {
	t := p.peek()
	if t.Kind != NumberToken {
		p.fail("", "expected the number of elements, found %s", p.found())
	}
	p.take()
	return &NumberLit{Span: t.Span, Text: t.Text, Value: t.Value}
}

func (p *parser) named(what string) Token {
	if p.peek().Kind != NameToken {
		hint := ""
		if p.peek().Kind == KeywordToken {
			hint = "it is a word of the language"
		}
		p.fail(hint, "expected %s, found %s", what, p.found())
	}
	return p.take()
}

// literal reads a string or a number with its sign.
func (p *parser) literal(rule string) Expr {
	t := p.peek()
	minus := false
	if t.Kind == OperatorToken && (t.Text == "-" || t.Text == "+") && p.ahead(1).Kind == NumberToken {
		minus = t.Text == "-"
		p.take()
	}
	switch n := p.peek(); n.Kind {
	case NumberToken:
		p.take()
		lit := &NumberLit{Span: t.Span.To(n.Span), Text: n.Text, Value: n.Value}
		if minus {
			lit.Text, lit.Value = "-"+n.Text, -n.Value
		}
		return lit
	case StringToken:
		p.take()
		return &StringLit{Span: n.Span, Text: n.Text}
	}
	p.fail(rule, "expected a number or a string, found %s", p.found())
	return nil
}

func (p *parser) typed() Type {
	if !p.accept(":") {
		return Untyped
	}
	t := p.named("long or string")
	switch typ := Type(t.Text); typ {
	case LongType, StringType:
		return typ
	}
	p.at--
	p.fail("there are long and string", "%q is not a type", t.Text)
	return Untyped
}

func (p *parser) function(start diag.Span, private bool) *Function {
	t := p.named("a function's name")
	f := &Function{Name: t.Text, Private: private, Type: p.typed()}
	p.expect("(", "before the parameters of "+f.Name)
	for !p.is(")") {
		t := p.named("a parameter's name")
		f.Params = append(f.Params, &Param{Span: t.Span, Name: t.Text, Type: p.typed()})
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", "behind the parameters of "+f.Name)
	if p.is(":") {
		p.fail("give each function a name of its own", "functions of one name with priorities are not supported")
	}
	f.Body = p.block("the body of " + f.Name)
	f.Span = start.To(f.Body.Span)
	return f
}

// probe reads a probe, or an alias: "probe a = b, c { }".
func (p *parser) probe(f *File, start diag.Span) {
	points := p.points()
	behind := p.is("+=")
	if !p.accept("=") && !p.accept("+=") {
		if p.is("if") {
			p.fail("test it in the handler: { if (!armed) next … }", "a condition of a probe point is not supported")
		}
		body := p.block("the handler of the probe")
		f.Probes = append(f.Probes, &Probe{Span: start.To(body.Span), Points: points, Body: body})
		return
	}
	a := &Alias{Names: points, Behind: behind, Points: p.points()}
	a.Body = p.block("the body of the alias")
	a.Span = start.To(a.Body.Span)
	f.Aliases = append(f.Aliases, a)
}

func (p *parser) points() []*Point {
	list := p.point(nil)
	for p.accept(",") {
		list = append(list, p.point(nil)...)
	}
	return list
}

// point reads one point, behind components that stand before it. With
// alternatives in braces, kernel.{trace("a"), trace("b")}, it is several.
func (p *parser) point(before []*Component) []*Point {
	defer p.enter()()
	pt := &Point{Span: p.peek().Span, Components: slices.Clone(before)}
	if len(before) > 0 {
		pt.Span.Start = before[0].Span.Start
	}
	list := []*Point{pt}
	for {
		if p.is("{") && len(pt.Components) > 0 {
			list = p.alternatives(pt)
			break
		}
		c := p.component()
		pt.Components = append(pt.Components, c)
		pt.Span.End = c.Span.End
		if !p.accept(".") {
			break
		}
	}
	optional := p.accept("?")
	sufficient := !optional && p.accept("!")
	for _, pt := range list {
		if !pt.Optional && !pt.Sufficient {
			pt.Optional, pt.Sufficient = optional, sufficient
		}
	}
	return list
}

// alternatives reads "{…}" and what may stand behind it.
func (p *parser) alternatives(head *Point) []*Point {
	p.take()
	var list []*Point
	for {
		list = append(list, p.point(head.Components)...)
		if len(list) > maxAlternatives {
			p.fail("", "more than %d alternatives", maxAlternatives)
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect("}", "behind the alternatives")
	for p.accept(".") {
		c := p.component()
		for _, pt := range list {
			pt.Components = append(pt.Components, c)
			pt.Span.End = c.Span.End
		}
	}
	return list
}

// maxAlternatives bounds what braces in braces can become.
const maxAlternatives = 1000

// component reads "trace("sched:*")"; a name may have stars, and tokens of it
// stand together without space.
func (p *parser) component() *Component {
	c := &Component{Span: p.peek().Span}
	var name strings.Builder
	for {
		t := p.peek()
		part := t.Kind == NameToken || t.Kind == KeywordToken || t.Kind == NumberToken && name.Len() > 0 || t.Kind == OperatorToken && t.Text == "*"
		if !part || name.Len() > 0 && t.Spaced {
			break
		}
		p.take()
		name.WriteString(t.Text)
		c.Span.End = t.Span.End
	}
	if c.Name = name.String(); c.Name == "" {
		p.fail(`as in kernel.trace("sched:sched_switch") or timer.s(1)`, "expected a probe point, found %s", p.found())
	}
	if p.accept("(") {
		c.Arg = p.literal("a probe point takes a literal")
		c.Span.End = p.expect(")", "behind the argument of "+c.Name).Span.End
	}
	return c
}
