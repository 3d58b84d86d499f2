package store

import (
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/cache/oci"
)

func TestChoose(t *testing.T) {
	all := []oci.Entry{
		{ID: "aaaa1111", Releases: []string{"6.1.0-55-amd64"}}, {ID: "aaab2222", Releases: []string{"6.1.0-56-amd64", "6.1.0-57-amd64"}},
		{ID: "cccc3333", Releases: []string{"5.10.0-46-amd64"}},
	}
	describe := func(e *oci.Entry) (string, []string) { return e.ID, e.Releases }
	for _, c := range []struct{ selectors, want, missing string }{
		{"", "aaaa1111 aaab2222 cccc3333", ""},
		{"6.1.0-57-amd64", "aaab2222", ""},
		{"5.10* 6.1.0-55-amd64 aaaa", "aaaa1111 cccc3333", ""},
		{"aaa", "", "aaa"}, // too short for an id
		{"*-amd64 7.*", "", "7.*"},
	} {
		got, missing, err := choose(strings.Fields(c.selectors), all, describe)
		var ids []string
		for _, e := range got {
			ids = append(ids, e.ID)
		}
		if err != nil || strings.Join(ids, " ") != c.want || (missing != nil) != (c.missing != "") || missing != nil && missing.selector != c.missing {
			t.Errorf("%q: %v, %+v, %v", c.selectors, ids, missing, err)
		}
	}
	if _, _, err := choose([]string{"6.[1"}, all, describe); err == nil || err.Error() != `-k "6.[1" is no glob: syntax error in pattern` {
		t.Errorf("%v", err)
	}
}
