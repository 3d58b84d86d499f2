package diag

import (
	"sort"
	"unicode/utf8"
)

// Lines finds the places of one text, many of them: Source.Place reads the text
// from its start each time.
type Lines struct {
	text   string
	starts []int // where each line starts
}

// NewLines finds the lines of a text.
func NewLines(text string) *Lines {
	l := &Lines{text: text, starts: []int{0}}
	for i := range text {
		if text[i] == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// Place is Source.Place.
func (l *Lines) Place(offset int) (line, column int) {
	offset = min(max(offset, 0), len(l.text))
	line = sort.SearchInts(l.starts, offset+1)
	return line, utf8.RuneCountInString(l.text[l.starts[line-1]:offset]) + 1
}
