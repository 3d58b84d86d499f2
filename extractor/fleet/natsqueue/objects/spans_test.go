package objects

import "testing"

// FuzzSpans holds that places are read as they are spelled, and are not more
// than an object can have.
func FuzzSpans(f *testing.F) {
	f.Add("12-51,60-60")
	f.Add("18446744073709551615-18446744073709551615")
	f.Fuzz(func(t *testing.T, text string) {
		spans, err := parseSpans(text)
		if err != nil {
			return
		}
		total := uint64(0)
		for _, s := range spans {
			total += s.last - s.first + 1
		}
		if total > MaxSize/chunk {
			t.Errorf("%d places", total)
		}
		back, err := parseSpans(spell(spans))
		if err != nil || len(back) != len(spans) {
			t.Errorf("%q, read again: %v", text, err)
		}
	})
}
