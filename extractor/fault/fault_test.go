package fault

import (
	"errors"
	"regexp"
	"testing"

	"golang.org/x/sync/errgroup"
)

func TestCatch(t *testing.T) {
	var list []int
	ordinary := errors.New("ordinary")
	for _, test := range []struct {
		name string
		do   func() error
		want string
	}{
		{"nothing", func() error { return nil }, `^$`},
		{"an error", func() error { return ordinary }, `^ordinary$`},
		{"the runtime's", func() error { list[3] = 1; return nil },
			`^tpinfo itself failed: runtime error: index out of range \[3\] with length 0 at fault/fault_test\.go:\d+$`},
		{"our own", func() error { panic("odd") }, `^tpinfo itself failed: odd at fault/fault_test\.go:\d+$`},
		{"after an error", func() error { defer panic("later"); return ordinary }, `^tpinfo itself failed: later at fault/fault_test\.go:\d+$`},
	} {
		var g errgroup.Group
		g.Go(func() (err error) {
			defer Catch(&err)
			return test.do()
		})
		got := ""
		if err := g.Wait(); err != nil {
			got = err.Error()
		}
		if !regexp.MustCompile(test.want).MatchString(got) {
			t.Errorf("%s: %q, want %s", test.name, got, test.want)
		}
	}
}
