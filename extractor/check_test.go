package extractor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// Of two events of one name the first is what there is, as the problem says.
func TestCheckKeepsTheFirst(t *testing.T) {
	event := func(name, header string) tpinfo.Tracepoint {
		return tpinfo.Tracepoint{System: "a", Name: name, Header: header}
	}
	snap := &tpinfo.Snapshot{Events: []tpinfo.Tracepoint{event("one", "1.h"), event("two", "1.h"), event("two", "2.h"), event("two", "3.h"), event("x", "2.h")}}
	var said []string
	for _, p := range check(&kbuild.Tree{}, nil, nil, snap) {
		said = append(said, p.Subject+": "+p.Message)
	}
	want := []string{"a:two: defined by 1.h and by 2.h; the first is kept", "a:two: defined by 1.h and by 3.h; the first is kept"}
	if d := cmp.Diff(want, said); d != "" {
		t.Error(d)
	}
	var left []string
	for i := range snap.Events {
		left = append(left, snap.Events[i].Name+" "+snap.Events[i].Header)
	}
	if d := cmp.Diff([]string{"one 1.h", "two 1.h", "x 2.h"}, left); d != "" {
		t.Error(d)
	}
}
