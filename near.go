package tpinfo

import (
	"cmp"
	"slices"
	"strings"
)

// Near picks the names most like name, the nearest first and at most most: those
// it is part of, those few letters away, and, where none is a single letter
// away, those whose first word it shares when that is half of it, for the kernel
// renames the rest (hrtimer_init, hrtimer_setup). With any, there is always an
// answer when there are names. The keyword or the system in front of a name
// counts as much as the user gave of it.
func Near(name string, names []string, most int, any bool) []string {
	type scored struct {
		name  string
		score int
	}
	want := strings.ToLower(strings.Trim(name, "*?"))
	limit := max(len(want)/3, 1)
	family := want[:strings.IndexByte(want, '_')+1]
	if 2*len(family) < len(want) {
		family = ""
	}
	var found, related []scored
	seen := map[string]bool{}
	for _, n := range names {
		if seen[n] {
			continue
		}
		seen[n] = true
		low := strings.ToLower(n)
		bare := low[strings.LastIndexAny(low, " :")+1:]
		score := min(distance(want, low), distance(want, bare))
		if want != "" && strings.Contains(low, want) {
			score = min(score, 1+(len(low)-len(want))/8)
		}
		switch {
		case score <= 1:
			family = ""
			fallthrough
		case score <= limit || any:
			found = append(found, scored{n, score})
		case family != "" && strings.HasPrefix(bare, family):
			related = append(related, scored{n, score})
		}
	}
	if family != "" {
		found = append(found, related...)
	}
	slices.SortStableFunc(found, func(a, b scored) int { return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.name, b.name)) })
	var out []string
	for _, f := range found[:min(len(found), most)] {
		out = append(out, f.name)
	}
	return out
}

// distance counts the letters to insert, delete, replace or swap to get from a
// to b.
func distance(a, b string) int {
	if d := len(a) - len(b); d > 12 || d < -12 {
		return max(len(a), len(b)) // nothing in common
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
