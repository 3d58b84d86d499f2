package mine

import (
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/headers"
)

// tidy turns a type as the unit defined it into the kernel's own: without
// what the override headers put in. False for one that is not the kernel's.
func (m *miner) tidy(t *tpinfo.Type) (tpinfo.Type, bool) {
	if m.unknown[t.Name] || strings.Contains(t.Name, "__tpinfo_") || m.containsUnknown(t) {
		return *t, false
	}
	if !strings.HasPrefix(t.Name, "struct "+headers.RecordPrefix) {
		return *t, true
	}
	own := *t
	own.Members = slices.Clone(t.Members)
	for i := range own.Members {
		if _, ok := elementOf(&own.Members[i]); ok {
			own.Members[i].Type, own.Members[i].Anon = "u32", nil
		}
		if own.Members[i].Size >= unknownSize {
			return own, false
		}
	}
	return own, true
}
