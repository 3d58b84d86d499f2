package traceheaders

import (
	"fmt"
	"slices"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/cc"
)

// broken is a member with what the compiler said of it.
type broken struct {
	member
	said []cc.Diagnostic
}

// failure says in one sentence that nothing could be done about a header.
func (b *builder) failure(of broken) tpinfo.Problem {
	why := of.said[0].Message
	if of.Lacks != "" && slices.ContainsFunc(of.said, missesFile) {
		why = fmt.Sprintf("it includes <%s>, which this tree does not have", of.Lacks)
	}
	return tpinfo.Problem{
		Code: tpinfo.HeaderFailed, Subject: b.Tree.Relative(of.Path),
		Message: "does not compile for this architecture and configuration: " + why,
	}
}

// blamed are a unit's members as the compiler's complaints part them.
type blamed struct {
	kept   []member // those it did not complain about
	broken []broken
	stray  bool // a complaint points at no member
}

// sort parts a unit's members into those the compiler did not complain about
// and those it did.
func (b *builder) sort(u *Unit, said []cc.Diagnostic) (parts blamed) {
	blame := map[int][]cc.Diagnostic{}
	for _, d := range said {
		if i, ok := b.attribute(u, d); ok {
			blame[i] = append(blame[i], d)
		} else {
			parts.stray = true
		}
	}
	if len(blame) == 0 && len(u.members) == 1 {
		blame[0] = said
	}
	for i, m := range u.members {
		if blame[i] == nil {
			parts.kept = append(parts.kept, m)
		} else {
			parts.broken = append(parts.broken, broken{m, blame[i]})
		}
	}
	return parts
}

// halve parts a unit whose complaints point at none of its members, so that
// the next rounds close in on the one that causes them.
func halve(u *Unit) []*Unit {
	middle := len(u.members) / 2
	return []*Unit{
		{name: u.name + "a", members: u.members[:middle]},
		{name: u.name + "b", members: u.members[middle:]},
	}
}

// attribute says which member a complaint belongs to: the one whose line of
// the unit the chain of includes ends in, or whose text a macro was used in.
func (b *builder) attribute(u *Unit, d cc.Diagnostic) (int, bool) {
	places := slices.Concat([]cc.Place{d.Place}, d.Expansion, d.Chain)
	for i, m := range u.members {
		for _, p := range places {
			if p.File == m.Path {
				return i, true
			}
		}
	}
	for _, p := range slices.Backward(places) {
		if p.File == b.SourcePath(u.name) {
			if i, ok := u.lines[p.Line]; ok {
				return i, true
			}
		}
	}
	return 0, false
}
