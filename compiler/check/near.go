package check

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// didYouMean is a hint with the names most like one that is not there; empty
// when nothing is near.
func didYouMean(name string, names []string) string {
	return meant(nearest(name, names))
}

// didYouMeanOf is didYouMean, and where nothing is near what there is.
func didYouMeanOf(name string, names []string) string {
	if hint := didYouMean(name, names); hint != "" || len(names) == 0 {
		return hint
	}
	hint := "there are " + strings.Join(names[:min(len(names), maxListed)], ", ")
	if more := len(names) - maxListed; more > 0 {
		hint += " and " + strconv.Itoa(more) + " more"
	}
	return hint
}

// maxListed is how many names a hint lists.
const maxListed = 10

// meant is the hint for names that are near already.
func meant(near []string) string {
	if len(near) == 0 {
		return ""
	}
	quoted := make([]string, len(near))
	for i, n := range near {
		quoted[i] = `"` + n + `"`
	}
	return "did you mean " + strings.Join(quoted, ", ") + "?"
}

// maxNear is how many names a hint has.
const maxNear = 3

func nearest(name string, names []string) []string {
	type scored struct {
		name  string
		score int
	}
	want := strings.ToLower(name)
	limit := max(len(want)/3, 1)
	var found []scored
	for _, n := range names {
		low := strings.ToLower(n)
		bare := low[strings.LastIndexByte(low, ' ')+1:]
		score := min(distance(want, low), distance(want, bare))
		if len(want) > 2 && strings.Contains(low, want) {
			score = min(score, 1+(len(low)-len(want))/8)
		}
		if score <= limit {
			found = append(found, scored{n, score})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.name, b.name))
	})
	found = slices.Compact(found)
	var out []string
	for _, f := range found[:min(len(found), maxNear)] {
		out = append(out, f.name)
	}
	return out
}

// distance counts the letters to insert, delete, replace or swap to get from a
// to b.
func distance(a, b string) int {
	if d := len(a) - len(b); d > 8 || d < -8 {
		return max(len(a), len(b))
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
