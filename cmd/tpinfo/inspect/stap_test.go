package inspect

import "testing"

// Types are spelled as SystemTap spells them.
func TestStapType(t *testing.T) {
	for _, test := range []struct{ c, stap string }{
		{"int", "int"},
		{"unsigned long", "long unsigned int"},
		{"unsigned long long", "long long unsigned int"},
		{"struct page *", "struct page*"},
		{"const char *", "char const*"},
		{"const struct itimerspec64 *const", "struct itimerspec64 const* const"},
		{"const volatile void *", "void volatile const*"},
		{"int (*)(unsigned int, struct hlist_node *)", "int (*) (unsigned int, struct hlist_node*)"},
		{"u64", "u64"},
	} {
		if got := stapType(test.c); got != test.stap {
			t.Errorf("%s: %s, want %s", test.c, got, test.stap)
		}
	}
}
