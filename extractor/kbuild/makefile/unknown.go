package makefile

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Unknown is a value that cannot be told without running a command.
type Unknown struct {
	// Reason says why, in a sentence that names the file and line.
	Reason string
	// Text is what the value may hold, as far as that is known: the options
	// that $(call cc-option,…) chooses from, the words that an undecided
	// conditional may add. Empty when it could be anything.
	Text string
}

// An unknown travels in text as one rune of a private plane: it survives
// joining and splitting, and no Makefile has it (read refuses those that do).
const (
	firstMark = rune(0xF0000)
	lastMark  = rune(0xFFFFD)
)

func isMark(r rune) bool { return r >= firstMark && r <= lastMark }

// hasMark reports whether text holds an unknown.
func hasMark(text string) bool {
	// All runes of the plane start with this byte, and few others do.
	i := strings.IndexByte(text, 0xF3)
	return i >= 0 && strings.IndexFunc(text[i:], isMark) >= 0
}

// onlyMarks reports whether text holds unknowns and nothing else.
func onlyMarks(text string) bool {
	text = strings.TrimSpace(text)
	return hasMark(text) && strings.IndexFunc(text, func(r rune) bool { return !isMark(r) && !isSpace(r) }) < 0
}

// mark makes the word that stands for an unknown of the current line.
func (m *Makefile) mark(text, format string, args ...any) string {
	place := m.file
	if m.line > 0 {
		place += ":" + strconv.Itoa(m.line)
	}
	return m.note(Unknown{Reason: place + ": " + fmt.Sprintf(format, args...), Text: text})
}

// note makes the word that stands for u.
func (m *Makefile) note(u Unknown) string {
	r := firstMark + rune(len(m.unknowns))
	if r > lastMark {
		return string(lastMark) // the reason of another one, but unknown all the same
	}
	m.unknowns = append(m.unknowns, u)
	return string(r)
}

// Unknowns lists what text, which came out of this Makefile or one of those
// whose variables it was given, does not tell.
func (m *Makefile) Unknowns(text string) []Unknown {
	var found []Unknown
	for i := strings.IndexByte(text, 0xF3); i >= 0 && i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if k := int(r - firstMark); isMark(r) && k < len(m.unknowns) {
			found = append(found, m.unknowns[k])
		}
		i += n
	}
	return found
}

// Known is text without its unknowns.
func Known(text string) string {
	if !hasMark(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if isMark(r) {
			return -1
		}
		return r
	}, text)
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }
