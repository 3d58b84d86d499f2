package traceheaders

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/mine"
)

// repair adds to a member's need what the complaints suggest. Each step gives
// up as little as it can; false when nothing is left to give up.
func (b *builder) repair(u *Unit, of broken) (member, bool) {
	m := of.member
	before := m.need.weight()
	m.need = m.need.clone()
	text, err := os.ReadFile(m.Path)
	if err != nil {
		return m, false
	}
	if slices.ContainsFunc(of.said, missesFile) {
		return m, false
	}
	mender := mender{unit: u, source: b.SourcePath(u.name), member: &m, text: string(text), seek: b.seek, done: map[string]bool{}}
	for _, d := range of.said {
		mender.mend(d)
	}
	if m.need.weight() > before {
		return m, true
	}
	why := of.said[0].Message
	switch {
	case !m.need.NamesOnly:
		m.need.NamesOnly = true
	case !m.need.Alone:
		m.need.Alone = true
	default:
		return m, false
	}
	m.need.because("", why)
	return m, true
}

// missesFile reports whether a complaint is about an include that leads
// nowhere: without it no part of the header can be read.
func missesFile(d cc.Diagnostic) bool {
	return d.Fatal && (strings.Contains(d.Message, "No such file") || strings.Contains(d.Message, "file not found"))
}

// add appends name to list unless it is there.
func add(list *[]string, name string) {
	if !slices.Contains(*list, name) {
		*list = append(*list, name)
	}
}

// What compilers say, by what it takes: the first group is the name. gcc 12
// and clang 14 to 19.
var (
	saysUnknownType = regexp.MustCompile(`unknown type name '(\w+)'|expected specifier-qualifier-list before '(\w+)'|expected declaration specifiers or '\.\.\.' before '(\w+)'`)
	saysIncomplete  = regexp.MustCompile(`incomplete type '(?:const |volatile )*((?:struct|union|enum) \w+)'`)
	saysIncompleteV = regexp.MustCompile(`(?:parameter \d+ \('(\w+)'\)|field '(\w+)'|'(\w+)') has incomplete type`)
	saysUndeclared  = regexp.MustCompile(`'(\w+)' undeclared|use of undeclared identifier '(\w+)'`)
	saysClash       = regexp.MustCompile(`redefinition of|redeclaration of|conflicting types for|redefinition with (?:a )?different types?|redeclared as different`)
)

// mender works through the complaints about one member.
type mender struct {
	unit   *Unit
	source string // where its text is
	member *member
	text   string // of the header
	seek   *seeker
	done   map[string]bool // names that were taken care of in this round
}

// mend acts on one complaint.
func (r *mender) mend(d cc.Diagnostic) {
	n := &r.member.need
	if name := r.clashing(d); name != "" && !r.done[name] {
		// The tree knows it after all, or another header of the unit does.
		r.done[name] = true
		n.drop(name)
		n.Alone = true
		return
	}
	if d.File == r.source {
		return
	}
	if d.File != r.member.Path {
		for _, p := range d.Expansion {
			if p.File == r.member.Path {
				r.giveUp(p.Line, d.Message)
			}
		}
		return
	}
	switch name := ""; {
	case match(saysUnknownType, d.Message, &name), match(saysIncomplete, d.Message, &name):
		r.lack(name, &n.Unknown)
	case match(saysIncompleteV, d.Message, &name):
		if tag := tagBefore(r.text, d.Line, name); tag != "" {
			r.lack(tag, &n.Unknown)
		}
	case match(saysUndeclared, d.Message, &name):
		r.lack(name, &n.Constants)
	case saysClash.MatchString(d.Message):
		n.Alone = true
	default:
		r.giveUp(d.Line, d.Message)
	}
}

// clashing is what the unit declares as unknown, and a complaint is about:
// where it is declared, or where the tree defines it.
func (r *mender) clashing(d cc.Diagnostic) string {
	for _, p := range append([]cc.Place{d.Place}, d.Expansion...) {
		if name := r.unit.declared[p.Line]; name != "" && p.File == r.source {
			return name
		}
	}
	if !saysClash.MatchString(d.Message) {
		return ""
	}
	for _, line := range slices.Sorted(maps.Keys(r.unit.declared)) {
		name := r.unit.declared[line]
		tag := name[strings.LastIndexByte(name, ' ')+1:]
		for _, spelled := range []string{name, tag, "struct " + mine.UnknownTag(tag)} {
			if strings.Contains(d.Message, "'"+spelled+"'") {
				return name
			}
		}
	}
	return ""
}

// giveUp gives up the record of the event at a line; where that did not help
// in the round before, its arguments too.
func (r *mender) giveUp(line int, why string) {
	n := &r.member.need
	for _, name := range namesAt(r.text, line) {
		if r.done[name] {
			continue
		}
		r.done[name] = true
		if slices.Contains(n.NoRecord, name) {
			add(&n.NoArgs, name)
		}
		add(&n.NoRecord, name)
		n.because(name, why)
	}
}

// lack takes care of a name that is missing, in two steps: through the public
// header that defines it, and if there is none, or it did not help in the round
// before, by declaring it as of unknown size.
func (r *mender) lack(name string, list *[]string) {
	if r.done[name] || slices.Contains(*list, name) {
		return
	}
	r.done[name] = true
	n := &r.member.need
	if header := r.seek.definer(name); header != "" && (r.done[header] || !slices.Contains(n.Includes, header)) {
		r.done[header] = true // what else it defines needs nothing more
		add(&n.Includes, header)
		return
	}
	add(list, name)
}

// match puts the first group that took part in a match into name.
func match(re *regexp.Regexp, message string, name *string) bool {
	m := re.FindStringSubmatch(message)
	if m == nil {
		return false
	}
	for _, g := range m[1:] {
		if g != "" {
			*name = g
		}
	}
	return true
}

// tagBefore finds the type of the thing called name that is declared at a
// line of text: "enum page_type" for "…, enum page_type type)".
func tagBefore(text string, line int, name string) string {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	decl := regexp.MustCompile(`((?:struct|union|enum)\s+\w+)\s*,?\s*` + regexp.QuoteMeta(name) + `\b`)
	at := lines[line-1]
	for _, where := range []string{at, strings.Join(lines[max(line-2, 0):min(line+1, len(lines))], " ")} {
		if m := decl.FindStringSubmatch(where); m != nil {
			return strings.Join(strings.Fields(m[1]), " ")
		}
	}
	return ""
}

var identifier = regexp.MustCompile(`^\s*([A-Za-z_]\w*)\s*(?:,|\)|$)`)

// namesAt lists the event and class names of the macro call around a line:
// its first two arguments, as far as they are plain names. It serves to give
// up one event instead of a header; events themselves are found by the
// compiler.
func namesAt(text string, line int) []string {
	start, depth, n := -1, 0, 1
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\n':
			n++
		case '(':
			if depth == 0 {
				start = i
			}
			depth++
		case ')':
			depth = max(depth-1, 0)
			if depth == 0 && start >= 0 && n >= line {
				if strings.Count(text[:start], "\n")+1 > line {
					return nil
				}
				return firstNames(text[start+1 : i])
			}
		}
	}
	return nil
}

func firstNames(args string) []string {
	var names []string
	for range 2 {
		m := identifier.FindStringSubmatch(args)
		if m == nil {
			break
		}
		names = append(names, m[1])
		_, rest, more := strings.Cut(args, ",")
		if !more {
			break
		}
		args = rest
	}
	return names
}
