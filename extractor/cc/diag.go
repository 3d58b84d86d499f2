package cc

import (
	"regexp"
	"strconv"
	"strings"
)

// Place is a line of a file; Column counts from 1, 0 where it is not told.
type Place struct {
	File         string
	Line, Column int
}

// Diagnostic is one error of the compiler.
type Diagnostic struct {
	Place
	Message string
	Fatal   bool
	// Chain is the includes that led to the file, innermost first: the last
	// one is a line of the unit itself.
	Chain []Place
	// Expansion is where macros were expanded that led to the place,
	// innermost first (gcc only: clang gives the place of the use itself).
	Expansion []Place
}

var (
	errorLine  = regexp.MustCompile(`^(.+?):(\d+):(?:(\d+):)? (fatal error|error): (.*)$`)
	expandLine = regexp.MustCompile(`^(.+?):(\d+):(?:(\d+):)? note: in expansion of macro`)
	fromLine   = regexp.MustCompile(`^(?:In file included|\s+) from (.+?):(\d+)(?::\d+)?[,:]$`)
)

// Diagnostics reads the errors out of what gcc or clang printed. Both print
// the chain of includes only when it differs from that of the message before
// (gcc) or before each message (clang).
func Diagnostics(stderr string) []Diagnostic {
	var found []Diagnostic
	var chain []Place
	fresh := false
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, "\n")
		if m := fromLine.FindStringSubmatch(line); m != nil {
			if strings.HasPrefix(line, "In file included") && !fresh {
				chain, fresh = nil, true
			}
			// clang lists the outermost include first, each as a line that
			// starts anew; gcc the innermost first.
			p := Place{File: m[1], Line: atoi(m[2])}
			if strings.HasSuffix(line, ":") && strings.HasPrefix(line, "In file included") {
				chain = append([]Place{p}, chain...)
			} else {
				chain = append(chain, p)
			}
			continue
		}
		if m := expandLine.FindStringSubmatch(line); m != nil && len(found) > 0 {
			last := &found[len(found)-1]
			last.Expansion = append(last.Expansion, Place{File: m[1], Line: atoi(m[2]), Column: atoi(m[3])})
			continue
		}
		m := errorLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		fresh = false
		found = append(found, Diagnostic{
			Place:   Place{File: m[1], Line: atoi(m[2]), Column: atoi(m[3])},
			Fatal:   m[4] == "fatal error",
			Message: m[5],
			Chain:   chain,
		})
	}
	return found
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
