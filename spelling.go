package tpinfo

import (
	"fmt"
	"strconv"
	"strings"
)

// The spellings of a struct and a union without a tag. The definition they
// stand for is the Anon of the member or typedef that is spelled so.
const (
	AnonStruct = "struct {...}"
	AnonUnion  = "union {...}"
)

// Shape is the outermost constructor of a type expression.
type Shape int

// The shapes.
const (
	ShapeName    Shape = iota // a named type: "u32", "struct page", "void"
	ShapePointer              // Elem *
	ShapeArray                // Elem[Count]
	ShapeFunc                 // Elem (Params)
)

// Flexible is the Count of an array without one: "char[]".
const Flexible = -1

// Expr is the structure of a type as C spells it. The zero Expr is not valid.
type Expr struct {
	Shape    Shape
	Name     string  // ShapeName
	Const    bool    // ShapeName and ShapePointer
	Volatile bool    // ShapeName and ShapePointer
	Elem     *Expr   // pointed to, element, or returned
	Count    int64   // ShapeArray: elements, or Flexible
	Params   []*Expr // ShapeFunc
	Variadic bool    // ShapeFunc: ends in "..."
}

// Base is the named type at the bottom of e: of "struct page *[4]", it is
// "struct page". Of a function it is the bottom of what it returns.
func (e *Expr) Base() *Expr {
	for e.Shape != ShapeName {
		e = e.Elem
	}
	return e
}

// Flat is e with neighbouring dimensions of arrays multiplied, as pahole does
// when it writes BTF.
func (e *Expr) Flat() *Expr {
	if e.Elem == nil {
		return e
	}
	out := *e
	out.Elem = e.Elem.Flat()
	if in := out.Elem; out.Shape == ShapeArray && in.Shape == ShapeArray {
		out.Count, out.Elem = out.Count*max(in.Count, 0), in.Elem
		if in.Count <= 0 || e.Count <= 0 {
			out.Count = Flexible
		}
	}
	return &out
}

// String spells e as the kernel's C does: "struct task_struct *",
// "const char *", "int (*)(unsigned int)", "char[16]".
func (e *Expr) String() string {
	return e.declare("")
}

// Declare spells a declaration of name as of type e: "char comm[16]",
// "int (*probe)(struct device *)".
func (e *Expr) Declare(name string) string { return e.declare(name) }

// declare spells e around the declarator inner, inside out as C reads.
func (e *Expr) declare(inner string) string {
	switch e.Shape {
	case ShapePointer:
		star := "*" + e.qualifiers("")
		if inner != "" && (e.Const || e.Volatile) {
			star += " "
		}
		inner = star + inner
		if e.Elem.Shape == ShapeArray || e.Elem.Shape == ShapeFunc {
			inner = "(" + inner + ")"
		}
		return e.Elem.declare(inner)
	case ShapeArray:
		count := ""
		if e.Count != Flexible {
			count = strconv.FormatInt(e.Count, 10)
		}
		return e.Elem.declare(inner + "[" + count + "]")
	case ShapeFunc:
		return e.Elem.declare(inner + "(" + e.params() + ")")
	default:
		name := e.qualifiers(" ") + e.Name
		if inner == "" || inner[0] == '[' {
			return name + inner
		}
		return name + " " + inner
	}
}

func (e *Expr) params() string {
	if len(e.Params) == 0 && !e.Variadic {
		return "void"
	}
	parts := make([]string, 0, len(e.Params)+1)
	for _, p := range e.Params {
		parts = append(parts, p.String())
	}
	if e.Variadic {
		parts = append(parts, "...")
	}
	return strings.Join(parts, ", ")
}

func (e *Expr) isVoid() bool {
	return e.Shape == ShapeName && e.Name == "void" && !e.Const && !e.Volatile
}

// qualifiers joins the qualifiers of e, with after behind the last one.
func (e *Expr) qualifiers(after string) string {
	switch {
	case e.Const && e.Volatile:
		return "const volatile" + after
	case e.Const:
		return "const" + after
	case e.Volatile:
		return "volatile" + after
	}
	return ""
}

// maxNesting bounds the depth of a spelling that ParseExpr accepts; the
// kernel's own stay under ten.
const maxNesting = 64

// ParseExpr reads a spelling as Expr.String writes it; white space between
// tokens is free. The error says where the spelling stops being a type.
func ParseExpr(spelling string) (*Expr, error) {
	p := &exprParser{text: spelling}
	e, err := p.typeName(0)
	if err == nil && p.peek() != "" {
		err = p.fail("the end")
	}
	if err != nil {
		return nil, fmt.Errorf("type %q: %w", spelling, err)
	}
	return e, nil
}

