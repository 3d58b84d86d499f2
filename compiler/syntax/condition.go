package syntax

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/diag"
)

// stapVersion is the SystemTap whose language this is: what systemtap_v says.
const stapVersion = "4.8"

// condition evaluates what stands between "%(" and "%?" (man stap,
// "PREPROCESSING").
type condition struct {
	p      *preprocessor
	tokens []Token
	at     int
	open   diag.Span // of the "%("
	failed bool
	depth  int
}

func (c *condition) evaluate() bool {
	holds := c.or()
	if t := c.peek(); t.Kind != EndToken {
		c.fail(t, "join conditions with && and ||", "expected %q behind the condition", "%?")
	}
	return holds && !c.failed
}

// fail notes what is wrong first and ends the reading.
func (c *condition) fail(t Token, hint, format string, args ...any) {
	if !c.failed {
		c.p.errs.Add(t.Span, hint, format, args...)
	}
	c.failed, c.at = true, len(c.tokens)
}

func (c *condition) peek() Token {
	if c.at < len(c.tokens) {
		return c.tokens[c.at]
	}
	return Token{Kind: EndToken, Span: c.open}
}

func (c *condition) take() Token {
	t := c.peek()
	c.at = min(c.at+1, len(c.tokens))
	return t
}

func (c *condition) accept(op string) bool {
	if !c.peek().operator(op) {
		return false
	}
	c.at++
	return true
}

func (c *condition) or() bool {
	holds := c.and()
	for c.accept("||") {
		other := c.and()
		holds = holds || other
	}
	return holds
}

func (c *condition) and() bool {
	holds := c.one()
	for c.accept("&&") {
		other := c.one()
		holds = holds && other
	}
	return holds
}

// one reads a comparison, or a condition in parentheses.
func (c *condition) one() bool {
	if c.accept("(") {
		if c.depth++; c.depth > maxDepth {
			c.fail(c.peek(), "", "nested more than %d deep", maxDepth)
		}
		holds := c.or()
		c.depth--
		if !c.accept(")") {
			c.fail(c.peek(), "", "expected %q behind the condition in parentheses", ")")
		}
		return holds
	}
	if t := c.peek(); t.Kind == NameToken {
		c.take()
		return c.about(t)
	}
	x := c.operand()
	holds := c.operator("", "== != < <= > >=")
	y := c.operand()
	switch {
	case c.failed:
	case x.Kind != y.Kind:
		c.fail(x, "write @1 to take an argument as a string", "a number is compared with a string")
	case x.Kind == StringToken:
		return holds(strings.Compare(x.Text, y.Text))
	default:
		return holds(cmp.Compare(x.Value, y.Value))
	}
	return false
}

// comparisons say which orders of two values an operator is for.
var comparisons = map[string]func(order int) bool{
	"==": func(order int) bool { return order == 0 },
	"!=": func(order int) bool { return order != 0 },
	"<":  func(order int) bool { return order < 0 },
	"<=": func(order int) bool { return order <= 0 },
	">":  func(order int) bool { return order > 0 },
	">=": func(order int) bool { return order >= 0 },
}

// operator reads one of the operators in list; where there is none, what it
// returns holds for nothing.
func (c *condition) operator(behind, list string) func(int) bool {
	t := c.peek()
	if f := comparisons[t.Text]; t.Kind == OperatorToken && f != nil && slices.Contains(strings.Fields(list), t.Text) {
		c.take()
		return f
	}
	if behind != "" {
		behind = " behind " + behind
	}
	c.fail(t, "", "expected one of %s%s", list, behind)
	return func(int) bool { return false }
}

// operand reads a string or a number with its sign.
func (c *condition) operand() Token {
	if t := c.peek(); t.Kind == ArgumentToken {
		c.tokens = slices.Replace(slices.Clone(c.tokens), c.at, c.at+1, c.p.argument(t)...)
	}
	minus := c.accept("-")
	t := c.take()
	switch {
	case t.wrong != nil:
		c.fail(t, t.wrong.Hint, "%s", t.wrong.Message)
	case t.Kind == NumberToken && minus:
		t.Value = -t.Value
	case t.Kind == NumberToken, t.Kind == StringToken && !minus:
	default:
		c.fail(t, "there are kernel_v, kernel_vr, arch, systemtap_v, runtime, $1, @1, numbers and strings", "expected what a condition can compare")
	}
	return t
}

