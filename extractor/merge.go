package extractor

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tpinfo/tpinfo"
)

// merge joins what the units told: events sorted, every type once. Two units
// that define one name differently keep the first unit's; a problem says so.
func merge(parts []*mined) (events []tpinfo.Tracepoint, types []tpinfo.Type, problems []tpinfo.Problem) {
	type known struct {
		at int
		id tpinfo.ContentID
	}
	seen := map[string]known{}
	for _, p := range parts {
		events = append(events, p.events...)
		problems = append(problems, p.problems...)
		for i := range p.types {
			t := &p.types[i]
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
	return events, types, dedupe(problems)
}

func sortEvents(events []tpinfo.Tracepoint) {
	slices.SortFunc(events, func(a, b tpinfo.Tracepoint) int {
		return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Header, b.Header))
	})
}

func dedupe(problems []tpinfo.Problem) []tpinfo.Problem {
	slices.SortFunc(problems, func(a, b tpinfo.Problem) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(problems, func(a, b tpinfo.Problem) bool {
		return a.Code == b.Code && a.Subject == b.Subject && a.Message == b.Message
	})
}
