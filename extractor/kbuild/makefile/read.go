package makefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Bounds on what a Makefile may be and do; the kernel's stay far below.
const (
	maxSize     = 4 << 20  // bytes of one file
	maxIncludes = 200      // files within files
	maxDepth    = 100      // nested expansions
	maxWork     = 16 << 20 // bytes that expansions come to, in all
	// perReference is what one reference counts beside its bytes.
	perReference = 16
	maxAsked     = 1 << 20 // assignments
)

// ErrTooMuch is wrapped by the errors for Makefiles beyond all bounds.
var ErrTooMuch = errors.New("beyond what a kernel Makefile needs")

// Variable is what a name stands for.
type Variable struct {
	Text string
	// Simple variables (:=) hold their value, the others text to expand.
	Simple bool
}

// Setting is the world that a Makefile is read in.
type Setting struct {
	// Outer are the variables it finds; they are read, never changed.
	Outer map[string]Variable
	// Lookup answers for names that neither the Makefile nor Outer has, as
	// the configuration does for CONFIG_ names. nil for none.
	Lookup func(name string) (string, bool)
	// Fixed are variables as of make's command line: assignments to them are
	// passed over.
	Fixed map[string]string
	// Dirs are looked through, in order, for relative paths of include and
	// $(wildcard).
	Dirs []string
	// Unknowns are those that the text of Outer may hold.
	Unknowns []Unknown
	// Name shortens a path for messages and places. nil keeps it.
	Name func(path string) string
}

// Makefile is one Makefile that was read, with all that it includes. It
// expands its variables when they are asked for, and is for one goroutine.
type Makefile struct {
	set      Setting
	vars     map[string]Variable
	exported map[string]bool
	open     map[string]bool // variables being expanded
	values   map[string]string
	asked    []Assignment
	unknowns []Unknown

	file     string // being read, as messages name it
	line     int
	inRule   bool
	cond     *branch
	includes int
	depth    int
	work     int
	err      error
}

// Assignment is one line that gives a variable words, whether or not the
// conditionals around it let it happen.
type Assignment struct {
	// Written is the name as it stands, "obj-$(CONFIG_EXT4_FS)"; Name what it
	// comes to, "obj-m" or "obj-".
	Written, Name string
	File          string
	Line          int
	// Kept is nil for an assignment that happens; else what keeps it from
	// happening, or what would have to be known to tell.
	Kept *Condition

	text   string
	simple bool
}

// Condition is a branch of a conditional that is not taken.
type Condition struct {
	Text string // as written: "ifdef CONFIG_SMP"
	Else bool   // it is the branch of the else
	// Unsure, when not nil, says why it cannot be told whether it is taken.
	Unsure *Unknown
	File   string
	Line   int
}

// branch is one open conditional.
type branch struct {
	outer *branch
	text  string // of the last condition
	// done: this branch or an earlier one is taken, if not maybe, which one
	// before it may be.
	done  bool
	maybe *Unknown
	kept  *Condition // why lines do not count, nil when they do
}

// Read reads the Makefile at path.
func Read(path string, set Setting) (*Makefile, error) {
	m := &Makefile{
		set: set, vars: map[string]Variable{}, exported: map[string]bool{}, open: map[string]bool{}, values: map[string]string{},
		unknowns: append([]Unknown(nil), set.Unknowns...),
	}
	if err := m.read(path); err != nil {
		return nil, err
	}
	return m, nil
}

// read reads one file behind what was read.
func (m *Makefile) read(path string) error {
	text, err := readFile(path)
	if err != nil {
		return err
	}
	return m.source(path, text)
}

