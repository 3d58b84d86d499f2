package compare

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/tpinfo/tpinfo"
)

// Side is a kernel with all its events, sorted by system and name.
type Side struct {
	Kernel tpinfo.Kernel
	Events []tpinfo.Tracepoint
}

// Result is what differs between two kernels.
type Result struct {
	// Changes are sorted by event. Those of fields without an event are about
	// the part that all records begin with. What only one side knows is among
	// them, as Unknown.
	Changes []Change
	// Same and Differ count the events that both have.
	Same, Differ            int
	Added, Removed, Renamed int
	// Omitted counts events that one side's sources could not show.
	Omitted int
}

// Kernels compares the events of two kernels that match; all for a nil match.
func Kernels(a, b Side, match func(*tpinfo.Tracepoint) bool) *Result {
	k := &kernels{a: a, b: b, limits: LimitsOf(&a.Kernel, &b.Kernel)}
	if k.match = match; match == nil {
		k.match = func(*tpinfo.Tracepoint) bool { return true }
	}
	gone, come := k.pair()
	k.rename(gone, come)
	slices.SortStableFunc(k.res.Changes, func(x, y Change) int { return cmp.Compare(x.Event, y.Event) })
	return &k.res
}

type kernels struct {
	a, b   Side
	limits Limits
	match  func(*tpinfo.Tracepoint) bool
	common []Change // of the first record whose common part differs
	res    Result
}

// pair compares the events that both have, and returns the others of a and b.
func (k *kernels) pair() (gone, come []*tpinfo.Tracepoint) {
	find := finder(k.b.Events)
	taken := map[*tpinfo.Tracepoint]bool{}
	for i := range k.a.Events {
		x := &k.a.Events[i]
		y := find(x, taken)
		if y == nil {
			gone = append(gone, x)
			continue
		}
		taken[y] = true
		if k.match(x) || k.match(y) {
			k.both(x, y)
		}
	}
	for i := range k.b.Events {
		if y := &k.b.Events[i]; !taken[y] {
			come = append(come, y)
		}
	}
	return gone, come
}

// finder finds an event among others: under its system and name, or under its
// name alone where one of the two does not know the system. Of several it is
// the one of the same header.
func finder(events []tpinfo.Tracepoint) func(*tpinfo.Tracepoint, map[*tpinfo.Tracepoint]bool) *tpinfo.Tracepoint {
	byName := map[string][]*tpinfo.Tracepoint{}
	for i := range events {
		e := &events[i]
		byName[e.Name] = append(byName[e.Name], e)
	}
	return func(x *tpinfo.Tracepoint, taken map[*tpinfo.Tracepoint]bool) *tpinfo.Tracepoint {
		var best *tpinfo.Tracepoint
		score := -1
		for _, e := range byName[x.Name] {
			n := 0
			switch {
			case taken[e]:
				continue
			case e.System == x.System && e.Header == x.Header:
				n = 2
			case e.System == x.System:
				n = 1
			case e.System != "" && x.System != "":
				continue
			}
			if n > score {
				best, score = e, n
			}
		}
		return best
	}
}

// both compares an event that both have.
func (k *kernels) both(x, y *tpinfo.Tracepoint) {
	found := k.setCommonApart(Event(x, y, k.limits))
	k.res.Changes = append(k.res.Changes, found...)
	if differs(found) {
		k.res.Differ++
	} else {
		k.res.Same++
	}
}

// setCommonApart takes the changes of the common fields out, which are those of
// every record, and notes them once.
func (k *kernels) setCommonApart(found []Change) []Change {
	var common []Change
	rest := make([]Change, 0, len(found))
	for _, c := range found {
		if c.Part == PartField && isCommon(c.Name) {
			c.Event = ""
			common = append(common, c)
		} else {
			rest = append(rest, c)
		}
	}
	if len(common) == 0 {
		return found
	}
	if k.common == nil {
		k.common = common
		k.res.Changes = append(k.res.Changes, common...)
	}
	if !reflect.DeepEqual(common, k.common) {
		return found
	}
	return rest
}

