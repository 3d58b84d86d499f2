package compare

import (
	"github.com/tpinfo/tpinfo"
)

// Occurrence is what one kernel says of an event; Event is nil where it has
// none of that name.
type Occurrence struct {
	Kernel tpinfo.Kernel
	Event  *tpinfo.Tracepoint
}

// Stretch is a range of kernels in which an event is the same.
type Stretch struct {
	Range
	// Event is how the newest of them describes it; nil where they have none.
	// Why then says what kept the kernels' sources from showing it, and is
	// empty where they would have.
	Event *tpinfo.Tracepoint
	Why   string
	// Changes are those against the range before; of a range without one, or
	// behind one that has no event, there are none.
	Changes []Change
}

// History folds what kernels say of one event into ranges, the oldest first.
// Layouts counts the different ones.
func History(all []Occurrence) (list []Stretch, layouts int) {
	kernels := make([]tpinfo.Kernel, len(all))
	values := make([]int, len(all))
	var seen []Occurrence // of each layout
	reasons := map[string]int{}
	whys := map[int]string{}
	for i := range all {
		kernels[i] = all[i].Kernel
		if all[i].Event != nil {
			values[i] = layoutOf(all[i], &seen)
		}
	}
	for i := range all {
		if all[i].Event == nil {
			why := missing(&all[i].Kernel, seen)
			if _, ok := reasons[why]; !ok {
				reasons[why] = -1 - len(reasons)
				whys[reasons[why]] = why
			}
			values[i] = reasons[why]
		}
	}
	for _, r := range Fold(kernels, values) {
		s := Stretch{Range: r, Why: whys[r.Value]}
		if r.Value >= 0 {
			s.Event = all[r.Kernels[len(r.Kernels)-1]].Event
			if r.Before >= 0 && list[r.Before].Event != nil {
				before := list[r.Before].Kernels
				last := &kernels[before[len(before)-1]]
				s.Changes = Event(list[r.Before].Event, all[r.Kernels[0]].Event, LimitsOf(last, &kernels[r.Kernels[0]]))
			}
		}
		list = append(list, s)
	}
	return list, len(seen)
}

// layoutOf numbers the layout of an event: that of the first kernel which has
// it without a difference.
func layoutOf(o Occurrence, seen *[]Occurrence) int {
	for n, s := range *seen {
		if s.Event == o.Event {
			return n
		}
	}
	for n, s := range *seen {
		if !differs(Event(s.Event, o.Event, LimitsOf(&s.Kernel, &o.Kernel))) {
			return n
		}
	}
	*seen = append(*seen, o)
	return len(*seen) - 1
}

// differs reports whether any change is more than one side's not knowing.
func differs(found []Change) bool {
	for i := range found {
		if !found[i].OnlyUnknown() {
			return true
		}
	}
	return false
}

// missing says why a kernel's sources would not show the event that others
// have; empty where they would.
func missing(k *tpinfo.Kernel, seen []Occurrence) string {
	for i := range seen {
		c := cover{kernel: k}
		if why := c.omits(seen[i].Event, &seen[i].Kernel); why != "" {
			return why
		}
	}
	return ""
}
