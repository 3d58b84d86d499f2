package codegen

import (
	"fmt"
	"strconv"
	"strings"

	"pgregory.net/rapid"
)

// scripter draws a script whose handler does the same in the kernel and in user
// space: it uses what both sides have.
type scripter struct {
	t      *rapid.T
	budget int  // of nodes that are still to come
	loops  int  // around the place
	depth  int  // of statements in statements
	fn     int  // the function whose body it is, of as many as there are behind it
	memory bool // the kernel's memory is read too
}

// The variables of all scripts. Arrays are so small that they get full.
const declarations = `global n0 = 5, n1, n2 = -9223372036854775808, s0 = "start", s1
global a[6], b[5], c[40], d[12]
`

const scriptFunctions = 3

func (s *scripter) pick(n int) int { return rapid.IntRange(0, n-1).Draw(s.t, "pick") }

func (s *scripter) one(of ...string) string { return of[s.pick(len(of))] }

// givesTypes never runs, and gives every variable its type.
const givesTypes = ` if (n0 == 987654321) { a[1] = 1; b["x"] = 1; c[1, "x"] = 1; d[1] = "x"; l0 = l1 = l2 = k0 = k1 = n1 = n2 = 0; t0 = t1 = t2 = e = s1 = "" }
`

// drawScript draws a whole one, in two forms: types are given behind all that
// runs, so that this is what happens to a variable first; or before it, where
// nothing behind is looked at.
func drawScript(t *rapid.T, budget int, memory bool) (behind, before string) {
	s := &scripter{t: t, budget: budget, memory: memory}
	var text strings.Builder
	text.WriteString(declarations)
	// A function calls those before it.
	for s.fn = range scriptFunctions {
		s.budget = budget / 4
		result := []string{"long", "string", "long"}[s.fn]
		fmt.Fprintf(&text, "function f%d:%s(l0:long, t0:string) {\n k0 = 0;\n l1 = %s;\n t1 = %s;\n%s return %s\n}\n",
			s.fn, result, s.number(1), s.text(1), s.block(1), s.typed(result))
	}
	s.fn, s.budget = scriptFunctions, budget
	text.WriteString("probe kernel.trace(\"e\") {\n q = " + objects[s.pick(len(objects))] + ";\n")
	body := s.block(0) + ` printf("%d %d %d %d [%s] [%s] [%s] [%s]\n", l0, l1, l2, n0, t0, t1, t2, s0)` + "\n"
	return text.String() + body + givesTypes + "}\n", text.String() + givesTypes + body + "}\n"
}

// objects are the addresses of what the kernel's memory has, and 0.
var objects = []string{"0xffff888000001000", "0xffff888000002000", "0"}

// pointer draws the address of an object.
func (s *scripter) pointer() string {
	return s.one("q", "q", "q", objects[0], "@cast(q, \"s\")->next", "@cast("+objects[1]+", \"s\")->next")
}

// member draws a member of an object that is a number.
func (s *scripter) member() string {
	return "@cast(" + s.pointer() + ", \"s\")->" + s.one("a", "b", "c", "d", "next->a", "next->d", "low", "high", "next")
}

func (s *scripter) readsMemory() bool { return s.memory && s.fn == scriptFunctions && s.pick(3) == 0 }

func (s *scripter) typed(t string) string {
	if t == "string" {
		return s.text(2)
	}
	return s.number(2)
}

// block draws statements.
func (s *scripter) block(least int) string {
	var text strings.Builder
	for range rapid.IntRange(least, 6).Draw(s.t, "statements") {
		if s.budget <= 0 {
			break
		}
		s.depth++
		text.WriteString(strings.Repeat(" ", s.depth) + s.statement() + ";\n")
		s.depth--
	}
	return text.String()
}

func (s *scripter) braced() string { return "{\n" + s.block(1) + strings.Repeat(" ", s.depth) + "}" }

