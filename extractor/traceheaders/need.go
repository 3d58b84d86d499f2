package traceheaders

import (
	"maps"
	"slices"
)

// need is what stands before a header, or is given up, so that it compiles.
// It starts as the header's hint and grows by repairs.
type need struct {
	Includes  []string // public headers
	Unknown   []string // types only a private header defines
	Unless    string   // the option with which a public one does
	Constants []string // array lengths only a private header defines
	NoArgs    []string // events whose arguments are given up
	NoRecord  []string // classes whose record is given up
	NamesOnly bool     // both, for every event of the header
	Alone     bool     // clashes with another header: a unit of its own
	Dropped   []string // declared once, and known to the tree after all
	// Why has the compiler's words for what was given up, by event or class
	// name; "" for the whole header.
	Why map[string]string
}

func (n need) clone() need {
	n.Includes = slices.Clone(n.Includes)
	n.Unknown = slices.Clone(n.Unknown)
	n.Constants = slices.Clone(n.Constants)
	n.NoArgs = slices.Clone(n.NoArgs)
	n.NoRecord = slices.Clone(n.NoRecord)
	n.Dropped = slices.Clone(n.Dropped)
	n.Why = maps.Clone(n.Why)
	return n
}

// weight grows with every step of a repair.
func (n need) weight() int {
	w := len(n.Includes) + len(n.Unknown) + len(n.Constants) + len(n.NoArgs) + len(n.NoRecord)
	w += 2 * len(n.Dropped) // more than the declarations that went counted
	if n.NamesOnly {
		w++
	}
	if n.Alone {
		w++
	}
	return w
}

func (n *need) because(name, why string) {
	if n.Why == nil {
		n.Why = map[string]string{}
	}
	if n.Why[name] == "" {
		n.Why[name] = why
	}
}

// drop takes back the declaration of something unknown, if there is one. Only
// the first time it is a step, so that repairs come to an end.
func (n *need) drop(name string) {
	is := func(s string) bool { return s == name }
	before := len(n.Unknown) + len(n.Constants)
	n.Unknown = slices.DeleteFunc(n.Unknown, is)
	n.Constants = slices.DeleteFunc(n.Constants, is)
	if len(n.Unknown)+len(n.Constants) < before {
		add(&n.Dropped, name)
	}
}
