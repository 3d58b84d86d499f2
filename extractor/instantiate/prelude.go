package instantiate

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Prelude is the part of an instantiating source that a unit needs.
type Prelude struct {
	// Text goes up to the last include for which CREATE_TRACE_POINTS is
	// defined, but for those inside of functions and initializers.
	// Conditions that are open there are closed. Empty when there is no such
	// include.
	Text string
	// Instantiated are the headers that are included while it is defined, as
	// written between quotes or angle brackets.
	Instantiated []string
	// Bent: macros that headers may look for are defined before the first
	// include, so that what else is included must not come before them.
	Bent bool
}

var (
	continuation = regexp.MustCompile(`\\\r?\n`)
	directive    = regexp.MustCompile(`^[ \t]*#[ \t]*(\w*)`)
	createsHere  = regexp.MustCompile(`^[ \t]*#[ \t]*define[ \t]+CREATE_TRACE_POINTS\b`)
	namesMacro   = regexp.MustCompile(`^[ \t]*#[ \t]*(?:define|undef)[ \t]+(\w+)`)
	ceasesHere   = regexp.MustCompile(`^[ \t]*#[ \t]*undef[ \t]+CREATE_TRACE_POINTS\b`)
	includesHere = regexp.MustCompile(`^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]`)
)

// Until is a source's text up to the line in which it includes the file
// included as a part of itself, and how many conditions are open there; false when it
// does not. Paths are relative to the source tree, as that of the source is.
func Until(text, source, included string) (start string, open int, ok bool) {
	comment := false
	for at := 0; at < len(text); {
		line, next := logicalLine(text, at)
		var code string
		code, comment = withoutComments(continuation.ReplaceAllString(line, " "), comment)
		m := directive.FindStringSubmatch(code)
		switch {
		case m == nil:
		case m[1] == "if" || m[1] == "ifdef" || m[1] == "ifndef":
			open++
		case m[1] == "endif":
			open = max(open-1, 0)
		case m[1] == "include":
			if m := includesHere.FindStringSubmatch(code); m != nil && path.Join(path.Dir(source), m[1]) == included {
				return text[:at], open, true
			}
		}
		at = next
	}
	return "", 0, false
}

// harmless are macros that many sources define first. They are about messages,
// and about nothing that is laid out (include/linux/printk.h, dev_printk.h).
var harmless = []string{"CREATE_TRACE_POINTS", "DEBUG", "dev_fmt", "pr_fmt"}

// PreludeOf cuts the prelude out of a source's text.
func PreludeOf(text string) Prelude {
	var (
		p       Prelude
		end     int   // of the prelude
		opened  int   // conditions that are open there
		creates bool  // CREATE_TRACE_POINTS is defined
		braces  int   // that are open
		open    []int // the braces at the start of each open condition
		comment bool  // one is open
		reads   bool  // something was included
	)
	for at := 0; at < len(text); {
		line, next := logicalLine(text, at)
		var code string
		code, comment = withoutComments(continuation.ReplaceAllString(line, " "), comment)
		at = next
		m := directive.FindStringSubmatch(code)
		if m == nil {
			braces = max(braces+count(code), 0)
			continue
		}
		switch m[1] {
		case "if", "ifdef", "ifndef":
			open = append(open, braces)
		case "else", "elif":
			// Each branch may open the brace that one line behind closes.
			if len(open) > 0 {
				braces = open[len(open)-1]
			}
		case "endif":
			open = open[:max(len(open)-1, 0)]
		case "define", "undef":
			creates = (creates || createsHere.MatchString(code)) && !ceasesHere.MatchString(code)
			m := namesMacro.FindStringSubmatch(code)
			p.Bent = p.Bent || !reads && m != nil && !slices.Contains(harmless, m[1])
		case "include":
			reads = true
			if m := includesHere.FindStringSubmatch(code); creates && braces == 0 && m != nil {
				p.Instantiated = append(p.Instantiated, m[1])
				end, opened = next, len(open)
			}
		}
	}
	if end == 0 {
		return Prelude{}
	}
	p.Text = text[:end]
	if !strings.HasSuffix(p.Text, "\n") {
		p.Text += "\n"
	}
	p.Text += strings.Repeat("#endif\n", opened)
	return p
}

// count is how many more braces a line without comments opens than it closes.
func count(code string) int {
	n := 0
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '{':
			n++
		case '}':
			n--
		case '"', '\'':
			i = endOfLiteral(code, i) - 1
		}
	}
	return n
}

// logicalLine returns the line at offset at with those that it continues on,
// and the offset behind it.
func logicalLine(text string, at int) (line string, next int) {
	for next = at; ; {
		i := strings.IndexByte(text[next:], '\n')
		if i < 0 {
			return text[at:], len(text)
		}
		body := text[at : next+i]
		next += i + 1
		if !strings.HasSuffix(strings.TrimSuffix(body, "\r"), "\\") {
			return text[at:next], next
		}
	}
}

// withoutComments takes the comments out of a line; in says that one is open
// before it, open that one is behind it.
func withoutComments(line string, in bool) (code string, open bool) {
	var b strings.Builder
	for i := 0; i < len(line); {
		switch {
		case in:
			j := strings.Index(line[i:], "*/")
			if j < 0 {
				return b.String(), true
			}
			in, i = false, i+j+len("*/")
			b.WriteByte(' ')
		case strings.HasPrefix(line[i:], "/*"):
			in, i = true, i+len("/*")
		case strings.HasPrefix(line[i:], "//"):
			return b.String(), false
		case line[i] == '"' || line[i] == '\'':
			j := endOfLiteral(line, i)
			b.WriteString(line[i:j])
			i = j
		default:
			b.WriteByte(line[i])
			i++
		}
	}
	return b.String(), in
}

// endOfLiteral returns the offset behind the string or character at i.
func endOfLiteral(line string, i int) int {
	quote := line[i]
	for j := i + 1; j < len(line); j++ {
		switch line[j] {
		case '\\':
			j++
		case quote:
			return j + 1
		}
	}
	return len(line)
}
