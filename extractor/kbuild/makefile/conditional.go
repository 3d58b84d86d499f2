package makefile

import "strings"

// kept says what keeps the current line from counting, nil when it counts.
func (m *Makefile) kept() *Condition {
	if m.cond == nil {
		return nil
	}
	return m.cond.kept
}

// conditional handles the directives that open, turn and close conditionals.
func (m *Makefile) conditional(line string) bool {
	word, rest, _ := strings.Cut(line, " ")
	if i := strings.IndexAny(word, "\t(\"'"); i > 0 {
		word, rest = line[:i], line[i:]
	}
	rest = strings.TrimSpace(rest)
	switch word {
	case "ifdef", "ifndef", "ifeq", "ifneq":
		m.cond = &branch{outer: m.cond}
		m.turn(word, rest, line, "")
	case "else":
		if m.cond == nil {
			return true // make would refuse the file
		}
		word, arg, _ := strings.Cut(rest, " ")
		if i := strings.IndexAny(word, "\t(\"'"); i > 0 {
			word, arg = rest[:i], rest[i:]
		}
		b := *m.cond
		m.cond = &b
		if strings.HasPrefix(word, "if") {
			m.turn(word, strings.TrimSpace(arg), rest, b.text)
		} else {
			m.turn("", "", b.text, b.text)
		}
	case "endif":
		if m.cond != nil {
			m.cond = m.cond.outer
		}
	default:
		return false
	}
	return true
}

// turn decides whether the branch that starts here counts. word is empty for
// a plain else, and earlier the condition that this one is the else of.
func (m *Makefile) turn(word, arg, text, earlier string) {
	b := m.cond
	if b.outer != nil && b.outer.kept != nil && b.outer.kept.Unsure == nil {
		b.kept = b.outer.kept
		return
	}
	c := &Condition{Text: text, File: m.file, Line: m.line}
	if word == "" || b.done {
		c.Text, c.Else = earlier, true
	}
	b.text, b.kept = text, c
	if b.done {
		return
	}
	holds := true
	if word != "" {
		holds, c.Unsure = m.test(word, arg)
	}
	switch {
	case c.Unsure != nil:
		b.maybe = c.Unsure
	case holds:
		b.done = true
		if c.Unsure = b.maybe; c.Unsure == nil {
			b.kept = nil
			if b.outer != nil {
				b.kept = b.outer.kept
			}
		}
	}
}

// test evaluates one condition.
func (m *Makefile) test(word, arg string) (holds bool, unsure *Unknown) {
	if word == "ifdef" || word == "ifndef" {
		name := strings.TrimSpace(m.Expand(arg))
		v, _ := m.variable(name)
		if hasMark(name) || onlyMarks(v.Text) {
			return false, m.first(name + v.Text)
		}
		return (v.Text != "") == (word == "ifdef"), nil
	}
	a, b, ok := operands(arg)
	if !ok {
		return false, m.first(m.mark("", "not a condition: %s %s", word, arg))
	}
	a, b = m.Expand(a), m.Expand(b)
	if hasMark(a) || hasMark(b) {
		// Text beside an unknown is not empty, whatever the unknown is.
		if a == "" && Known(b) != "" || b == "" && Known(a) != "" {
			return word == "ifneq", nil
		}
		return false, m.first(a + b)
	}
	return (a == b) == (word == "ifeq"), nil
}

// first is the first unknown in text.
func (m *Makefile) first(text string) *Unknown {
	if all := m.Unknowns(text); len(all) > 0 {
		return &all[0]
	}
	return &Unknown{Reason: m.file + ": cannot be told"}
}

// operands parts (A,B), "A" "B" and 'A' 'B'.
func operands(arg string) (a, b string, ok bool) {
	if strings.HasPrefix(arg, "(") {
		end := closing(arg, 0)
		if end < 0 {
			return "", "", false
		}
		inner := arg[1:end]
		i := unreferenced(inner, ",")
		if i < 0 {
			return "", "", false
		}
		return strings.TrimRight(inner[:i], " \t"), strings.TrimLeft(inner[i+1:], " \t"), true
	}
	if a, arg, ok = quoted(arg); !ok {
		return "", "", false
	}
	b, _, ok = quoted(arg)
	return a, b, ok
}

func quoted(text string) (inner, rest string, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" || text[0] != '"' && text[0] != '\'' {
		return "", "", false
	}
	i := strings.IndexByte(text[1:], text[0])
	if i < 0 {
		return "", "", false
	}
	return text[1 : 1+i], text[i+2:], true
}
