package compare

import (
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Limits are what descriptions of two sources cannot agree on: BTF says of no
// char, and before 6.0 of no enum, whether it is signed, and joins the
// dimensions of an array.
type Limits struct{ Signs, Dimensions bool }

// LimitsOf are those of two kernels.
func LimitsOf(a, b *tpinfo.Kernel) Limits {
	mixed := fromImage(a) != fromImage(b)
	return Limits{Signs: mixed, Dimensions: mixed}
}

// Event compares two descriptions of one event. What concerns the whole comes
// first, then arguments and fields in the order of a, new ones where b has them.
func Event(a, b *tpinfo.Tracepoint, limits Limits) []Change {
	e := &event{name: b.FullName(), limits: limits}
	if b.System == "" {
		e.name = a.FullName()
	}
	e.text(PartClass, a.Class, b.Class)
	e.text(PartHeader, a.Header, b.Header)
	e.args(a, b)
	e.record(a, b)
	return e.found
}

type event struct {
	name   string
	limits Limits
	found  []Change
}

func (e *event) add(c Change) {
	if len(c.How) > 0 {
		c.Event = e.name
		e.found = append(e.found, c)
	}
}

// text compares names that a source may not know.
func (e *event) text(part Part, a, b string) {
	if a != b && a != "" && b != "" {
		e.add(Change{Part: part, How: []How{Moved}, Before: a, After: b})
	}
}

func (e *event) args(a, b *tpinfo.Tracepoint) {
	if a.Args == nil || b.Args == nil {
		if a.Args != nil || b.Args != nil {
			e.add(Change{Part: PartArgument, How: []How{Unknown}})
		}
		return
	}
	alike := func(i, j int) bool { return i == j && a.Args[i].Type == b.Args[j].Type }
	for _, p := range pairs(a.Args, b.Args, func(x *tpinfo.Arg) string { return x.Name }, alike) {
		if x, y := p.a, p.b; x != nil && y != nil {
			p.how.measure(Moved, x.Offset, y.Offset)
			e.limits.value(&p.how, x.Type, y.Type, x.Size, y.Size, x.Signed, y.Signed)
		}
		e.add(p.change(PartArgument))
	}
}

func (e *event) record(a, b *tpinfo.Tracepoint) {
	switch {
	case a.Record == nil && b.Record == nil:
		return
	case a.Record == nil:
		e.add(Change{Part: PartRecord, How: present(Added, a), After: b.Record.Size})
		return
	case b.Record == nil:
		e.add(Change{Part: PartRecord, How: present(Removed, b), Before: a.Record.Size})
		return
	}
	from := len(e.found)
	var how ways
	how.measure(Resized, a.Record.Size, b.Record.Size)
	e.add(Change{Part: PartRecord, How: how.list(), Before: a.Record.Size, After: b.Record.Size})
	x, y := a.Record.Fields, b.Record.Fields
	if unmeasured(a.Record) || unmeasured(b.Record) {
		return // there are no fields to compare; the size says so
	}
	alike := func(i, j int) bool { return i == j && x[i].Type == y[j].Type && x[i].Location == y[j].Location }
	for _, p := range pairs(x, y, func(f *tpinfo.Field) string { return f.Name }, alike) {
		if x, y := p.a, p.b; x != nil && y != nil {
			p.how.measure(Moved, x.Offset, y.Offset)
			p.how.add(Located, x.Location != y.Location)
			e.limits.value(&p.how, x.Type, y.Type, x.Size, y.Size, x.Signed, y.Signed)
		}
		e.add(p.change(PartField))
	}
	if shifted(x, y, e.found[from:]) {
		for i := range e.found[from:] {
			c := &e.found[from+i]
			c.Shifted = c.Part == PartRecord || !isCommon(c.Name)
		}
	}
}

// present is how a record came or went; where the side without one could not
// tell, nobody knows.
func present(h How, without *tpinfo.Tracepoint) []How {
	for _, p := range without.Problems {
		if p.Code == tpinfo.RecordMissing {
			return []How{Unknown}
		}
	}
	return []How{h}
}

// unmeasured tells a record that is there, and of which no more is known.
func unmeasured(r *tpinfo.Record) bool { return !r.Size.Known() && len(r.Fields) == 0 }

// isCommon tells the fields of struct trace_entry, which all records begin with
// (include/linux/trace_events.h).
func isCommon(field string) bool { return strings.HasPrefix(field, "common_") }

// shifted reports whether a record's own fields differ in their places alone,
// while the common ones in front of them differ.
func shifted(a, b []tpinfo.Field, found []Change) bool {
	front := false
	for i := range found {
		c := &found[i]
		switch {
		case c.Part == PartField && isCommon(c.Name):
			front = true
		case c.Part == PartField && (len(c.How) != 1 || !c.Is(Moved)), c.Part == PartRecord && !c.Is(Resized):
			return false
		}
	}
	if !front {
		return false
	}
	return ownNames(a) == ownNames(b)
}

func ownNames(fields []tpinfo.Field) string {
	var s strings.Builder
	for i := range fields {
		if !isCommon(fields[i].Name) {
			s.WriteString(fields[i].Name + " ")
		}
	}
	return s.String()
}

// value compares what a value is: its type as C spells it, size and sign.
func (l Limits) value(how *ways, a, b string, sizeA, sizeB tpinfo.Bytes, signedA, signedB bool) {
	if a == "" || b == "" {
		how.add(Unknown, a != b)
	} else {
		how.add(Retyped, !l.sameType(a, b))
	}
	how.measure(Resized, sizeA, sizeB)
	if sizeA.Known() && sizeB.Known() && !l.noSign(a) {
		how.add(Resigned, signedA != signedB)
	}
}

// sameType reports whether two spellings are of one type, as far as the sources
// tell.
func (l Limits) sameType(a, b string) bool {
	return a == b || l.Dimensions && flat(a) == flat(b)
}

// noSign reports whether the sign of a type says nothing: a source may not know
// it, and text is text, although char is signed on x86 before 6.2 and unsigned
// everywhere since (-funsigned-char in the kernel's Makefile).
func (l Limits) noSign(spelling string) bool {
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return true
	}
	base := e.Base().Name
	text := base == "char" && e.Shape != tpinfo.ShapeName
	return text || l.Signs && (base == "char" || strings.HasPrefix(base, "enum "))
}

