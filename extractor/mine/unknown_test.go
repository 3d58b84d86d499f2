package mine

import "testing"

// The length of an array that a private header defines is left out where a
// pointer to one is spelled.
func TestWithoutLength(t *testing.T) {
	for spelling, want := range map[string]string{
		"struct f2fs_iostat_latency (*)[1048579]": "struct f2fs_iostat_latency (*)[]",
		"char (*)[2][1048579]":                    "char (*)[2][]",
		"int (*(*)[1048579])[3]":                  "int (*(*)[])[3]",
		"char (*)[16]":                            "",
		"char *":                                  "",
	} {
		if got, ok := withoutLength(spelling); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", spelling, got, ok, want)
		}
	}
}