// rename pairs events that are gone with new ones that look the same, and notes
// the rest as gone and new.
func (k *kernels) rename(gone, come []*tpinfo.Tracepoint) {
	coverA, coverB := coverOf(&k.a.Kernel, k.a.Events), coverOf(&k.b.Kernel, k.b.Events)
	gone = k.omit(gone, &coverB, &k.a.Kernel, false)
	come = k.omit(come, &coverA, &k.b.Kernel, true)
	successor := map[*tpinfo.Tracepoint]*tpinfo.Tracepoint{}
	taken := map[*tpinfo.Tracepoint]bool{}
	for _, x := range gone {
		if y := successorOf(x, come, taken); y != nil {
			successor[x], taken[y] = y, true
		}
	}
	for _, x := range gone {
		y := successor[x]
		switch {
		case y != nil && (k.match(x) || k.match(y)):
			k.res.Renamed++
			k.res.Changes = append(k.res.Changes, Change{Part: PartEvent, How: []How{Renamed}, Event: x.FullName(), Before: x, After: y})
		case y == nil && k.match(x):
			k.res.Removed++
			k.res.Changes = append(k.res.Changes, Change{Part: PartEvent, How: []How{Removed}, Event: x.FullName(), Before: x})
		}
	}
	for _, y := range come {
		if !taken[y] && k.match(y) {
			k.res.Added++
			k.res.Changes = append(k.res.Changes, Change{Part: PartEvent, How: []How{Added}, Event: y.FullName(), After: y})
		}
	}
}

// omit takes out the events of one side that the other side's description
// would not have.
func (k *kernels) omit(events []*tpinfo.Tracepoint, by *cover, from *tpinfo.Kernel, after bool) []*tpinfo.Tracepoint {
	return slices.DeleteFunc(events, func(e *tpinfo.Tracepoint) bool {
		why := by.omits(e, from)
		if why == "" || !k.match(e) {
			return why != ""
		}
		c := Change{Part: PartEvent, How: []How{Unknown}, Event: e.FullName(), Before: e, Why: fmt.Sprintf("%s %s", by.kernel.Release, why)}
		if after {
			c.Before, c.After = nil, e
		}
		k.res.Omitted++
		k.res.Changes = append(k.res.Changes, c)
		return true
	})
}

// enough is how many arguments and fields that are alike tell more than a name.
const enough = 3

// successorOf is the new event that x perhaps became: one of the same header or
// system, or of the same name in another system, that hands out the same. Where
// a class makes events alike, and where there is nothing to be alike in, the
// name must be near too.
func successorOf(x *tpinfo.Tracepoint, come []*tpinfo.Tracepoint, taken map[*tpinfo.Tracepoint]bool) *tpinfo.Tracepoint {
	byName := map[string]*tpinfo.Tracepoint{}
	var names []string
	for _, y := range come {
		switch {
		case taken[y] || !sameShape(x, y):
		case x.Name == y.Name:
			return y
		case x.System == y.System || x.Header == y.Header && x.Header != "":
			byName[y.Name] = y
			names = append(names, y.Name)
		}
	}
	parts := len(x.Args)
	if x.Record != nil {
		parts += len(own(x.Record))
	}
	telling := parts >= enough && (x.Class == "" || x.Class == x.Name)
	if near := tpinfo.Near(x.Name, names, 1, telling); len(near) > 0 {
		return byName[near[0]]
	}
	return nil
}

// sameShape reports whether two events hand out values of the same names and
// types.
func sameShape(x, y *tpinfo.Tracepoint) bool {
	if x.Args == nil || y.Args == nil || (x.Record == nil) != (y.Record == nil) {
		return false
	}
	if !slices.EqualFunc(x.Args, y.Args, func(a, b tpinfo.Arg) bool { return a.Name == b.Name && a.Type == b.Type }) {
		return false
	}
	return x.Record == nil || slices.EqualFunc(own(x.Record), own(y.Record), func(a, b tpinfo.Field) bool { return a.Name == b.Name && a.Type == b.Type })
}

// own are a record's fields behind the common ones.
func own(r *tpinfo.Record) []tpinfo.Field {
	return slices.DeleteFunc(slices.Clone(r.Fields), func(f tpinfo.Field) bool { return isCommon(f.Name) })
}
