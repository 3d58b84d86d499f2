package extractor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/fault"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// maxRounds bounds how often units are compiled again. Every round either
// repairs or gives up something, so a few are enough; the bound is there for
// a compiler that contradicts itself.
const maxRounds = 20

// failure is a trace header that could not be used at all.
type failure struct {
	header traceHeader
	why    string
}

// build compiles and mines the units until each one passes. A header that does not
// compile leaves its unit, so that the others go on, and comes back with what
// the compiler's words suggest; what resists is returned as a failure.
func (w *workshop) build(ctx context.Context, units []*unit, report func(Progress)) (built []*unit, failed []failure, err error) {
	seekers := &seeker{tree: w.tree}
	for round := 1; len(units) > 0; round++ {
		if round > maxRounds {
			return nil, nil, fmt.Errorf("gave up after %d rounds of repairs: %s", maxRounds, describe(units))
		}
		report(Progress{Stage: StageCompile, Round: round, Detail: describe(units)})
		said, err := w.round(ctx, units)
		if err != nil {
			return nil, nil, err
		}
		sorted := make([]blamed, len(units))
		for i, u := range units {
			if len(said[i]) == 0 {
				continue
			}
			if sorted[i] = w.sort(u, said[i]); sorted[i].stray {
				if err := w.checkPrefix(ctx); err != nil {
					return nil, nil, err
				}
			}
		}
		if round == 1 {
			if err := w.hopeless(units, sorted); err != nil {
				return nil, nil, err
			}
		}
		var again []*unit
		var mended []member
		for i, u := range units {
			if len(said[i]) == 0 {
				built = append(built, u)
				continue
			}
			kept, broken := sorted[i].kept, sorted[i].broken
			if len(broken) == 0 {
				again = append(again, halve(u)...)
				continue
			}
			if len(kept) > 0 {
				again = append(again, &unit{name: u.name, members: kept})
			}
			for _, b := range broken {
				m, ok := w.repair(u, b, seekers)
				switch {
				case !ok:
					failed = append(failed, failure{m.traceHeader, b.why()})
				case m.need.Alone:
					again = append(again, &unit{name: fmt.Sprintf("round%d_%d", round, len(again)), members: []member{m}})
				default:
					mended = append(mended, m)
				}
			}
		}
		if len(mended) > 0 {
			again = append(again, &unit{name: fmt.Sprintf("round%d", round), members: mended})
		}
		units = again
	}
	return built, failed, nil
}

// describe says how much there is to compile.
func describe(units []*unit) string {
	n := 0
	for _, u := range units {
		n += len(u.members)
	}
	return fmt.Sprintf("%d trace headers in %d units", n, len(units))
}

// broken is a member with what the compiler said of it.
type broken struct {
	member
	said []cc.Diagnostic
}

// why says in one sentence why nothing could be done about it.
func (b broken) why() string {
	if b.Lacks != "" && slices.ContainsFunc(b.said, missesFile) {
		return fmt.Sprintf("it includes <%s>, which this tree does not have", b.Lacks)
	}
	return b.said[0].Message
}

// blamed are a unit's members as the compiler's complaints part them.
type blamed struct {
	kept   []member // those it did not complain about
	broken []broken
	stray  bool // a complaint points at no member
}

// sort parts a unit's members into those the compiler did not complain about
// and those it did.
func (w *workshop) sort(u *unit, said []cc.Diagnostic) (b blamed) {
	blame := map[int][]cc.Diagnostic{}
	for _, d := range said {
		if i, ok := w.attribute(u, d); ok {
			blame[i] = append(blame[i], d)
		} else {
			b.stray = true
		}
	}
	if len(blame) == 0 && len(u.members) == 1 {
		blame[0] = said
	}
	for i, m := range u.members {
		if blame[i] == nil {
			b.kept = append(b.kept, m)
		} else {
			b.broken = append(b.broken, broken{m, blame[i]})
		}
	}
	return b
}

// halve parts a unit whose complaints point at none of its members, so that
// the next rounds close in on the one that causes them.
func halve(u *unit) []*unit {
	middle := len(u.members) / 2
	return []*unit{
		{name: u.name + "a", members: u.members[:middle]},
		{name: u.name + "b", members: u.members[middle:]},
	}
}

// checkPrefix is for complaints that point at no member: the prefix alone must
// compile. If it does not, the tree and the compiler do not fit, every unit
// fails for it, and no repair of a trace header helps.
func (w *workshop) checkPrefix(ctx context.Context) error {
	if w.prefixCompiles {
		return nil
	}
	said, err := w.compile(ctx, &unit{name: "prefix"})
	if err != nil {
		return err
	}
	if len(said) > 0 {
		return w.prefixError(fmt.Sprintf("%s:%d: %s", said[0].File, said[0].Line, said[0].Message))
	}
	w.prefixCompiles = true
	return nil
}

func (w *workshop) prefixError(said string) error {
	return &fault.Advised{
		Err:    fmt.Errorf("the kernel's headers do not compile with %s: %s", w.compiler, said),
		Advice: "try another compiler (--cc)",
	}
}

