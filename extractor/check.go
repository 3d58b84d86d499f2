package extractor

import (
	"fmt"
	"path/filepath"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// randomised are the options under which the compiler that built the kernel
// shuffled the members of marked structs (from 5.18 and 4.13).
var randomised = []string{"RANDSTRUCT", "GCC_PLUGIN_RANDSTRUCT"}

// check looks over a snapshot for what would make it wrong without looking so.
func check(tree *kbuild.Tree, found []traceHeader, snap *tpinfo.Snapshot) []tpinfo.Problem {
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
	silent := map[string]bool{}
	for _, h := range found {
		silent[h.Path] = true
	}
	for i := range snap.Events {
		for _, root := range tree.Roots() {
			delete(silent, filepath.Join(root.Dir, snap.Events[i].Header))
		}
	}
	for i := range snap.Events {
		e := &snap.Events[i]
		if i > 0 && e.FullName() == snap.Events[i-1].FullName() {
			problems = append(problems, tpinfo.Problem{
				Code: tpinfo.TypeConflict, Subject: e.FullName(),
				Message: fmt.Sprintf("defined by %s and by %s; the first is kept", snap.Events[i-1].Header, e.Header),
			})
		}
	}
	return problems
}
