package check

import (
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// didYouMean is a hint with the names most like one that is not there; empty
// when nothing is near.
func didYouMean(name string, names []string) string {
	return meant(tpinfo.Near(name, names, maxNear, false))
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