type exprParser struct {
	text string
	at   int
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// peek returns the next token without taking it; "" at the end.
func (p *exprParser) peek() string {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
	if p.at == len(p.text) {
		return ""
	}
	end := p.at
	for end < len(p.text) && isWordByte(p.text[end]) {
		end++
	}
	switch {
	case end > p.at:
	case strings.HasPrefix(p.text[p.at:], "..."):
		end = p.at + 3
	case p.text[p.at] == '{':
		// A brace group is one token: the constant that names an enum
		// without a tag, or the dots of an unnamed struct.
		if n := strings.IndexByte(p.text[p.at:], '}'); n >= 0 {
			end = p.at + n + 1
		} else {
			end = len(p.text)
		}
	default:
		end = p.at + 1
	}
	return p.text[p.at:end]
}

func (p *exprParser) take() string {
	t := p.peek()
	p.at += len(t)
	return t
}

func (p *exprParser) fail(want string) error {
	got := p.peek()
	if got == "" {
		return fmt.Errorf("column %d: expected %s, found the end", p.at+1, want)
	}
	return fmt.Errorf("column %d: expected %s, found %q", p.at+1, want, got)
}

// typeName is specifiers followed by an abstract declarator.
func (p *exprParser) typeName(depth int) (*Expr, error) {
	base := &Expr{Shape: ShapeName}
	var words []string
	for {
		switch t := p.peek(); {
		case t == "const":
			base.Const = true
			p.take()
		case t == "volatile":
			base.Volatile = true
			p.take()
		case t != "" && isWordByte(t[0]), t != "" && t[0] == '{' && t[len(t)-1] == '}' && len(words) == 1:
			words = append(words, p.take())
		default:
			if len(words) == 0 {
				return nil, p.fail("a type name")
			}
			base.Name = strings.Join(words, " ")
			return p.declarator(base, depth)
		}
	}
}

// declarator applies an abstract declarator to base: stars bind last, so the
// suffixes of a parenthesised part are read before what is inside it.
func (p *exprParser) declarator(base *Expr, depth int) (*Expr, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("column %d: nested more than %d deep", p.at+1, maxNesting)
	}
	e := base
	for p.peek() == "*" {
		p.take()
		e = &Expr{Shape: ShapePointer, Elem: e}
		for t := p.peek(); t == "const" || t == "volatile"; t = p.peek() {
			e.Const = e.Const || t == "const"
			e.Volatile = e.Volatile || t == "volatile"
			p.take()
		}
	}
	inside := -1
	if p.peek() == "(" && p.groupStart() {
		p.take()
		inside = p.at
		if err := p.skipGroup(); err != nil {
			return nil, err
		}
	}
	e, err := p.suffixes(e, depth)
	if err != nil || inside < 0 {
		return e, err
	}
	after := p.at
	p.at = inside
	if e, err = p.declarator(e, depth+1); err != nil {
		return nil, err
	}
	if p.peek() != ")" {
		return nil, p.fail(`")"`)
	}
	p.at = after
	return e, nil
}

// groupStart tells "(*)" and "((" from a parameter list.
func (p *exprParser) groupStart() bool {
	at := p.at
	defer func() { p.at = at }()
	p.take()
	t := p.peek()
	return t == "*" || t == "("
}

// skipGroup moves behind the ")" that closes a group already entered.
func (p *exprParser) skipGroup() error {
	for depth := 1; depth > 0; {
		switch p.take() {
		case "(":
			depth++
		case ")":
			depth--
		case "":
			return p.fail(`")"`)
		}
	}
	return nil
}

// suffixes reads "[n]" and "(params)" behind a declarator. The first suffix
// is the outermost constructor.
func (p *exprParser) suffixes(elem *Expr, depth int) (*Expr, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("column %d: nested more than %d deep", p.at+1, maxNesting)
	}
	switch p.peek() {
	case "[":
		p.take()
		a := &Expr{Shape: ShapeArray, Count: Flexible}
		if p.peek() != "]" {
			n, err := strconv.ParseInt(p.peek(), 10, 64)
			if err != nil || n < 0 {
				return nil, p.fail("an element count")
			}
			a.Count = n
			p.take()
		}
		if p.peek() != "]" {
			return nil, p.fail(`"]"`)
		}
		p.take()
		var err error
		a.Elem, err = p.suffixes(elem, depth+1)
		return a, err
	case "(":
		f := &Expr{Shape: ShapeFunc}
		p.take()
		if err := p.parameters(f, depth); err != nil {
			return nil, err
		}
		var err error
		f.Elem, err = p.suffixes(elem, depth+1)
		return f, err
	}
	return elem, nil
}

// parameters reads a parameter list up to and including its ")".
func (p *exprParser) parameters(f *Expr, depth int) error {
	for {
		if p.peek() == "..." {
			p.take()
			f.Variadic = true
		} else {
			param, err := p.typeName(depth + 1)
			if err != nil {
				return err
			}
			f.Params = append(f.Params, param)
		}
		switch {
		case p.peek() == "," && !f.Variadic:
			p.take()
		case p.peek() == ")":
			p.take()
			if len(f.Params) == 1 && !f.Variadic && f.Params[0].isVoid() {
				f.Params = nil
			}
			return nil
		default:
			return p.fail(`"," or ")"`)
		}
	}
}
