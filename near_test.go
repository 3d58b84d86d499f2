package tpinfo

import (
	"slices"
	"strings"
	"testing"
)

// Names are alike when few letters differ, and a long one is no excuse.
func TestNear(t *testing.T) {
	long := strings.Repeat("abcd", 12)
	for _, test := range []struct {
		name  string
		names []string
		any   bool
		want  []string
	}{
		{"pid", []string{"tid", "comm", "pid_t", "pid"}, false, []string{"pid", "pid_t", "tid"}},
		{"pid", []string{"pid", "pid", "pid"}, false, []string{"pid"}},
		{"a", []string{"ab", "ba", "c"}, false, []string{"ab", "ba", "c"}},
		{long, []string{"x", "sched_switch", long + "e", long[1:]}, false, []string{long + "e", long[1:]}},
		{long, []string{"x"}, false, nil},
		{long, []string{"x"}, true, []string{"x"}},
		{"task", []string{"struct file", "struct mask", "struct tasks"}, false, []string{"struct mask", "struct tasks"}},
		{"n", []string{"n1", "n2", "n3", "n4", "n5", "n6"}, false, []string{"n1", "n2", "n3", "n4", "n5"}},
		{"", []string{"a"}, false, []string{"a"}},
		{"hrtimer_init", []string{"timer_init", "timer:hrtimer_cancel", "hrtimer_setup", "hrtick"}, false, []string{"timer_init", "hrtimer_setup", "timer:hrtimer_cancel"}},
		{"mm_page_freed", []string{"mm_vmscan_wakeup_kswapd"}, false, nil},
	} {
		if got := Near(test.name, test.names, 5, test.any); !slices.Equal(got, test.want) {
			t.Errorf("%q among %q: %q, want %q", test.name, test.names, got, test.want)
		}
	}
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"x", strings.Repeat("x", 20), 20}} {
		if ab, ba := distance(test.a, test.b), distance(test.b, test.a); ab != test.want || ba != test.want {
			t.Errorf("from %q to %q: %d, and back %d, want %d", test.a, test.b, ab, ba, test.want)
		}
	}
}
