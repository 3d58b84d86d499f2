package makefile

import (
	"fmt"
	"strings"
)

// Expand replaces the references in text by what they stand for.
func (m *Makefile) Expand(text string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	if m.err != nil {
		return ""
	}
	if m.depth++; m.depth > maxDepth {
		m.depth--
		return m.mark("", "%q is nested more than %d deep", clip(text), maxDepth)
	}
	defer func() { m.depth-- }()
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '$' || i+1 == len(text) {
			b.WriteByte(c)
			continue
		}
		i++
		before := b.Len()
		switch text[i] {
		case '$':
			b.WriteByte('$')
		case '(', '{':
			end := closing(text, i)
			if end < 0 {
				return m.mark("", "a reference without end: %q", clip(text))
			}
			b.WriteString(m.reference(text[i+1 : end]))
			i = end
		default:
			b.WriteString(m.value(text[i : i+1]))
		}
		if m.work += b.Len() - before + perReference; m.work > maxWork && m.err == nil {
			m.err = fmt.Errorf("%s:%d: %w: expansions of more than %d bytes", m.file, m.line, ErrTooMuch, maxWork)
			return ""
		}
	}
	return b.String()
}

func clip(text string) string {
	const most = 60
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// reference is what stands between the brackets of $(…).
func (m *Makefile) reference(inner string) string {
	if i := strings.IndexAny(inner, " \t"); i > 0 {
		if value, ok := m.builtin(inner[:i], strings.TrimLeft(inner[i:], " \t")); ok {
			return value
		}
	}
	name := inner
	if strings.Contains(inner, "$") {
		name = m.Expand(inner)
	}
	if hasMark(name) {
		return m.mark("", "the variable that $(%s) names cannot be told", clip(inner))
	}
	if i := strings.IndexByte(name, ':'); i > 0 {
		if from, to, ok := strings.Cut(name[i+1:], "="); ok {
			if !strings.Contains(from, "%") {
				from, to = "%"+from, "%"+to
			}
			return substitute(from, to, m.value(name[:i]))
		}
	}
	return m.value(name)
}

// value is what the variable comes to here.
func (m *Makefile) value(name string) string {
	v, _ := m.variable(name)
	if v.Simple || v.Text == "" {
		return v.Text
	}
	if m.open[name] {
		return m.mark("", "%s refers to itself", name)
	}
	m.open[name] = true
	text := m.Expand(v.Text)
	delete(m.open, name)
	return text
}

// arguments parts the text of a function call at its commas, at most into
// most parts: what follows the last belongs to it.
func arguments(text string, most int) []string {
	var args []string
	for len(args) < most-1 {
		i := comma(text)
		if i < 0 {
			break
		}
		args = append(args, text[:i])
		text = text[i+1:]
	}
	return append(args, text)
}

// comma finds the first comma outside of brackets.
func comma(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// pattern reports whether word fits a pattern with at most one %, and what
// the % stands for.
func pattern(pat, word string) (stem string, ok bool) {
	before, after, wild := strings.Cut(pat, "%")
	if !wild {
		return "", pat == word
	}
	if len(word) < len(before)+len(after) || !strings.HasPrefix(word, before) || !strings.HasSuffix(word, after) {
		return "", false
	}
	return word[len(before) : len(word)-len(after)], true
}

// substitute is $(patsubst from,to,text).
func substitute(from, to, text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		stem, ok := pattern(from, w)
		if !ok {
			continue
		}
		if strings.Contains(from, "%") {
			words[i] = strings.Replace(to, "%", stem, 1)
		} else {
			words[i] = to
		}
	}
	return strings.Join(words, " ")
}

// MatchAny reports whether $(filter patterns,word) keeps word.
func MatchAny(patterns []string, word string) bool {
	for _, p := range patterns {
		if _, ok := pattern(p, word); ok {
			return true
		}
	}
	return false
}