func (c *condition) text(behind string) string {
	t := c.operand()
	if t.Kind != StringToken {
		c.fail(t, "", "%s is compared with a string", behind)
	}
	return t.Text
}

// about reads what follows a name.
func (c *condition) about(name Token) bool {
	switch word := name.Text; {
	case word == "kernel_v":
		base, _, _ := strings.Cut(c.p.opt.Release, "-")
		return c.version(name, base)
	case word == "kernel_vr":
		return c.version(name, c.p.opt.Release)
	case word == "systemtap_v":
		return c.version(name, stapVersion)
	case word == "arch":
		return c.matches(name, archName(c.p.opt.Arch))
	case word == "runtime":
		return c.matches(name, "bpf")
	case word == "systemtap_privilege":
		return c.matches(name, "stapdev")
	case word == "guru_mode":
		holds := c.operator(word, "== !=")
		t := c.operand()
		if t.Kind != NumberToken {
			c.fail(t, "", "guru_mode is compared with 0 or 1")
		}
		return holds(cmp.Compare(0, t.Value))
	case word == "defined":
		return c.given()
	case strings.HasPrefix(word, "CONFIG_"):
		c.fail(name, "ask for what depends on it, with @defined or an optional probe point, or for kernel_v",
			"%s is not known: of a kernel's configuration nothing is kept", word)
	default:
		c.at--
		c.operand() // which says what can be compared
	}
	return false
}

// given reads "defined(@1)": whether the script has such an argument.
func (c *condition) given() bool {
	open := c.accept("(")
	t := c.take()
	if !open || t.Kind != ArgumentToken || !c.accept(")") {
		c.fail(t, "it tells whether the script was given an argument", "expected defined(@1)")
		return false
	}
	got := c.p.argument(t)
	return len(got) == 0 || got[0].wrong == nil
}

// version compares have with the version that follows; == and != take patterns.
func (c *condition) version(name Token, have string) bool {
	op := c.peek()
	holds := c.operator(name.Text, "== != < <= > >=")
	if have == "" {
		c.fail(name, "", "%s is not known: no kernel was chosen", name.Text)
		return false
	}
	if op.Text == "==" || op.Text == "!=" {
		if t := c.peek(); t.Kind == StringToken && strings.ContainsAny(t.Text, "*?[") {
			return c.pattern(holds, have, name.Text)
		}
	}
	return holds(compareVersions(have, c.text(name.Text)))
}

// matches compares have with the pattern that follows.
func (c *condition) matches(name Token, have string) bool {
	holds := c.operator(name.Text, "== !=")
	if have == "" {
		c.fail(name, "", "%s is not known: no kernel was chosen", name.Text)
		return false
	}
	return c.pattern(holds, have, name.Text)
}

func (c *condition) pattern(holds func(int) bool, have, what string) bool {
	t := c.peek()
	equal, err := path.Match(c.text(what), have)
	if err != nil {
		c.fail(t, "close the [", "%q is not a pattern", t.Text)
	}
	if equal {
		return holds(0)
	}
	return holds(1)
}

// archName is SystemTap's name of an architecture: the kernel's, but for the
// two that share a folder there.
func archName(arch string) string {
	if arch == "x86" {
		return "x86_64"
	}
	return arch
}

// compareVersions orders as strverscmp(3) of glibc does, which SystemTap takes:
// runs of digits as numbers, those that start with 0 as if a point stood
// before them.
func compareVersions(a, b string) int {
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	a, before, b := a[same:], a[:same], b[same:]
	run := before[len(strings.TrimRight(before, "0123456789")):]
	x, y := digits(a), digits(b)
	bytes := strings.Compare(a, b)
	switch {
	case run != "" && strings.Trim(run, "0") == "": // zeros only: the one with more of a fraction is less
		if x == 0 && y > 0 || x > 0 && y == 0 {
			return cmp.Compare(y, x)
		}
		return bytes
	case strings.HasPrefix(run, "0"), run == "" && (x == 0 || y == 0 || a[0] == '0' || b[0] == '0'):
		return bytes
	}
	if x != y {
		return cmp.Compare(x, y)
	}
	return bytes
}

// digits is how many digits text starts with.
func digits(text string) int {
	return len(text) - len(strings.TrimLeft(text, "0123456789"))
}