func (s *scripter) statement() string {
	s.budget--
	if s.depth < 5 {
		switch s.pick(12) {
		case 0:
			return "if (" + s.number(3) + ") " + s.braced()
		case 1:
			return "if (" + s.number(3) + ") " + s.braced() + " else " + s.braced()
		case 2:
			if s.loops < 2 {
				k := "k" + strconv.Itoa(s.loops)
				s.loops++
				body := s.braced()
				s.loops--
				if s.pick(3) == 0 {
					return k + " = 0; while (" + k + "++ < " + s.one("1", "2", "3") + ") " + body
				}
				return "for (" + k + " = 0; " + k + " < " + s.one("1", "2", "3", "3 && "+s.number(1)) + "; " + k + "++) " + body
			}
		case 3, 4:
			return "try " + s.braced() + " catch" + s.one(" ", " (e) ", " (t1) ", " (s1) ") + s.braced()
		}
	}
	if s.readsMemory() {
		return s.one("q = "+s.pointer(), fmt.Sprintf("printf(\"%%d %%d %%d %%s\\n\", %s, %s, %s, %s)", s.member(), s.member(), s.member(), s.text(1)))
	}
	switch s.pick(16) {
	case 0, 1, 2:
		return s.assignNumber(3)
	case 3, 4, 5:
		return s.assignText(3)
	case 6:
		return "delete " + s.one(s.element(), "d["+s.number(1)+"]", "n0", "s1", "b["+s.text(1)+"]")
	case 7:
		if s.loops > 0 {
			return "if (" + s.number(1) + ") " + s.one("break", "continue")
		}
	case 8:
		if s.fn < scriptFunctions {
			return "if (" + s.number(1) + ") return " + s.typed([]string{"long", "string", "long"}[s.fn])
		}
		return "if (" + s.number(1) + ") next"
	case 9:
		return "if (" + s.number(1) + ") error(" + s.text(2) + ")"
	case 10:
		if s.fn > 0 {
			return s.call(s.pick(s.fn))
		}
	case 11:
		return s.number(2) + " && (" + s.assignNumber(1) + ")"
	}
	switch s.pick(3) {
	case 0:
		return fmt.Sprintf("println(%s, %q, %s)", s.number(2), " ", s.text(2))
	case 1:
		return fmt.Sprintf("printf(\"%%d|%%x|%%s|%%5d\\n\", %s, %s, %s, %s)", s.number(2), s.number(1), s.text(2), s.number(1))
	}
	return "println(" + s.text(3) + ")"
}

func (s *scripter) call(f int) string {
	return fmt.Sprintf("f%d(%s, %s)", f, s.number(1), s.text(1))
}

func (s *scripter) element() string {
	switch s.pick(4) {
	case 0:
		return "b[" + s.text(1) + "]"
	case 1:
		return "c[" + s.number(1) + ", " + s.text(1) + "]"
	}
	return "a[" + s.number(1) + "]"
}

func (s *scripter) place() string {
	if s.pick(3) == 0 {
		return s.element()
	}
	if s.fn < scriptFunctions {
		return s.one("l0", "l1", "n0", "n1", "n2")
	}
	return s.one("l0", "l1", "l2", "n0", "n1", "n2")
}

func (s *scripter) textPlace() string {
	if s.pick(4) == 0 {
		return "d[" + s.number(1) + "]"
	}
	if s.fn < scriptFunctions {
		return s.one("t0", "t1", "s0", "s1")
	}
	return s.one("t0", "t1", "t2", "s0", "s1")
}

func (s *scripter) assignNumber(depth int) string {
	to := s.place()
	switch s.pick(4) {
	case 0:
		return s.one(to+"++", to+"--", "++"+to, "--"+to)
	case 1:
		return to + " " + s.one("+=", "-=", "*=", "&=", "|=", "^=", "<<=", ">>=", "/=", "%=") + " " + s.number(depth-1)
	}
	return to + " = " + s.number(depth-1)
}

func (s *scripter) assignText(depth int) string {
	if s.pick(4) == 0 {
		return s.textPlace() + " .= " + s.text(depth-1)
	}
	return s.textPlace() + " = " + s.text(depth-1)
}

