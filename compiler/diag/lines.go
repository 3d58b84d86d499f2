package diag

import (
	"sort"
	"unicode/utf8"
)

// Lines finds the places of one text, many of them: Source.Place reads the text
// from its start each time.
type Lines struct {
	text   string
	starts []mark // of the lines
	marks  []mark // one every step bytes: a line may be as long as the text
}

// mark is where a character starts, and how many are before it.
type mark struct{ offset, runes int }

// step is how far marks are apart, in bytes.
const step = 512

// NewLines finds the lines of a text.
func NewLines(text string) *Lines {
	first := begin(text)
	l := &Lines{text: text, starts: []mark{{offset: first}}}
	runes := 0
	for i := range text {
		if i < first {
			continue
		}
		if i >= step*len(l.marks) {
			l.marks = append(l.marks, mark{i, runes})
		}
		runes++
		if text[i] == '\n' {
			l.starts = append(l.starts, mark{i + 1, runes})
		}
	}
	return l
}

// Place is Source.Place.
func (l *Lines) Place(offset int) (line, column int) {
	offset = min(max(offset, l.starts[0].offset), len(l.text))
	line = sort.Search(len(l.starts), func(i int) bool { return l.starts[i].offset > offset })
	start := l.starts[line-1]
	from := start
	if n := min(offset/step, len(l.marks)-1); n >= 0 {
		// A character that goes over the step's end has its mark behind.
		for _, m := range l.marks[max(n-1, 0) : n+1] {
			if m.offset > from.offset && m.offset <= offset {
				from = m
			}
		}
	}
	return line, from.runes - start.runes + utf8.RuneCountInString(l.text[from.offset:offset]) + 1
}
