package diag

import (
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// DidYouMean is a hint with the names most like one that is not there; empty
// when nothing is near.
func DidYouMean(name string, names []string) string {
	return Meant(tpinfo.Near(name, names, maxNear, false))
}

// DidYouMeanOf is DidYouMean, and where nothing is near what there is.
func DidYouMeanOf(name string, names []string) string {
	if hint := DidYouMean(name, names); hint != "" || len(names) == 0 {
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

// Meant is the hint for names that are near already.
func Meant(near []string) string {
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

// Count is a number of things as messages say it: "1 key", "2 keys".
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
