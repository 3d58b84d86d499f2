package compare

import (
	"slices"

	"github.com/tpinfo/tpinfo"
)

// Part is what a Change is about. The parts are part of the JSON form and stay
// stable.
type Part string

// The parts, with what Before and After are.
const (
	PartEvent    Part = "event"    // *tpinfo.Tracepoint
	PartClass    Part = "class"    // string
	PartHeader   Part = "header"   // string
	PartArgument Part = "argument" // tpinfo.Arg
	PartRecord   Part = "record"   // tpinfo.Bytes, its size
	PartField    Part = "field"    // tpinfo.Field
	PartType     Part = "type"     // *tpinfo.Type when it is new or gone; string, what a typedef stands for; tpinfo.Bytes, its size
	PartMember   Part = "member"   // tpinfo.Member, its offset from the start of the type
	PartConstant Part = "constant" // tpinfo.Enumerator
)

// How is one way in which a part differs. The ways are part of the JSON form
// and stay stable.
type How string

// The ways.
const (
	Added   How = "added"
	Removed How = "removed"
	// Renamed: perhaps. What looks the same has another name.
	Renamed  How = "renamed"
	Moved    How = "moved" // another index or offset
	Retyped  How = "retyped"
	Resized  How = "resized"
	Resigned How = "resigned" // the same type holds negative values, or no longer
	Located  How = "located"  // a field's value lies in place, or behind data_loc or rel_loc
	Valued   How = "valued"   // a constant's value
	// Unknown: one side does not know what the other does. It is no difference.
	Unknown How = "unknown"
)

// Change is one part that differs, in one way or several.
type Change struct {
	Part Part  `json:"part"`
	How  []How `json:"how"`
	// Event or Type is what the part belongs to, the other is empty; Name is
	// which part it is: an argument, a field, a constant, the path of a member;
	// empty where there is one of its kind.
	Event string `json:"event"`
	Type  string `json:"type"`
	Name  string `json:"name"`
	// Before and After are the part's values, as Part has them; nil where
	// there is none.
	Before any `json:"before"`
	After  any `json:"after"`
	// Shifted: a field moved, or a record grew, because the part that all
	// records begin with did.
	Shifted bool `json:"shifted"`
	// Why says of an event that is Unknown to one side why that could not
	// show it: "6.1.0-56-amd64 was extracted without …".
	Why string `json:"why"`
}

// Is reports whether h is among the ways in which the part differs.
func (c *Change) Is(h How) bool { return slices.Contains(c.How, h) }

// OnlyUnknown tells what is no difference.
func (c *Change) OnlyUnknown() bool { return len(c.How) == 1 && c.How[0] == Unknown }

// ways collects those in which a part differs, each once.
type ways []How

func (w *ways) add(h How, differs bool) {
	if differs && !slices.Contains(*w, h) {
		*w = append(*w, h)
	}
}

// measure compares two sizes or offsets: what only one side knows is Unknown.
func (w *ways) measure(h How, a, b tpinfo.Bytes) {
	switch {
	case a == b:
	case a.Known() && b.Known():
		w.add(h, true)
	default:
		w.add(Unknown, true)
	}
}

// list is what was collected: Unknown counts where nothing else differs.
func (w *ways) list() []How {
	known := slices.DeleteFunc(slices.Clone(*w), func(h How) bool { return h == Unknown })
	if len(known) > 0 {
		return known
	}
	return *w
}
