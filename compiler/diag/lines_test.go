package diag

import (
	"strings"
	"testing"
	"time"
)

// Lines and Source say the same of every offset, and of those outside.
func TestLines(t *testing.T) {
	for _, text := range []string{"", "\n", "a", "one\ntwo\n\nvier ä ö\nfünf", "\n\n\n",
		"\ufeff", "\ufeffone\n\ufefftwo",
		strings.Repeat("a", 511) + "ö" + strings.Repeat("日本", 400) + "\n" + strings.Repeat("x\xffé", 700) + "\n\xff",
	} {
		src, lines := &Source{Text: text}, NewLines(text)
		for offset := -1; offset <= len(text)+1; offset++ {
			line, column := src.Place(offset)
			if gotLine, gotColumn := lines.Place(offset); gotLine != line || gotColumn != column {
				t.Errorf("%q at %d: %d:%d, want %d:%d", text, offset, gotLine, gotColumn, line, column)
			}
		}
	}
}

// Places in one long line are found without reading it from its start.
func TestLongLine(t *testing.T) {
	text := strings.Repeat("x + ä + ", 1<<17)
	lines, begin := NewLines(text), time.Now()
	for offset := 0; offset < len(text); offset += 9 {
		if line, column := lines.Place(offset); line != 1 || column != offset/9*8+1 {
			t.Fatalf("%d: %d:%d", offset, line, column)
		}
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestDidYouMean(t *testing.T) {
	many := []string{"a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "b0", "b1"}
	for _, c := range []struct {
		name  string
		names []string
		want  string
	}{
		{"piid", []string{"pid", "tgid", "stack"}, `did you mean "pid"?`},
		{"nothing_like_it", many, "there are a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 and 2 more"},
		{"nothing_like_it", many[:2], "there are a0, a1"},
		{"x", nil, ""},
	} {
		if got := DidYouMeanOf(c.name, c.names); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := DidYouMean("nothing_like_it", many); got != "" {
		t.Errorf("nothing near: %q", got)
	}
}