func flat(spelling string) string {
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return spelling
	}
	return e.Flat().String()
}

// pair is one part on both sides; on one of them it may be missing.
type pair[T any] struct {
	name string // a's where there is one
	a, b *T
	how  ways
}

func (p *pair[T]) change(part Part) Change {
	c := Change{Part: part, Name: p.name, How: p.how.list()}
	if p.a != nil {
		c.Before = *p.a
	}
	if p.b != nil {
		c.After = *p.b
	}
	return c
}

// pairs matches the elements of two lists by their names, and those that are
// left over where they are alike and have a name that is near, or nothing else
// is left over. They come in the order of a, those that only b has where it has
// them.
func pairs[T any](a, b []T, name func(*T) string, alike func(i, j int) bool) []*pair[T] {
	left := map[string][]int{} // of b, by name
	for j := range b {
		n := name(&b[j])
		left[n] = append(left[n], j)
	}
	out := make([]*pair[T], len(a))
	taken := make([]bool, len(b))
	for i := range a {
		p := &pair[T]{name: name(&a[i]), a: &a[i]}
		if same := left[p.name]; len(same) > 0 {
			p.b, taken[same[0]], left[p.name] = &b[same[0]], true, same[1:]
		}
		out[i] = p
	}
	lost, fresh := count(out, func(p *pair[T]) bool { return p.b == nil }), count(taken, func(t bool) bool { return !t })
	for i, p := range out {
		for j := range b {
			if p.b == nil && !taken[j] && alike(i, j) && (lost == 1 && fresh == 1 || near(p.name, name(&b[j]))) {
				p.b, taken[j] = &b[j], true
				p.how.add(Renamed, true)
			}
		}
		if p.b == nil {
			p.how.add(Removed, true)
		}
	}
	for j := range b {
		if !taken[j] {
			at := 1 + slices.IndexFunc(out, func(p *pair[T]) bool { return j > 0 && p.b == &b[j-1] })
			for at < len(out) && out[at].b == nil {
				at++ // what it may have replaced comes first
			}
			out = slices.Insert(out, at, &pair[T]{name: name(&b[j]), b: &b[j], how: ways{Added}})
		}
	}
	return out
}

func count[T any](list []T, is func(T) bool) int {
	n := 0
	for _, x := range list {
		if is(x) {
			n++
		}
	}
	return n
}

// near reports whether one name may be the other, changed a little.
func near(a, b string) bool {
	return len(tpinfo.Near(a, []string{b}, 1, false)) > 0 || len(tpinfo.Near(b, []string{a}, 1, false)) > 0
}
