package makefile

import (
	"maps"
	"strings"
)

// assign carries out one assignment, or notes that it might have happened.
func (m *Makefile) assign(written, op, value string) {
	name := strings.TrimSpace(m.Expand(written))
	kept := m.kept()
	a := Assignment{Written: written, Name: name, File: m.file, Line: m.line, Kept: kept, text: value}
	switch {
	case kept != nil && kept.Unsure == nil:
	case kept != nil:
		m.add(name, m.note(Unknown{Reason: kept.Unsure.Reason, Text: value}))
	case hasMark(name):
		// It may be any variable that the rest of the name fits; the words
		// that it would get are found by Asked.
		why := *m.first(name)
		a.Kept = &Condition{Text: written, Unsure: &why, File: m.file, Line: m.line}
	default:
		if value, simple := m.put(name, op, value); simple {
			a.text, a.simple = value, true
		}
	}
	if len(m.asked) < maxAsked {
		m.asked = append(m.asked, a)
	}
}

// put assigns by op; simple reports that the value was expanded at once, to
// what is returned.
func (m *Makefile) put(name, op, value string) (expanded string, simple bool) {
	if _, fixed := m.set.Fixed[name]; fixed {
		return "", false
	}
	old, has := m.variable(name)
	switch op {
	case ":=":
		value = m.Expand(value)
		m.vars[name] = Variable{Text: value, Simple: true}
		return value, true
	case "+=":
		if has && old.Simple {
			value = m.Expand(value)
			m.vars[name] = Variable{Text: join(old.Text, value), Simple: true}
			return value, true
		}
		m.vars[name] = Variable{Text: join(old.Text, value)}
	case "?=":
		if !has {
			m.vars[name] = Variable{Text: value}
		}
	case "!=":
		m.vars[name] = Variable{Text: m.mark("", "takes the output of a command: %s", value), Simple: true}
	default:
		m.vars[name] = Variable{Text: value}
	}
	return "", false
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

// add appends a mark to a variable.
func (m *Makefile) add(name, mark string) {
	old, _ := m.variable(name)
	m.vars[name] = Variable{Text: join(old.Text, mark), Simple: old.Simple}
}

// define is a variable of several lines; head is what stands behind the word.
func (m *Makefile) define(head, body string) {
	if kept := m.kept(); kept != nil && kept.Unsure == nil {
		return
	}
	name, op, _, ok := assignment(head)
	if !ok {
		name, op = strings.TrimSpace(head), "="
	}
	m.assign(name, op, body)
}

// variable looks a name up.
func (m *Makefile) variable(name string) (Variable, bool) {
	if text, ok := m.set.Fixed[name]; ok {
		return Variable{Text: text, Simple: true}, true
	}
	if v, ok := m.vars[name]; ok {
		return v, true
	}
	if v, ok := m.set.Outer[name]; ok {
		return v, true
	}
	if m.set.Lookup != nil {
		if text, ok := m.set.Lookup(name); ok {
			return Variable{Text: text, Simple: true}, true
		}
	}
	return Variable{}, false
}

// Value is what $(name) comes to at the end of the Makefile. Unknowns tells
// what is missing in it.
func (m *Makefile) Value(name string) string {
	text, has := m.values[name]
	if !has {
		text = m.afterwards(func() string { return m.value(name) })
		m.values[name] = text
	}
	return text
}

// afterwards expands something when all has been read. What is too much then
// is unknown.
func (m *Makefile) afterwards(expand func() string) string {
	m.work = 0
	text := expand()
	if m.err != nil {
		text = m.mark("", "%s", m.err)
		m.err = nil
	}
	return text
}

// Asked lists every assignment, those that do not count too, in the order of
// the lines.
func (m *Makefile) Asked() []Assignment { return m.asked }

// Words are the words that an assignment adds. Those of a variable that is
// expanded when it is used are as at the end of the Makefile.
func (m *Makefile) Words(a *Assignment) []string {
	if a.simple {
		return strings.Fields(a.text)
	}
	return strings.Fields(m.afterwards(func() string { return m.Expand(a.text) }))
}

// Variables is all that the Makefile sets; Exported what it hands to those
// that are made below it. Both with the unknowns that their text may hold,
// for the Setting of another.
func (m *Makefile) Variables() (map[string]Variable, []Unknown) {
	return maps.Clone(m.vars), m.unknowns
}

// Exported is documented at Variables. What is exported is expanded first.
func (m *Makefile) Exported() (map[string]Variable, []Unknown) {
	all := map[string]Variable{}
	for name := range m.exported {
		if v, ok := m.variable(name); ok {
			if !v.Simple {
				v = Variable{Text: m.Value(name)}
			}
			all[name] = v
		}
	}
	return all, m.unknowns
}
