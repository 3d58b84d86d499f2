package natsqueue

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
)

// Workers keep to the groups that are theirs, and away from those of others.
func TestChoose(t *testing.T) {
	t.Parallel()
	w := &Worker{name: "me", groups: map[string]bool{}}
	others := map[string]bool{"d": true}
	var asked []string
	claim := func(group string) bool { asked = append(asked, group); return !others[group] }
	for i, c := range []struct {
		groups string
		want   int
	}{
		{"aab", 0},
		{"bba", 2}, // a is there
		{"bcc", 0},
		{"cda", 2},
		{"ddb", 2},
		{"dcc", 1}, // d is another's
		{"ddd", 0}, // and has to be shared
	} {
		if got := w.best(strings.Split(c.groups, ""), claim); got != c.want {
			t.Errorf("%d: of %s the one at %d is taken, want %d", i, c.groups, got, c.want)
		}
	}
	if got := strings.Join(asked, ""); got != "abdc" {
		t.Errorf("asked for %s, want each once, abdc", got)
	}
	if got := w.best([]string{"d", ""}, claim); got != 1 {
		t.Errorf("what shares nothing was not taken: %d", got)
	}
}

// Tasks of three groups are on offer at a time.
func TestBraid(t *testing.T) {
	t.Parallel()
	for come, want := range map[string]string{
		"": "", "aaa": "aaa", "aabb": "abab", "aaabbcdd": "abcabdad", "aa..b": "a..ab", // a dot shares nothing
	} {
		var tasks []*entry
		for i, group := range strings.Split(come, "") {
			headers := []kpkg.Package{{Digest: fmt.Sprint(i)}}
			if group != "." {
				headers = append(headers, kpkg.Package{Digest: group})
			}
			tasks = append(tasks, &entry{id: group, offer: &offer{Task: fleet.Task{Set: kpkg.Set{Headers: headers}}}})
		}
		got := ""
		for _, e := range braid(tasks) {
			got += e.id
		}
		if got != want {
			t.Errorf("%s came, %s is offered, want %s", come, got, want)
		}
	}
}
