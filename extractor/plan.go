package extractor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/headers"
)

// member is one trace header's place in a unit, with what it needs there.
type member struct {
	traceHeader
	need need
}

// need is what stands before a header, or is given up, so that it compiles.
// It starts as the header's hint and grows by repairs.
type need struct {
	Includes  []string // public headers
	Unknown   []string // types only a private header defines
	Unless    string   // the option with which a public one does
	Constants []string // array lengths only a private header defines
	NoArgs    []string // events whose arguments are given up
	NoRecord  []string // classes whose record is given up
	NamesOnly bool     // both, for every event of the header
	Alone     bool     // clashes with another header: a unit of its own
	// Why has the compiler's words for what was given up, by event or class
	// name; "" for the whole header.
	Why map[string]string
}

// unit is one translation unit: the prefix that all share, and some headers.
type unit struct {
	name    string // file name without extension
	members []member
	// lines[n] is the member that line n of the unit's text includes, or for
	// which it stands; unset for the prefix.
	lines map[int]int
	// declared[n] is the unknown type or constant that line n declares.
	declared map[int]string

	// instance is set for the unit of a source file that instantiates trace
	// headers: its text takes the place of prefix and members.
	instance *instance

	// What came of it, once it compiled.
	mined *mined
	deps  []string // headers of the tree that it read
}

// prefix is read first by every unit: what trace headers take for granted.
var prefix = []string{"linux/module.h", "linux/tracepoint.h", "linux/trace_events.h"}

// The size of a type that is not known, in bytes: more than a record can have
// (it has to fit a page), so whatever depends on it is seen to be unknown.
const unknownSize = 1<<20 + 3

// fewestUnits is in how many units the headers of a tree are spread at least.
// More read the common prefix more often than cores are won; more there are
// only where a unit would take too much memory (kbuild.Arch.UnitText). The
// number follows from the tree, so that the same is extracted on every machine.
const fewestUnits = 2

// plan spreads the headers over units. Those of the network come first, in as
// few units as hold them: they share includes of two megabytes. Those that need
// something come last in the last unit, so that what is declared for them hides
// nothing from others; hintFor tells what is known of a header's needs
// beforehand. One that includes what is not there would end the unit it is in,
// and so gets its own.
func plan(tree *kbuild.Tree, found []traceHeader, hintFor func(header string) (headers.Hint, bool)) []*unit {
	var network, plain, needy, lacking []member
	for _, h := range found {
		m := member{traceHeader: h}
		hint, hinted := hintFor(h.Include)
		if hinted {
			m.need.Includes = existing(tree, hint.Includes)
			if hint.Until == [2]int{} || !tree.Version.AtLeast(hint.Until[0], hint.Until[1]) {
				m.need.Unknown, m.need.Unless = slices.Clone(hint.Unknown), hint.Unless
			}
			m.need.Constants = slices.Clone(hint.Constants)
		}
		switch {
		case h.Lacks != "":
			lacking = append(lacking, m)
		case hinted:
			needy = append(needy, m)
		case h.Network:
			network = append(network, m)
		default:
			plain = append(plain, m)
		}
	}
	plain = append(network, plain...)
	count := max(fewestUnits, (textOf(plain, needy)+tree.Arch.UnitText-1)/tree.Arch.UnitText)
	var units []*unit
	add := func(members []member) {
		if len(members) == 0 {
			return
		}
		units = append(units, &unit{name: fmt.Sprintf("unit%d", len(units)+1), members: members})
	}
	for ; count > 1; count-- {
		n := share(plain, textOf(plain, needy)/count)
		add(plain[:n])
		plain = plain[n:]
	}
	add(append(plain, needy...))
	for _, m := range lacking {
		add([]member{m})
	}
	return units
}

// textOf is how much text there is to read.
func textOf(lists ...[]member) (bytes int) {
	for _, m := range slices.Concat(lists...) {
		bytes += m.Size
	}
	return bytes
}

// share is how many headers of the list have about so much text together.
func share(list []member, text int) int {
	n, sum := 0, 0
	for n < len(list) && sum+list[n].Size/2 < text {
		sum += list[n].Size
		n++
	}
	return n
}

// existing keeps the headers that the tree has.
func existing(tree *kbuild.Tree, names []string) []string {
	var kept []string
	for _, name := range names {
		for _, dir := range tree.IncludeDirs() {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				kept = append(kept, name)
				break
			}
		}
	}
	return kept
}

