package makefile

import (
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// builtin evaluates the function called name; ok is false when there is no
// such function. Arguments are not yet expanded. Source: GNU make's manual,
// chapter 8.
func (m *Makefile) builtin(name, text string) (value string, ok bool) {
	if f, ok := texts[name]; ok {
		args := arguments(text, f.args)
		for i := range args {
			args[i] = m.Expand(args[i])
		}
		if len(args) < f.args {
			return m.mark("", "$(%s %s) has too few arguments", name, clip(text)), true
		}
		if f.whole && hasMark(strings.Join(args, "")) {
			return m.mark("", "$(%s) of something that cannot be told", name), true
		}
		return f.of(args), true
	}
	if f := control(name); f != nil {
		return f(m, text), true
	}
	return "", false
}

// texts are the functions of their arguments alone.
var texts = map[string]struct {
	args int
	// whole: one unknown word makes the whole result unknown.
	whole bool
	of    func([]string) string
}{
	"subst":      {3, false, func(a []string) string { return replace(a[2], a[0], a[1]) }},
	"patsubst":   {3, false, func(a []string) string { return substitute(strings.TrimSpace(a[0]), strings.TrimSpace(a[1]), a[2]) }},
	"strip":      {1, false, func(a []string) string { return strings.Join(strings.Fields(a[0]), " ") }},
	"findstring": {2, true, func(a []string) string { return when(strings.Contains(a[1], a[0]), a[0]) }},
	"filter":     {2, false, func(a []string) string { return filter(a[0], a[1], true) }},
	"filter-out": {2, false, func(a []string) string { return filter(a[0], a[1], false) }},
	"sort":       {1, false, func(a []string) string { return sorted(a[0]) }},
	"word":       {2, true, func(a []string) string { return wordlist(a[0], a[0], a[1]) }},
	"wordlist":   {3, true, func(a []string) string { return wordlist(a[0], a[1], a[2]) }},
	"words":      {1, true, func(a []string) string { return strconv.Itoa(len(strings.Fields(a[0]))) }},
	"firstword":  {1, true, func(a []string) string { return wordlist("1", "1", a[0]) }},
	"lastword": {1, true, func(a []string) string {
		w := strings.Fields(a[0])
		return strings.Join(w[max(0, len(w)-1):], "")
	}},
	"dir": {1, false, func(a []string) string {
		return each(a[0], func(w string) string {
			if i := strings.LastIndexByte(w, '/'); i >= 0 {
				return w[:i+1]
			}
			return "./"
		})
	}},
	"notdir": {1, false, func(a []string) string {
		return each(a[0], func(w string) string { return w[strings.LastIndexByte(w, '/')+1:] })
	}},
	"suffix": {1, false, func(a []string) string { return each(a[0], path.Ext) }},
	"basename": {1, false, func(a []string) string {
		return each(a[0], func(w string) string { return strings.TrimSuffix(w, path.Ext(w)) })
	}},
	"addsuffix": {2, false, func(a []string) string { return each(a[1], func(w string) string { return w + a[0] }) }},
	"addprefix": {2, false, func(a []string) string { return each(a[1], func(w string) string { return a[0] + w }) }},
	"join":      {2, true, joinLists},
	"warning":   {1, false, func([]string) string { return "" }},
	"info":      {1, false, func([]string) string { return "" }},
}

// control evaluates the functions that decide themselves what to expand, or
// that look outside.
func control(name string) func(m *Makefile, text string) string {
	switch name {
	case "if":
		return ifFunction
	case "or":
		return orFunction
	case "and":
		return andFunction
	case "foreach":
		return foreachFunction
	case "call":
		return callFunction
	case "eval":
		return evalFunction
	case "wildcard":
		return wildcardFunction
	case "abspath", "realpath":
		return pathFunction
	case "origin":
		return originFunction
	case "value":
		return valueFunction
	case "shell":
		return shellFunction
	case "error":
		return errorFunction
	}
	return nil
}

func when(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}

// replace is $(subst from,to,text).
func replace(text, from, to string) string {
	if from == "" {
		return text + to
	}
	return strings.ReplaceAll(text, from, to)
}

// each maps the words of text; results that are empty vanish.
func each(text string, of func(string) string) string {
	var out []string
	for _, w := range strings.Fields(text) {
		if w = of(w); w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// filter keeps the words that any pattern fits, or those that none does. What
// an unknown would be filtered by or to is unknown.
func filter(patterns, text string, keep bool) string {
	pats := strings.Fields(patterns)
	unsure := hasMark(patterns)
	return each(text, func(w string) string {
		fits := MatchAny(pats, w)
		switch {
		case hasMark(w) || fits == keep && (fits || !unsure):
			return w
		case fits || !unsure:
			return ""
		default: // an unknown pattern may fit
			return strings.Map(func(r rune) rune {
				if isMark(r) {
					return r
				}
				return -1
			}, patterns)
		}
	})
}

func sorted(text string) string {
	words := strings.Fields(text)
	slices.Sort(words)
	return strings.Join(slices.Compact(words), " ")
}

// wordlist is words from to to of text, counted from 1; both are numbers.
func wordlist(from, to, text string) string {
	words := strings.Fields(text)
	a, err := strconv.Atoi(strings.TrimSpace(from))
	b, err2 := strconv.Atoi(strings.TrimSpace(to))
	if err != nil || err2 != nil || a < 1 || a > len(words) || b < a {
		return ""
	}
	return strings.Join(words[a-1:min(b, len(words))], " ")
}

func joinLists(a []string) string {
	x, y := strings.Fields(a[0]), strings.Fields(a[1])
	for len(x) < len(y) {
		x = append(x, "")
	}
	for i, w := range y {
		x[i] += w
	}
	return strings.Join(x, " ")
}

// decide is $(if …), and what $(or …) and $(and …) ask of each argument.
func (m *Makefile) decide(text string) (value string, yes, unsure bool) {
	value = m.Expand(strings.TrimSpace(text))
	return value, value != "", onlyMarks(value)
}

func ifFunction(m *Makefile, text string) string {
	args := append(arguments(text, 3), "", "")
	value, yes, unsure := m.decide(args[0])
	switch {
	case unsure:
		return m.note(Unknown{Reason: m.first(value).Reason, Text: args[1] + " " + args[2]})
	case yes:
		return m.Expand(args[1])
	default:
		return m.Expand(args[2])
	}
}

func orFunction(m *Makefile, text string) string {
	for _, arg := range arguments(text, len(text)+1) {
		if value, yes, _ := m.decide(arg); yes {
			return value // an unknown one too: it is this one or a later one
		}
	}
	return ""
}

func andFunction(m *Makefile, text string) string {
	last, unknown := "", ""
	for _, arg := range arguments(text, len(text)+1) {
		value, yes, unsure := m.decide(arg)
		if !yes {
			return ""
		}
		if last = value; unsure {
			unknown = value
		}
	}
	if unknown != "" {
		return unknown
	}
	return last
}

func foreachFunction(m *Makefile, text string) string {
	args := arguments(text, 3)
	if len(args) < 3 {
		return m.mark("", "$(foreach %s) has too few arguments", clip(text))
	}
	name := strings.TrimSpace(m.Expand(args[0]))
	defer m.restore(name)()
	var out []string
	for _, w := range strings.Fields(m.Expand(args[1])) {
		m.vars[name] = Variable{Text: w, Simple: true}
		out = append(out, m.Expand(args[2]))
	}
	return strings.Join(out, " ")
}

// restore remembers variables; what it returns puts them back.
func (m *Makefile) restore(names ...string) func() {
	old := make([]Variable, len(names))
	had := make([]bool, len(names))
	for i, name := range names {
		old[i], had[i] = m.vars[name]
	}
	return func() {
		for i, name := range names {
			if had[i] {
				m.vars[name] = old[i]
			} else {
				delete(m.vars, name)
			}
		}
	}
}

// callFunction is $(call NAME,…): the kernel's own that ask the compiler are
// answered here, the others by their definition.
func callFunction(m *Makefile, text string) string {
	args := arguments(text, len(text)+1)
	for i := range args {
		args[i] = m.Expand(args[i])
	}
	name := strings.TrimSpace(args[0])
	if value, ok := m.compilerTest(name, args[1:]); ok {
		return value
	}
	if strings.ContainsRune(name, '\x00') || hasMark(name) {
		return m.mark("", "what $(call …) calls cannot be told")
	}
	if value, ok := m.builtin(name, strings.Join(args[1:], ",")); ok {
		return value
	}
	v, ok := m.variable(name)
	if !ok {
		return m.mark(strings.Join(args[1:], " "), "$(call %s) is not defined where tpinfo looks", name)
	}
	const most = 10 // $(0) to $(9), which hide those of an outer call
	names := make([]string, most)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	defer m.restore(names...)()
	for i, n := range names {
		m.vars[n] = Variable{Simple: true}
		if i < len(args) {
			m.vars[n] = Variable{Text: strings.TrimSpace(args[i]), Simple: true}
			if i > 0 {
				m.vars[n] = Variable{Text: args[i], Simple: true}
			}
		}
	}
	return m.Expand(v.Text)
}

func evalFunction(m *Makefile, text string) string {
	text = m.Expand(text)
	line := m.line
	if m.depth++; m.depth > maxDepth {
		m.depth--
		return m.mark("", "$(eval) %d deep", maxDepth)
	}
	m.lines(text)
	m.depth--
	m.line = line
	return ""
}

func wildcardFunction(m *Makefile, text string) string {
	text = m.Expand(text)
	var out []string
	for _, pat := range strings.Fields(text) {
		if hasMark(pat) {
			out = append(out, pat)
			continue
		}
		for _, dir := range append([]string{""}, m.set.Dirs...) {
			if filepath.IsAbs(pat) != (dir == "") {
				continue
			}
			found := glob(filepath.Join(dir, pat))
			for _, f := range found {
				if !strings.ContainsAny(pat, "*?[") {
					f = pat
				} else if rel, err := filepath.Rel(dir, f); dir != "" && err == nil {
					f = rel
				}
				out = append(out, f)
			}
			if len(found) > 0 {
				break
			}
		}
	}
	return strings.Join(out, " ")
}

func pathFunction(m *Makefile, text string) string {
	return each(m.Expand(text), func(w string) string {
		if !filepath.IsAbs(w) && !hasMark(w) && len(m.set.Dirs) > 0 {
			w = filepath.Join(m.set.Dirs[0], w)
		}
		return filepath.Clean(w)
	})
}

func originFunction(m *Makefile, text string) string {
	if _, ok := m.variable(strings.TrimSpace(m.Expand(text))); ok {
		return "file"
	}
	return "undefined"
}

func valueFunction(m *Makefile, text string) string {
	v, _ := m.variable(strings.TrimSpace(m.Expand(text)))
	return v.Text
}

func shellFunction(m *Makefile, text string) string {
	return m.mark("", "takes the output of a command: $(shell %s)", clip(text))
}

func errorFunction(m *Makefile, text string) string {
	return m.mark("", "stops: $(error %s)", clip(text))
}
