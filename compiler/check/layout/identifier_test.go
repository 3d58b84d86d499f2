package layout

import "testing"

func TestIdentifier(t *testing.T) {
	for name, want := range map[string]string{"9-a.b": "__a_b", "": "_", "a9": "a9"} {
		if got := identifier(name); got != want {
			t.Errorf("identifier(%q): %q, want %q", name, got, want)
		}
	}
}
