// Package diag says what is wrong with a script, and where: positions, messages
// with carets under the source, suggestions, and the same as JSON values.
package diag

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Span is a part of a script: byte offsets from its start, the end excluded.
type Span struct{ Start, End int }

// To is the span from the start of s to the end of t.
func (s Span) To(t Span) Span { return Span{s.Start, t.End} }

// Source is a script with its name.
type Source struct {
	Name string // as the user gave it; "<-e>" for text of the command line
	Text string
}

// Begin is where the text begins: behind a byte order mark, which some editors
// write and which is no character of the script.
func (s *Source) Begin() int { return begin(s.Text) }

func begin(text string) int {
	const mark = "\ufeff"
	if strings.HasPrefix(text, mark) {
		return len(mark)
	}
	return 0
}

// Place turns a byte offset into a line and a column, both from 1; the column
// counts characters.
func (s *Source) Place(offset int) (line, column int) {
	before := s.Text[:min(max(offset, s.Begin()), len(s.Text))]
	start := max(strings.LastIndexByte(before, '\n')+1, s.Begin())
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// line is the text of the line that an offset is in, without its end.
func (s *Source) line(offset int) string {
	offset = min(max(offset, s.Begin()), len(s.Text))
	start := max(strings.LastIndexByte(s.Text[:offset], '\n')+1, s.Begin())
	if n := strings.IndexByte(s.Text[start:], '\n'); n >= 0 {
		return s.Text[start : start+n]
	}
	return s.Text[start:]
}

// Level says how bad something is.
type Level string

// The levels; the zero Level is an error's.
const (
	Wrong   Level = ""
	Warning Level = "warning"
	Note    Level = "note"
)

// word is the level as it is written.
func (l Level) word() string { return cmp.Or(string(l), "error") }

// Error is one thing that is wrong with a script, or worth saying of it.
type Error struct {
	Level   Level
	Span    Span
	Message string // one sentence, in lower case
	// Hint is shown behind the caret: what was perhaps meant, what to do.
	Hint string
}

// List collects the errors of one phase.
type List struct {
	Source *Source
	Errors []Error
}

// Add notes an error.
func (l *List) Add(span Span, hint, format string, args ...any) {
	l.Errors = append(l.Errors, Error{Span: span, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// Err is the list as an error, sorted by place, each once; nil when nothing is
// wrong.
func (l *List) Err() error {
	if len(l.Errors) == 0 {
		return nil
	}
	slices.SortStableFunc(l.Errors, func(a, b Error) int { return a.Span.Start - b.Span.Start })
	l.Errors = slices.Compact(l.Errors)
	return l
}

// Error shows every error with its line and a caret:
//
//	probe.stp:3:16: error: struct task_struct has no member "piid"
//	  3 |   cnt[$prev->piid]++
//	    |              ^^^^ did you mean "pid"?
func (l *List) Error() string {
	var s strings.Builder
	for i, e := range l.Errors {
		if i > 0 {
			s.WriteByte('\n')
		}
		if i == maxShown {
			fmt.Fprintf(&s, "%s: %d more errors", l.Source.Name, len(l.Errors)-i)
			break
		}
		line, column := l.Source.Place(e.Span.Start)
		fmt.Fprintf(&s, "%s:%d:%d: %s: %s\n", l.Source.Name, line, column, e.Level.word(), e.Message)
		text, shift := window(l.Source.line(e.Span.Start), column)
		number := fmt.Sprintf("%3d", line)
		fmt.Fprintf(&s, "%s | %s\n", number, text)
		width := min(e.width(l.Source), max(1, utf8.RuneCountInString(text)-(column-shift)+1))
		s.WriteString(strings.Repeat(" ", len(number)) + " | " + under(text, column-shift, width))
		if e.Hint != "" {
			s.WriteString(" " + e.Hint)
		}
	}
	return s.String()
}

// Bounds of what Error shows: errors in all, and characters of a line.
const (
	maxShown = 200
	maxLine  = 240
)

// window is the part of a long line around a column, and how many characters
// it starts later.
func window(text string, column int) (part string, shift int) {
	runes := []rune(text)
	if len(runes) <= maxLine {
		return text, 0
	}
	start := min(max(0, column-1-maxLine/2), len(runes)-maxLine)
	return string(runes[start : start+maxLine]), start
}

// width is how many characters of its first line an error covers, one at least.
func (e Error) width(src *Source) int {
	end := min(max(e.Span.End, e.Span.Start), len(src.Text))
	part, _, _ := strings.Cut(src.Text[min(e.Span.Start, end):end], "\n")
	return max(utf8.RuneCountInString(part), 1)
}

// under is what stands before the carets, tabs kept so that they line up, and
// the carets.
func under(text string, column, width int) string {
	var s strings.Builder
	for i, r := range []rune(text) {
		if i >= column-1 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		s.WriteRune(r)
	}
	return s.String() + strings.Repeat("^", width)
}

// MarshalJSON writes the errors with lines and columns, for editors.
func (l *List) MarshalJSON() ([]byte, error) {
	type place struct {
		File    string `json:"file"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Width   int    `json:"width"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
		Level   string `json:"level"`
	}
	out := make([]place, len(l.Errors))
	for i, e := range l.Errors {
		line, column := l.Source.Place(e.Span.Start)
		out[i] = place{l.Source.Name, line, column, e.width(l.Source), e.Message, e.Hint, e.Level.word()}
	}
	// As everywhere in this project: "<" is "<".
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(text.Bytes()), nil
}
