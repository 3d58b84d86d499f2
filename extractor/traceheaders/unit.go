package traceheaders

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/extractor/mine"
	"github.com/tpinfo/tpinfo/headers"
)

// Unit is one translation unit: the prefix that all share, and some headers.
type Unit struct {
	name    string // file name without extension
	members []member
	// lines[n] is the member that line n of the unit's text includes, or for
	// which it stands; unset for the prefix.
	lines map[int]int
	// declared[n] is the unknown type or constant that line n declares.
	declared map[int]string
}

// member is one trace header's place in a unit, with what it needs there.
type member struct {
	Header
	need need
}

// Including is a unit that includes headers of a tree in this order, whatever
// they need.
func Including(name string, includes []string) *compile.Unit {
	u := &Unit{name: name}
	for _, include := range includes {
		u.members = append(u.members, member{Header: Header{Include: include}})
	}
	return u.compiled(nil)
}

// compiled is the unit as the compiler gets it.
func (u *Unit) compiled(shared map[string]bool) *compile.Unit {
	why := map[mine.GivenUp]string{}
	for _, m := range u.members {
		for name, words := range m.need.Why {
			why[mine.GivenUp{Header: m.Path, Name: name}] = words
		}
	}
	return &compile.Unit{Name: u.name, Text: u.render(shared), StandIns: true, Why: why}
}

// render writes the unit as C, and notes which line stands for which member.
func (u *Unit) render(shared map[string]bool) string {
	w := &unitWriter{unit: u}
	u.lines, u.declared = map[int]int{}, map[int]string{}
	for _, name := range compile.Prefix() {
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
	unit *Unit
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
		w.declare(i, name, mine.UnknownType(name))
	}
	if m.need.Unless != "" {
		w.line("#endif")
	}
	for _, name := range m.need.Constants {
		w.declare(i, name, mine.UnknownConstant(name))
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

// sharedGuards are the guards that more than one header uses, by mistake:
// reading one of them must not hide the other, or a part of it. readahead.h of
// 7.3 asks for filemap.h's guard.
func sharedGuards(units []*Unit) map[string]bool {
	count := map[string]int{}
	for _, u := range units {
		for _, m := range u.members {
			for _, g := range append(slices.Clone(m.Once), m.Guard) {
				count[g]++
			}
		}
	}
	shared := map[string]bool{}
	for g, n := range count {
		if n > 1 {
			shared[g] = true
		}
	}
	return shared
}
