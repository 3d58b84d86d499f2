package syscalls

import (
	"errors"
	"regexp"
	"strings"
)

// errUnbalanced is wrapped where a file's conditionals do not close.
var errUnbalanced = errors.New("its #if and #endif do not pair up")

// item is what reduce keeps of a source file, in its order.
type item struct {
	kind itemKind
	text string // of a call, the macro's use; of a directive, all of it
	name string // of a define, undef or include, what it is about
	// branches of a conditional: the directive, and what stands under it.
	branches []branch
}

type itemKind int

const (
	call    itemKind = iota // SYSCALL_DEFINE3(open, …)
	include                 // #include "other.c"
	define                  // #define or #undef
	conditional
)

type branch struct {
	directive string // "#ifdef CONFIG_X", "#else"
	items     []item
}

var (
	directiveLine = regexp.MustCompile(`^[ \t]*#[ \t]*(\w+)[ \t]*(.*)$`)
	// definer is the name of any macro that defines a system call, those of
	// architectures (SYSCALL32_DEFINE6) and of compat calls too: the kernel's
	// headers tell which of them make events.
	definer  = regexp.MustCompile(`\b\w*SYSCALL\w*_DEFINE\w*[ \t]*\(`)
	included = regexp.MustCompile(`^"([^"]+\.c)"`)
	word     = regexp.MustCompile(`[A-Za-z_]\w*`)
)

// mayDefine reports whether reading a source file is worth it.
func mayDefine(text string) bool {
	return strings.Contains(text, "SYSCALL") && strings.Contains(text, "_DEFINE") || strings.Contains(text, `.c"`)
}

// reduce parts a source file into what matters.
func reduce(text string) ([]item, error) {
	text = plain(text)
	type open struct {
		items    *[]item
		branches []branch
	}
	top := []item{}
	stack := []open{{items: &top}}
	add := func(it item) {
		s := &stack[len(stack)-1]
		if s.items != nil {
			*s.items = append(*s.items, it)
			return
		}
		b := &s.branches[len(s.branches)-1]
		b.items = append(b.items, it)
	}
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		var m []string
		if strings.Contains(line, "#") {
			m = directiveLine.FindStringSubmatch(line)
		}
		if m == nil {
			if !strings.Contains(line, "SYSCALL") {
				continue // much faster than the expression
			}
			for at := definer.FindStringIndex(line); at != nil; at = definer.FindStringIndex(line) {
				use, rest, ok := balanced(line[at[0]:]+"\n"+text, at[1]-at[0]-1)
				if !ok {
					break // no use of it, or a file that ends in one
				}
				add(item{kind: call, text: strings.Join(strings.Fields(use), " ")})
				line, text, _ = strings.Cut(rest, "\n")
			}
			continue
		}
		directive := strings.TrimSpace("#" + m[1] + " " + m[2])
		switch m[1] {
		case "if", "ifdef", "ifndef":
			stack = append(stack, open{branches: []branch{{directive: directive}}})
		case "elif", "else", "elifdef", "elifndef":
			s := &stack[len(stack)-1]
			if s.items != nil {
				return nil, errUnbalanced
			}
			s.branches = append(s.branches, branch{directive: directive})
		case "endif":
			s := stack[len(stack)-1]
			if s.items != nil {
				return nil, errUnbalanced
			}
			stack = stack[:len(stack)-1]
			add(item{kind: conditional, branches: s.branches})
		case "include":
			if f := included.FindStringSubmatch(m[2]); f != nil {
				add(item{kind: include, name: f[1]})
			}
		case "define", "undef":
			add(item{kind: define, text: directive, name: word.FindString(m[2])})
		}
	}
	if len(stack) != 1 {
		return nil, errUnbalanced
	}
	return top, nil
}

// balanced cuts text behind the bracket that closes the one at open.
func balanced(text string, open int) (use, rest string, ok bool) {
	depth := 0
	for i := open; i < len(text); i++ {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return text[:i+1], text[i+1:], true
			}
		case ';', '{', '#':
			return "", "", false // not within the head of a function
		}
	}
	return "", "", false
}

// plain is C without comments and continued lines, and with the insides of
// strings and characters gone, but for those of an #include.
func plain(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	lineStart := 0 // in b
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && strings.HasPrefix(text[i+1:], "\n"):
			i++
			b.WriteByte(' ')
		case c == '/' && strings.HasPrefix(text[i+1:], "*"):
			end := strings.Index(text[i+2:], "*/")
			if end < 0 {
				return b.String()
			}
			i += end + 3
			b.WriteByte(' ')
		case c == '/' && strings.HasPrefix(text[i+1:], "/"):
			end := strings.IndexByte(text[i:], '\n')
			if end < 0 {
				return b.String()
			}
			i += end - 1
		case c == '"' || c == '\'':
			keep := strings.HasPrefix(strings.TrimLeft(b.String()[lineStart:], " \t"), "#")
			b.WriteByte(c)
			for i++; i < len(text) && text[i] != c && text[i] != '\n'; i++ {
				if keep {
					b.WriteByte(text[i])
				}
				if text[i] == '\\' && i+1 < len(text) && text[i+1] != '\n' {
					i++
				}
			}
			if i < len(text) {
				b.WriteByte(text[i])
				if text[i] == '\n' {
					lineStart = b.Len()
				}
			}
		default:
			b.WriteByte(c)
			if c == '\n' {
				lineStart = b.Len()
			}
		}
	}
	return b.String()
}

// pruned are items with all that does not bear on a system call left out.
func pruned(items []item) []item {
	wanted := map[string]bool{}
	kept := prune(items, wanted)
	for before := -1; before != len(wanted); kept = prune(items, wanted) {
		before = len(wanted)
	}
	return kept
}

// prune leaves out what has no system call in it. Macros stay that a system
// call or a conditional around one uses: wanted collects the names, and prune
// is to be repeated until it grows no more.
func prune(items []item, wanted map[string]bool) (kept []item) {
	for _, it := range items {
		switch it.kind {
		case call, define:
			if it.kind == define && !wanted[it.name] {
				continue
			}
			kept = append(kept, it)
			for _, name := range word.FindAllString(it.text, -1) {
				wanted[name] = true
			}
		case conditional:
			pruned := item{kind: conditional}
			full := false
			for _, b := range it.branches {
				b.items = prune(b.items, wanted)
				full = full || len(b.items) > 0
				pruned.branches = append(pruned.branches, b)
			}
			if !full {
				continue
			}
			kept = append(kept, pruned)
			for _, name := range asked(pruned) {
				wanted[name] = true
			}
		}
	}
	return kept
}

// asked lists the macros that a conditional's own directives ask for.
func asked(it item) []string {
	var names []string
	for _, b := range it.branches {
		_, condition, _ := strings.Cut(b.directive, " ")
		for _, name := range word.FindAllString(condition, -1) {
			if name != "defined" {
				names = append(names, name)
			}
		}
	}
	return names
}
