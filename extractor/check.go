package extractor

import (
	"fmt"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/traceheaders"
)

// randomised are the options under which the compiler that built the kernel
// shuffled the members of marked structs (from 5.18 and 4.13).
var randomised = []string{"RANDSTRUCT", "GCC_PLUGIN_RANDSTRUCT"}

// check looks over a snapshot, its events sorted, for what would make it wrong
// without looking so; of two events of one name it takes the second out.
func check(tree *kbuild.Tree, found []traceheaders.Header, failed []tpinfo.Problem, snap *tpinfo.Snapshot) []tpinfo.Problem {
	var problems []tpinfo.Problem
	for _, option := range randomised {
		if tree.Config.On(option) {
			problems = append(problems, tpinfo.Problem{
				Code:    tpinfo.LayoutRandomised,
				Message: fmt.Sprintf("built with CONFIG_%s: members of shuffled structs are not where the headers put them", option),
				Supply:  []string{"--btf FILE"},
			})
		}
	}
	kept := snap.Events[:0]
	for i := range snap.Events {
		e := &snap.Events[i]
		if n := len(kept); n > 0 && e.FullName() == kept[n-1].FullName() {
			problems = append(problems, tpinfo.Problem{
				Code: tpinfo.TypeConflict, Subject: e.FullName(),
				Message: fmt.Sprintf("defined by %s and by %s; the first is kept", kept[n-1].Header, e.Header),
			})
			continue
		}
		kept = append(kept, *e)
	}
	snap.Events = kept
	return append(problems, silent(tree, found, failed, snap)...)
}

// silent names the trace headers of which no event came: their events are not
// part of this configuration, or of this architecture. Saying so makes the
// list of events one that loses none without a word.
func silent(tree *kbuild.Tree, found []traceheaders.Header, failed []tpinfo.Problem, snap *tpinfo.Snapshot) []tpinfo.Problem {
	spoke := map[string]bool{}
	for _, p := range failed {
		spoke[p.Subject] = true // more was said of it
	}
	for i := range snap.Events {
		spoke[snap.Events[i].Header] = true
	}
	var problems []tpinfo.Problem
	for _, h := range found {
		if rel := tree.Relative(h.Path); !spoke[rel] {
			problems = append(problems, tpinfo.Problem{
				Code: tpinfo.HeaderSilent, Subject: rel,
				Message: "defines no event in this configuration",
			})
		}
	}
	return problems
}
