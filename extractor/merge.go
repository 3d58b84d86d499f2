package extractor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/compile"
)

// merge joins what came of the units: events sorted, every type once, and the
// files that they read. Two units that define one name differently keep the
// first unit's; a problem says so.
func merge(built []*compile.Made) (events []tpinfo.Tracepoint, types []tpinfo.Type, files []string, problems []tpinfo.Problem) {
	type known struct {
		at int
		id tpinfo.ContentID
	}
	seen := map[string]known{}
	for _, u := range built {
		events = append(events, u.Events...)
		problems = append(problems, u.Problems...)
		files = append(files, u.Deps...)
		for i := range u.Types {
			t := &u.Types[i]
			first, ok := seen[t.Name]
			if !ok {
				seen[t.Name] = known{at: len(types), id: t.ContentID()}
				types = append(types, *t)
				continue
			}
			if first.id != t.ContentID() {
				problems = append(problems, tpinfo.Problem{
					Code: tpinfo.TypeConflict, Subject: t.Name,
					Message: fmt.Sprintf("two trace headers see different definitions (%s and %s bytes); the first is kept", types[first.at].Size, t.Size),
				})
			}
		}
	}
	sortEvents(events)
	sortTypes(types)
	slices.Sort(files)
	return events, types, slices.Compact(files), dedupe(problems)
}

func sortEvents(events []tpinfo.Tracepoint) {
	slices.SortFunc(events, func(a, b tpinfo.Tracepoint) int {
		return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Header, b.Header))
	})
}

func sortTypes(types []tpinfo.Type) {
	slices.SortFunc(types, func(a, b tpinfo.Type) int { return strings.Compare(a.Name, b.Name) })
}

func dedupe(problems []tpinfo.Problem) []tpinfo.Problem {
	slices.SortFunc(problems, func(a, b tpinfo.Problem) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(problems, func(a, b tpinfo.Problem) bool {
		return a.Code == b.Code && a.Subject == b.Subject && a.Message == b.Message
	})
}
