package matrix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/check/target"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// resolved is what a probe point stands for on a kernel: the kinds of its
// handlers by event.
type resolved map[string]ir.ProbeKind

// useKey is a name that the script reads at a place.
type useKey struct {
	at           diag.Span
	of, member   string // an event or a type
	event, field bool
}

// used is what stands there; which columns it is for.
type used struct {
	target.Use
	columns []int
}

// prepare sorts what the check found by columns and names.
func (c *compiled) prepare(cols []Column) {
	c.events = make([]resolved, len(cols))
	c.uses = map[useKey]*used{}
	column := make([]int, len(c.found.Probes))
	starts := map[[2]int]int{}
	for i := range cols {
		c.events[i] = resolved{}
		line, col := c.src.Place(cols[i].at.Start)
		starts[[2]int{line, col}] = i
	}
	for i := range c.found.Probes {
		p := &c.found.Probes[i]
		n, ok := starts[[2]int{p.Line, p.Column}]
		if column[i] = n; !ok || p.Event == "" {
			column[i] = -1
			continue
		}
		c.events[n][p.Event] = p.Kind
	}
	for _, u := range c.found.Uses {
		k := useKey{at: u.At, of: u.Type, member: u.Member, event: u.Event != "", field: u.Record}
		if k.event {
			k.of = u.Event
		}
		if c.uses[k] == nil {
			c.uses[k] = &used{Use: u}
		}
		if u.Probe >= 0 && column[u.Probe] >= 0 && !slices.Contains(c.uses[k].columns, column[u.Probe]) {
			c.uses[k].columns = append(c.uses[k].columns, column[u.Probe])
		}
	}
}

// compare notes what the script means on c and not on base.
func (c *compiled) compare(base *compiled, cols []Column, r *Result) {
	for i := range cols {
		c.comparePoint(base, i, &cols[i], r)
	}
	mixed := c.fromImage() != base.fromImage()
	for k, u := range c.uses {
		b := base.uses[k]
		if b == nil {
			if other := base.otherAt(k); other != "" {
				r.Reasons = append(r.Reasons, diag.Error{Level: diag.Note, Span: k.at, Message: fmt.Sprintf("it reads %s here, and %s on %s", nameOf(k), other, base.kernel.Release)})
			}
			continue
		}
		if sameValue(u.Value, b.Value, mixed) {
			continue
		}
		r.Verdict = Differs
		for _, n := range u.columns {
			r.Cells[n] = Differs
		}
		r.Reasons = append(r.Reasons, diag.Error{
			Level: diag.Warning, Span: k.at,
			Message: fmt.Sprintf("%s is %s (%s), and %s (%s) on %s", nameOf(k), u.Value, u.CType, b.Value, b.CType, base.kernel.Release),
			Hint:    u.moved(b),
		})
	}
}

// fromImage tells kernels known from BTF, which does not say everything of a
// sign.
func (c *compiled) fromImage() bool {
	return c.kernel.Source == tpinfo.FromBTF || c.kernel.Source == tpinfo.FromBTFTracefs
}

// nameOf is what the script reads, for messages.
func nameOf(k useKey) string {
	switch {
	case k.field:
		return fmt.Sprintf("field %s of %s", k.member, k.of)
	case k.event:
		return fmt.Sprintf("argument %s of %s", k.member, k.of)
	}
	return fmt.Sprintf("member %s of %s", k.member, k.of)
}

// moved says that an argument of another kind is another argument, by its place
// too.
func (u *used) moved(b *used) string {
	if u.Event == "" || u.Record || u.Offset == b.Offset {
		return ""
	}
	return fmt.Sprintf("and it is argument %d, not %d", u.Offset/tpinfo.ArgSlot+1, b.Offset/tpinfo.ArgSlot+1)
}

// otherAt names what is read at the place of k on c.
func (c *compiled) otherAt(k useKey) string {
	var names []string
	for other := range c.uses {
		if other.at == k.at {
			names = append(names, nameOf(other))
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// sameValue reports whether two values mean the same. mixed: one of them is
// known from BTF, the other is not.
func sameValue(a, b ctype.Value, mixed bool) bool {
	enum := a.Enum || b.Enum
	if a.Kind == ctype.NumberValue && b.Kind == ctype.NumberValue && (enum || mixed && (a.Char || b.Char)) {
		a.Signed, b.Signed = false, false
	}
	a.Enum, b.Enum, a.Char, b.Char = false, false, false, false
	return a == b
}

// comparePoint holds what a probe point stands for against what it stands for
// on base.
func (c *compiled) comparePoint(base *compiled, n int, col *Column, r *Result) {
	here, there := c.events[n], base.events[n]
	inHere, inThere := col.in(c.points), col.in(base.points)
	warn := func(level diag.Level, format string, args ...any) {
		r.Reasons = append(r.Reasons, diag.Error{Level: level, Span: col.at, Message: fmt.Sprintf(format, args...)})
		if level == diag.Warning {
			r.Verdict, r.Cells[n] = Differs, Differs
		}
	}
	switch {
	case !inHere && !inThere:
		return
	case !inHere || !inThere:
		// The script itself asks for the kernel's version or architecture.
		if inHere {
			warn(diag.Note, "this probe is not part of the script on %s", base.kernel.Release)
		} else {
			warn(diag.Note, "this probe is part of the script on %s only", base.kernel.Release)
		}
		return
	case len(here) == 0 && col.optional:
		warn(diag.Note, "the probe is without %s here, as the script allows", col.Point)
		return
	case len(there) == 0 && col.optional:
		warn(diag.Note, "the probe is without %s on %s, as the script allows", col.Point, base.kernel.Release)
		return
	}
	more, less := missing(here, there), missing(there, here)
	switch {
	case len(c.errs) > 0 && len(here) == 0:
		// That is among the errors.
	case len(more) > 0 && len(less) > 0:
		warn(diag.Warning, "it stands for %s here, and for %s on %s", list(more), list(less), base.kernel.Release)
	case len(more) > 0:
		warn(diag.Warning, "it stands for %s too, other than on %s", list(more), base.kernel.Release)
	case len(less) > 0:
		warn(diag.Warning, "it does not stand for %s, other than on %s", list(less), base.kernel.Release)
	}
	var seen []string
	for event, kind := range here {
		if other, ok := there[event]; ok && other != kind {
			seen = append(seen, event)
		}
	}
	if len(seen) > 0 {
		slices.Sort(seen)
		warn(diag.Warning, "$ are %s of %s here, and %s on %s", view(here[seen[0]]), list(seen), view(there[seen[0]]), base.kernel.Release)
	}
}

func view(k ir.ProbeKind) string {
	if k == ir.Tracepoint {
		return "fields of the record"
	}
	return "arguments"
}

// missing are the events of a that b lacks, sorted.
func missing(a, b resolved) []string {
	var out []string
	for e := range a {
		if _, ok := b[e]; !ok {
			out = append(out, e)
		}
	}
	slices.Sort(out)
	return out
}

// maxListed is how many events a message names.
const maxListed = 5

func list(events []string) string {
	if more := len(events) - maxListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(events[:maxListed], ", "), more)
	}
	return strings.Join(events, ", ")
}