// number draws an expression of type long.
func (s *scripter) number(depth int) string {
	s.budget--
	if depth <= 0 || s.budget <= 0 || s.pick(4) == 0 {
		if s.pick(3) == 0 {
			return strconv.FormatInt(rapid.OneOf(rapid.Int64Range(-3, 9), interesting.Filter(func(n int64) bool { return n >= 0 })).Draw(s.t, "n"), 10)
		}
		if s.fn < scriptFunctions {
			return s.one("l0", "l1", "n0", "n1", "n2", "n0", "k0")
		}
		return s.one("l0", "l1", "l2", "n0", "n1", "n2", "k0", "k1")
	}
	if s.readsMemory() {
		return s.one(s.member(), "("+s.member()+" + "+s.member()+")", "("+s.member()+" == "+s.member()+")")
	}
	sub := func() string { return s.number(depth - 1) }
	switch s.pick(16) {
	case 0, 1, 2:
		return "(" + sub() + " " + s.one("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>") + " " + sub() + ")"
	case 3, 4:
		return "(" + sub() + " " + s.one("==", "!=", "<", "<=", ">", ">=") + " " + sub() + ")"
	case 5:
		return "(" + s.text(depth-1) + " " + s.one("==", "!=", "<", "<=", ">", ">=") + " " + s.text(depth-1) + ")"
	case 6:
		return "(" + sub() + " " + s.one("&&", "||") + " " + sub() + ")"
	case 7:
		return s.one("-", "~", "!") + "(" + sub() + ")"
	case 8:
		return "(" + sub() + " ? " + sub() + " : " + sub() + ")"
	case 9:
		return s.one("(["+sub()+"] in a)", "(["+s.text(depth-1)+"] in b)", "(["+sub()+", "+s.text(1)+"] in c)", "(["+sub()+"] in d)")
	case 10:
		return s.element()
	case 11:
		return "(" + s.assignNumber(depth-1) + ")"
	case 12:
		return s.one("strlen("+s.text(depth-1)+")", "stringat("+s.text(depth-1)+", "+sub()+")",
			"strtol("+s.text(depth-1)+", "+s.one("10", "16", "8", "0")+")", "isinstr("+s.text(depth-1)+", \""+s.one("", "a", "bc", "12345678", "start")+"\")")
	case 13:
		return "(" + s.text(depth-1) + " " + s.one("=~", "!~") + " \"" + s.one("a", "^a", "b$", "^start$", "", "123456789") + "\")"
	case 14:
		if s.fn > 0 {
			return s.call(s.one0(s.fn))
		}
	}
	return s.place()
}

// one0 is a function that returns a number, of the first n.
func (s *scripter) one0(n int) int {
	if n == scriptFunctions {
		return 2 * s.pick(2)
	}
	return 0
}

// text draws an expression of type string.
func (s *scripter) text(depth int) string {
	s.budget--
	if depth <= 0 || s.budget <= 0 || s.pick(4) == 0 {
		if s.pick(3) == 0 {
			return strconv.Quote(rapid.OneOf(rapid.SampledFrom([]string{"", "a", "abc", "0x1f", "-12", "1234567", "12345678", "123456789abcdef", "start of something"}), rapid.StringMatching(`[ab]{0,40}`)).Draw(s.t, "s"))
		}
		return s.textPlace()
	}
	if s.readsMemory() {
		at := "@cast(" + s.pointer() + ", \"s\")->name"
		return s.one("kernel_string("+at+")", "kernel_string("+at+", "+s.text(depth-1)+")", "kernel_string_n("+at+", "+s.one("1", "7", "8", "20")+")")
	}
	sub := func() string { return s.text(depth - 1) }
	switch s.pick(9) {
	case 0, 1:
		return "(" + sub() + " . " + sub() + ")"
	case 2:
		return "(" + s.number(depth-1) + " ? " + sub() + " : " + sub() + ")"
	case 3:
		return "substr(" + sub() + ", " + s.number(1) + ", " + s.number(1) + ")"
	case 4:
		return "sprintf(\"" + s.one("%d", "%x", "<%4d", "%05d>", "%u", "%o", "%c", "%12X", "%p") + "%s\", " + s.number(depth-1) + ", " + sub() + ")"
	case 5:
		return "(" + s.assignText(depth-1) + ")"
	case 6:
		if s.fn > 1 {
			return s.call(1)
		}
	case 7:
		return "sprint(" + s.number(depth-1) + ", " + sub() + ")"
	}
	return s.textPlace()
}
