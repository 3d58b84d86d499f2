package compare

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Range is kernels that have the same, one behind the other among those of
// their flavours.
type Range struct {
	// Kernels are indices into the list that was folded, the oldest first.
	Kernels []int
	// Value is what they have.
	Value int
	// Before is the range that these kernels' predecessors are in, -1 for the
	// oldest. Where their flavours have none, it is the largest range beside
	// them, and Beside is set.
	Before int
	Beside bool
}

// Fold orders kernels by release and folds those with equal values into ranges.
// Flavours of a series that have the same in the same order are folded
// together; others stand beside each other.
func Fold(kernels []tpinfo.Kernel, values []int) []Range {
	f := &folding{values: values, at: make([]place, len(kernels))}
	for i := range kernels {
		r := tpinfo.ParseRelease(kernels[i].Release)
		f.at[i] = place{series: r.Series, version: r.Version, line: r.Flavour + " " + kernels[i].Arch}
	}
	order := make([]int, len(kernels))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Or(tpinfo.CompareReleases(f.at[i].version, f.at[j].version), cmp.Compare(f.at[i].line, f.at[j].line))
	})
	for rank, i := range order {
		f.at[i].rank = rank
	}
	var before []track
	for len(order) > 0 {
		n := 1
		for n < len(order) && f.at[order[n]].series == f.at[order[0]].series {
			n++
		}
		before = f.series(order[:n], before)
		order = order[n:]
	}
	return f.ranges
}

type place struct {
	series, version, line string
	rank                  int // in the order of versions, then lines
}

type folding struct {
	values []int
	at     []place
	ranges []Range
}

// track is the kernels of one series that change together, in order.
type track struct {
	lines   []string
	kernels []int
	last    int // the range of the last of them
}

// series folds the kernels of one series, given the tracks of all earlier ones,
// the last first; it returns them with its own in front.
func (f *folding) series(kernels []int, before []track) []track {
	tracks := f.tracks(kernels)
	present := map[string]bool{}
	for _, i := range kernels {
		present[f.at[i].line] = true
	}
	for t := range tracks {
		tr := &tracks[t]
		from, beside := predecessor(tr, before), false
		if from == nil && t > 0 {
			from, beside = &tracks[0], true
		}
		if from == nil && len(before) > 0 {
			from = &before[0]
		}
		tr.last = -1
		if from != nil {
			tr.last = from.last
		}
		for n, i := range tr.kernels {
			same := n > 0 && f.values[i] == f.values[tr.kernels[n-1]]
			if n == 0 && from != nil && !beside {
				same = f.values[i] == f.ranges[from.last].Value && f.continues(tr, from, present)
			}
			if same {
				f.ranges[tr.last].Kernels = append(f.ranges[tr.last].Kernels, i)
				continue
			}
			f.ranges = append(f.ranges, Range{Kernels: []int{i}, Value: f.values[i], Before: tr.last, Beside: beside && n == 0})
			tr.last = len(f.ranges) - 1
		}
	}
	return append(tracks, before...)
}

// predecessor is the track that a line of tr was in last; nil where all are new.
func predecessor(tr *track, before []track) *track {
	for i := range before {
		for _, line := range tr.lines {
			if slices.Contains(before[i].lines, line) {
				return &before[i]
			}
		}
	}
	return nil
}

// continues reports whether a range of from may go on in tr without seeming to
// hold for kernels that are in another one: lines that only one of the two has
// are not in the other's series.
func (f *folding) continues(tr, from *track, present map[string]bool) bool {
	for _, line := range from.lines {
		if present[line] && !slices.Contains(tr.lines, line) {
			return false
		}
	}
	series := f.at[from.kernels[0]].series
	for _, line := range tr.lines {
		if slices.Contains(from.lines, line) {
			continue
		}
		for i := range f.at {
			if f.at[i].series == series && f.at[i].line == line {
				return false
			}
		}
	}
	return true
}

// tracks groups the lines of a series, the largest group first.
func (f *folding) tracks(kernels []int) []track {
	byLine := map[string]*track{}
	var lines []*track
	for _, i := range kernels {
		line := f.at[i].line
		if byLine[line] == nil {
			byLine[line] = &track{lines: []string{line}}
			lines = append(lines, byLine[line])
		}
		byLine[line].kernels = append(byLine[line].kernels, i)
	}
	bySize := func(a, b *track) int {
		return cmp.Or(cmp.Compare(len(b.kernels), len(a.kernels)), strings.Compare(a.lines[0], b.lines[0]))
	}
	slices.SortFunc(lines, bySize)
	var groups []*track
next:
	for _, l := range lines {
		for _, g := range groups {
			if joined, ok := f.join(g, l); ok {
				*g = joined
				continue next
			}
		}
		groups = append(groups, l)
	}
	slices.SortStableFunc(groups, bySize)
	out := make([]track, len(groups))
	for i, g := range groups {
		slices.Sort(g.lines)
		out[i] = *g
	}
	return out
}

// join makes one track of two that have the same values in the same order, or
// one of them some of the other's.
func (f *folding) join(a, b *track) (track, bool) {
	va, vb := f.distinct(a), f.distinct(b)
	if !contains(va, vb) && !contains(vb, va) {
		return track{}, false
	}
	j := track{lines: append(slices.Clone(a.lines), b.lines...), kernels: append(slices.Clone(a.kernels), b.kernels...)}
	slices.SortFunc(j.kernels, func(x, y int) int { return f.at[x].rank - f.at[y].rank })
	return j, f.runs(&j) <= max(f.runs(a), f.runs(b))
}

func (f *folding) distinct(t *track) map[int]bool {
	out := map[int]bool{}
	for _, i := range t.kernels {
		out[f.values[i]] = true
	}
	return out
}

func contains(all, some map[int]bool) bool {
	for v := range some {
		if !all[v] {
			return false
		}
	}
	return true
}

// runs counts the stretches of equal values.
func (f *folding) runs(t *track) int {
	n := 1
	for i := 1; i < len(t.kernels); i++ {
		if f.values[t.kernels[i]] != f.values[t.kernels[i-1]] {
			n++
		}
	}
	return n
}

// Name names the kernels of a range: from which to which release, and of which
// flavours. kernels is the list that was folded.
func (r *Range) Name(kernels []tpinfo.Kernel) (releases, flavours string) {
	var words []string
	for _, i := range r.Kernels {
		k := &kernels[i]
		word := tpinfo.ParseRelease(k.Release).Flavour
		if word == "" {
			word = k.Arch
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	first, last := &kernels[r.Kernels[0]], &kernels[r.Kernels[len(r.Kernels)-1]]
	releases = tpinfo.ParseRelease(first.Release).Version
	if to := tpinfo.ParseRelease(last.Release).Version; to != releases {
		releases += " to " + to
	}
	return releases, strings.Join(words, " ")
}