func readFile(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() || st.Size() > maxSize {
		return "", fmt.Errorf("%s: %w: not a file of at most %d bytes", path, ErrTooMuch, maxSize)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// source reads the text of one file.
func (m *Makefile) source(path, text string) error {
	if m.includes++; m.includes > maxIncludes {
		return fmt.Errorf("%s: %w: more than %d included files", path, ErrTooMuch, maxIncludes)
	}
	if hasMark(text) || !utf8.ValidString(text) {
		return fmt.Errorf("%s: not a text that make would read", path)
	}
	name := path
	if m.set.Name != nil {
		name = m.set.Name(path)
	}
	if m.file == "" {
		m.file = name // of what is expanded when all has been read
	}
	file, line, cond := m.file, m.line, m.cond
	m.file = name
	m.lines(text)
	// A conditional ends in the file that opened it; make would refuse.
	m.file, m.line, m.cond, m.inRule = file, line, cond, false
	return m.err
}

// lines reads text line by line. The line numbers count from the first; for
// the text of an $(eval …), which has none, they stay where it stands.
func (m *Makefile) lines(text string) {
	m.line = 0
	for text != "" && m.err == nil {
		m.line++
		at := m.line
		var line string
		line, text = m.logical(text)
		end := m.line
		m.line = at
		if strings.HasPrefix(line, "\t") && m.inRule {
			m.line = end
			continue
		}
		if rest, ok := directive(line, "define"); ok {
			var body string
			m.line = end
			body, text = m.body(text)
			end = m.line
			m.line = at
			m.define(rest, body)
		} else {
			m.statement(line)
		}
		m.line = end
	}
}

// logical takes one line with its continuations, which come to one space.
func (m *Makefile) logical(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	if !strings.HasSuffix(line, "\\") {
		return line, rest
	}
	var b strings.Builder
	for continued(line) && rest != "" {
		b.WriteString(strings.TrimRight(line[:len(line)-1], " \t"))
		b.WriteByte(' ')
		line, rest, _ = strings.Cut(rest, "\n")
		line = strings.TrimLeft(line, " \t")
		m.line++
	}
	if continued(line) { // at the end of the file
		line = line[:len(line)-1]
	}
	b.WriteString(line)
	return b.String(), rest
}

// continued reports whether the line ends in a backslash that is not itself
// escaped.
func continued(line string) bool {
	n := len(line) - len(strings.TrimRight(line, "\\"))
	return n%2 == 1
}

// body takes the lines up to the endef that closes a define.
func (m *Makefile) body(text string) (body, rest string) {
	var b strings.Builder
	for open := 1; text != ""; {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		m.line++
		if _, ok := directive(line, "define"); ok {
			open++
		}
		if _, ok := directive(line, "endef"); ok {
			if open--; open == 0 {
				break
			}
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n"), text
}

// directive cuts a leading word off a line.
func directive(line, word string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(strings.TrimLeft(line, " \t"), word)
	if !ok || rest != "" && !isSpace(rune(rest[0])) {
		return "", false
	}
	return strings.TrimSpace(rest), true
}

// statement reads one logical line that is no recipe and no define.
func (m *Makefile) statement(line string) {
	line = strings.TrimSpace(uncomment(line))
	if line == "" || m.conditional(line) {
		return
	}
	for _, word := range []string{"override", "private"} {
		if rest, ok := directive(line, word); ok {
			line = rest
		}
	}
	if rest, ok := directive(line, "export"); ok {
		name, _, _, assigns := assignment(rest)
		if !assigns {
			name = rest
		}
		if m.kept() == nil {
			for _, n := range strings.Fields(m.Expand(name)) {
				m.exported[n] = true
			}
		}
		if !assigns {
			return
		}
		line = rest
	}
	if name, op, value, ok := assignment(line); ok {
		m.inRule = false
		m.assign(name, op, value)
		return
	}
	if kept := m.kept(); kept != nil && kept.Unsure == nil {
		return
	}
	for _, word := range []string{"include", "-include", "sinclude"} {
		if rest, ok := directive(line, word); ok {
			m.inRule = false
			m.include(rest, word == "include")
			return
		}
	}
	for _, word := range []string{"unexport", "vpath", "undefine"} {
		if rest, ok := directive(line, word); ok {
			if word == "undefine" && m.kept() == nil {
				m.vars[m.Expand(rest)] = Variable{}
			}
			return
		}
	}
	if i := unreferenced(line, ":"); i >= 0 {
		m.inRule = true // and its target-specific variables, which are its own
		return
	}
	// What is left are functions called for what they do: $(eval …).
	if m.Expand(line) != "" {
		m.inRule = true
	}
}

// uncomment cuts a comment off.
func uncomment(line string) string {
	if !strings.Contains(line, "#") {
		return line
	}
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line) && line[i+1] == '#':
			i++
			b.WriteByte('#')
		case line[i] == '#':
			return b.String()
		default:
			b.WriteByte(line[i])
		}
	}
	return b.String()
}

// unreferenced finds the first of any of chars outside of $(…).
func unreferenced(line, chars string) int {
	for i := 0; i < len(line); i++ {
		if line[i] == '$' && i+1 < len(line) {
			if end := closing(line, i+1); end > 0 {
				i = end
			} else {
				i++
			}
			continue
		}
		if strings.IndexByte(chars, line[i]) >= 0 {
			return i
		}
	}
	return -1
}

// closing finds the bracket that closes the one at i, -1 when there is none.
func closing(text string, i int) int {
	var open, shut byte
	switch text[i] {
	case '(':
		open, shut = '(', ')'
	case '{':
		open, shut = '{', '}'
	default:
		return -1
	}
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// assignment parts "NAME op VALUE".
func assignment(line string) (name, op, value string, ok bool) {
	i := unreferenced(line, "=:")
	if i < 0 {
		return "", "", "", false
	}
	start := i
	switch rest := line[i:]; {
	case rest[0] == '=':
		op = "="
		if i > 0 && strings.IndexByte("+?!", line[i-1]) >= 0 {
			start, op = i-1, line[i-1:i+1]
		}
	case strings.HasPrefix(rest, ":="):
		op = ":="
	case strings.HasPrefix(rest, "::="):
		op, i = ":=", i+1
	default:
		return "", "", "", false
	}
	name = strings.TrimSpace(line[:start])
	if op != ":=" {
		i++
	} else {
		i += 2
	}
	// A name of several words is a rule's, as in "a b = c" nowhere at all.
	if name == "" || unreferenced(name, " \t") >= 0 {
		return "", "", "", false
	}
	return name, op, strings.TrimLeft(line[i:], " \t"), true
}

// include reads other Makefiles in place.
func (m *Makefile) include(names string, must bool) {
	expanded := m.Expand(names)
	if hasMark(expanded) {
		m.whole(m.mark("", "what is included cannot be told: include %s", names))
	}
	for _, name := range strings.Fields(expanded) {
		if hasMark(name) {
			continue
		}
		paths := m.find(name)
		if len(paths) == 0 && must {
			m.whole(m.mark("", "%s, which it includes, is not there", name))
		}
		for _, path := range paths {
			if err := m.read(path); errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
				if must {
					m.whole(m.mark("", "%s, which it includes, cannot be read", name))
				}
			} else if err != nil && m.err == nil {
				m.err = err
			}
		}
	}
}

// Whole is a variable that holds what may be missing of the Makefile itself.
const Whole = "\x00whole"

// whole notes that lines of the Makefile are missing.
func (m *Makefile) whole(mark string) { m.add(Whole, mark) }

// find resolves a path with wildcards against the setting's folders.
func (m *Makefile) find(pattern string) []string {
	if filepath.IsAbs(pattern) {
		return glob(pattern)
	}
	for _, dir := range m.set.Dirs {
		if found := glob(filepath.Join(dir, pattern)); len(found) > 0 {
			return found
		}
	}
	return nil
}

func glob(pattern string) []string {
	if !strings.ContainsAny(pattern, "*?[") {
		if _, err := os.Stat(pattern); err != nil {
			return nil
		}
		return []string{pattern}
	}
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil
	}
	return found
}