// render writes the unit as C, and notes which line stands for which member.
func (u *unit) render(shared map[string]bool) string {
	if u.instance != nil {
		return u.instance.text
	}
	w := &unitWriter{unit: u}
	u.lines, u.declared = map[int]int{}, map[int]string{}
	for _, name := range prefix {
		w.line("#include <%s>", name)
	}
	w.wanted()
	for i, m := range u.members {
		if m.Guard != "" {
			w.line("#ifdef %s", m.Guard)
			w.line("#define __TPINFO_READ_%d 1", i)
			w.line("#endif")
		}
	}
	w.line("#include <%s>", headers.Events)
	for i := range u.members {
		w.member(i, shared)
	}
	return w.text.String()
}

type unitWriter struct {
	unit *unit
	text strings.Builder
	n    int
}

func (w *unitWriter) line(format string, args ...any) {
	w.n++
	fmt.Fprintf(&w.text, format+"\n", args...)
}

// wanted writes the public headers that members ask for, each once.
func (w *unitWriter) wanted() {
	seen := map[string]bool{}
	for i, m := range w.unit.members {
		for _, name := range m.need.Includes {
			if !seen[name] {
				seen[name] = true
				w.line("#include <%s>", name)
				w.unit.lines[w.n] = i
			}
		}
	}
}

// member writes one header, behind what is declared and given up for it.
func (w *unitWriter) member(i int, shared map[string]bool) {
	m := &w.unit.members[i]
	if m.need.Unless != "" {
		w.line("#if !IS_ENABLED(%s)", m.need.Unless)
	}
	for _, name := range m.need.Unknown {
		w.declare(i, name, unknownDeclaration(name))
	}
	if m.need.Unless != "" {
		w.line("#endif")
	}
	for _, name := range m.need.Constants {
		w.declare(i, name, fmt.Sprintf("enum %s%s { %s = %d };", unknownTag, name, name, unknownSize))
	}
	for _, name := range m.need.NoArgs {
		w.line("#define %s%s 1", headers.NoArgs, name)
	}
	for _, name := range m.need.NoRecord {
		w.line("#define %s%s 1", headers.NoRecord, name)
	}
	if m.need.NamesOnly {
		w.line("#define %s 1", headers.NamesOnly)
	}
	if m.Guard != "" {
		w.line("#ifdef __TPINFO_READ_%d", i)
		w.line("#define TRACE_HEADER_MULTI_READ")
		w.line("#endif")
		for _, g := range m.Once {
			if shared[g] {
				w.line("#ifndef %s", m.Guard)
				w.line("#undef %s", g)
				w.line("#endif")
			}
		}
		if shared[m.Guard] {
			w.line("#ifndef __TPINFO_READ_%d", i)
			w.line("#undef %s", m.Guard)
			w.line("#endif")
		}
	}
	// One that sets none of its own must not have that of the header before.
	w.line("#undef TRACE_SYSTEM")
	if m.System != "" {
		w.line("#define TRACE_SYSTEM %s", m.System)
	}
	w.line("#include <%s>", m.Include)
	w.unit.lines[w.n] = i
	if m.Guard != "" {
		w.line("#undef TRACE_HEADER_MULTI_READ")
	}
	if m.need.NamesOnly {
		w.line("#undef %s", headers.NamesOnly)
	}
}

// declare writes the declaration of something unknown, once in a unit.
func (w *unitWriter) declare(i int, name, text string) {
	for _, n := range w.unit.declared {
		if n == name {
			return
		}
	}
	w.line("%s", text)
	w.unit.lines[w.n] = i
	w.unit.declared[w.n] = name
}

// Marks of a type that stands for one of unknown size; mine.go knows them.
const (
	unknownMember = "__tpinfo_unknown"  // the one member of such a struct
	unknownTag    = "__tpinfo_unknown_" // how its tag or its constant starts
)

// unknownDeclaration declares a type that nobody knows the size of. An enum
// can be of any size too ("enum … __mode(byte)" in rxrpc.h), but cannot be
// declared larger than a long: its mark is its constant.
func unknownDeclaration(name string) string {
	kind, tag, tagged := strings.Cut(name, " ")
	switch {
	case !tagged:
		return fmt.Sprintf("typedef struct %s%s { char %s[%d]; } %s;", unknownTag, name, unknownMember, unknownSize, name)
	case kind == "enum":
		return fmt.Sprintf("enum %s { %s%s };", tag, unknownTag, tag)
	default:
		return fmt.Sprintf("%s %s { char %s[%d]; };", kind, tag, unknownMember, unknownSize)
	}
}