// ErrMostFail is wrapped by the error for a tree of which most trace headers do
// not compile.
var ErrMostFail = errors.New("most of the trace headers do not compile")

// enoughToJudge is how many trace headers a tree has at least for their share
// that fails to mean something. Repairing fewer costs little.
const enoughToJudge = 20

// hopeless gives up when most headers fail in the first round: not they are at
// fault but the tree, or the compiler for it, and repairing each would take
// many minutes and end in nothing that is true. Of Debian's kernels from 5.10
// to 7.3, for amd64 and arm64, with gcc and clang, at most 2 of some 150 fail
// then, and 20 would if no hint helped; an empty autoconf.h makes it 88.
func (w *workshop) hopeless(units []*unit, sorted []blamed) error {
	all, fail := 0, 0
	var common cc.Diagnostic // what the compiler says first of most of them
	count := map[string]int{}
	for i, u := range units {
		all += len(u.members)
		for _, b := range sorted[i].broken {
			fail++
			d := b.said[0]
			if count[d.Message]++; count[d.Message] > count[common.Message] {
				common = d
			}
		}
	}
	if all < enoughToJudge || fail*2 <= all {
		return nil
	}
	return &fault.Advised{
		Err:    fmt.Errorf("%w with %s, %d of %d: %s", ErrMostFail, w.compiler, fail, all, w.words(common)),
		Advice: "prepare the tree again (make olddefconfig prepare), fetch the header package again, or try another compiler (--cc)",
	}
}

// attribute says which member a complaint belongs to: the one whose line of
// the unit the chain of includes ends in, or whose text a macro was used in.
func (w *workshop) attribute(u *unit, d cc.Diagnostic) (int, bool) {
	places := slices.Concat([]cc.Place{d.Place}, d.Expansion, d.Chain)
	for i, m := range u.members {
		for _, p := range places {
			if p.File == m.Path {
				return i, true
			}
		}
	}
	for _, p := range slices.Backward(places) {
		if p.File == w.sourcePath(u) {
			if i, ok := u.lines[p.Line]; ok {
				return i, true
			}
		}
	}
	return 0, false
}

// repair adds to a member's need what the complaints suggest. Each step gives
// up as little as it can; false when nothing is left to give up.
func (w *workshop) repair(u *unit, b broken, s *seeker) (member, bool) {
	m := b.member
	before := m.need.weight()
	m.need = m.need.clone()
	text, err := os.ReadFile(m.Path)
	if err != nil {
		return m, false
	}
	if slices.ContainsFunc(b.said, missesFile) {
		return m, false
	}
	mender := mender{unit: u, member: &m, text: string(text), seek: s, done: map[string]bool{}}
	for _, d := range b.said {
		mender.mend(d, d.File == w.sourcePath(u))
	}
	if m.need.weight() > before {
		return m, true
	}
	why := b.said[0].Message
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

func (n need) clone() need {
	n.Includes = slices.Clone(n.Includes)
	n.Unknown = slices.Clone(n.Unknown)
	n.Constants = slices.Clone(n.Constants)
	n.NoArgs = slices.Clone(n.NoArgs)
	n.NoRecord = slices.Clone(n.NoRecord)
	n.Why = maps.Clone(n.Why)
	return n
}

// weight grows with every step of a repair.
func (n need) weight() int {
	w := len(n.Includes) + len(n.Unknown) + len(n.Constants) + len(n.NoArgs) + len(n.NoRecord)
	if n.NamesOnly {
		w++
	}
	if n.Alone {
		w++
	}
	return w
}

func (n *need) because(name, why string) {
	if n.Why == nil {
		n.Why = map[string]string{}
	}
	if n.Why[name] == "" {
		n.Why[name] = why
	}
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
	saysClash       = regexp.MustCompile(`redefinition of|redeclaration of|conflicting types for|redefinition with a different type|redeclared as different`)
)

// mender works through the complaints about one member.
type mender struct {
	unit   *unit
	member *member
	text   string // of the header
	seek   *seeker
	done   map[string]bool // names that were taken care of in this round
}

// mend acts on one complaint; ours says that it is about a line of the unit.
func (r *mender) mend(d cc.Diagnostic, ours bool) {
	n := &r.member.need
	if ours {
		// Our own declaration of something unknown: the tree knows it after all.
		if name := r.unit.declared[d.Line]; name != "" && !r.done[name] {
			r.done[name] = true
			n.drop(name)
			n.Alone = true
		}
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

// drop takes back the declaration of something unknown.
func (n *need) drop(name string) {
	is := func(s string) bool { return s == name }
	n.Unknown = slices.DeleteFunc(n.Unknown, is)
	n.Constants = slices.DeleteFunc(n.Constants, is)
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

// problem words a failure for the kernel.
func (f failure) problem(tree *kbuild.Tree) tpinfo.Problem {
	return tpinfo.Problem{
		Code: tpinfo.HeaderFailed, Subject: tree.Relative(f.header.Path),
		Message: "does not compile for this architecture and configuration: " + f.why,
	}
}
