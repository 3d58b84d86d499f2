package diag

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestCarets(t *testing.T) {
	src := &Source{Name: "probe.stp", Text: "probe begin {\n\tx = ünder + 1\n}\n"}
	l := &List{Source: src}
	if err := l.Err(); err != nil {
		t.Fatalf("nothing is wrong: %v", err)
	}
	l.Add(Span{30, 31}, "", "expected the end")
	l.Add(Span{19, 25}, `did you mean "under"?`, "unknown name %q", "ünder")
	l.Add(Span{19, 25}, `did you mean "under"?`, "unknown name %q", "ünder")
	err := l.Err()
	want := `probe.stp:2:6: error: unknown name "ünder"
  2 | 	x = ünder + 1
    | 	    ^^^^^ did you mean "under"?
probe.stp:3:1: error: expected the end
  3 | }
    | ^`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var list *List
	if !errors.As(err, &list) || len(list.Errors) != 2 {
		t.Errorf("%d errors, want each once", len(list.Errors))
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	wantJSON := `[{"file":"probe.stp","line":2,"column":6,"width":5,"message":"unknown name \"ünder\"","hint":"did you mean \"under\"?","level":"error"},{"file":"probe.stp","line":3,"column":1,"width":1,"message":"expected the end","hint":"","level":"error"}]`
	if string(text) != wantJSON {
		t.Errorf("got  %s\nwant %s", text, wantJSON)
	}
}

// A place outside the text is no reason to panic.
func TestOddSpans(t *testing.T) {
	for _, src := range []*Source{{Name: "x"}, {Name: "x", Text: "\n"}, {Name: "x", Text: "ab"}} {
		for start := -1; start < 4; start++ {
			for end := -1; end < 4; end++ {
				l := &List{Source: src}
				l.Add(Span{max(start, 0), end}, "", "m")
				if l.Err().Error() == "" {
					t.Errorf("%q %d to %d: no text", src.Text, start, end)
				}
			}
		}
	}
}

// However much is wrong with however long a line, what is shown has bounds.
func TestBounds(t *testing.T) {
	l := &List{Source: &Source{Name: "t", Text: strings.Repeat("x", 10000)}}
	for i := range 1000 {
		l.Add(Span{10 * i, 10*i + 3}, "", "error %d", i)
	}
	text := l.Error()
	if len(text) > 300*maxShown*3 || !strings.HasSuffix(text, "\nt: 800 more errors") {
		t.Errorf("%d bytes, the end %q", len(text), text[len(text)-40:])
	}
	if want := "t:1:1991: error: error 199\n  1 | " + strings.Repeat("x", maxLine) + "\n    | " + strings.Repeat(" ", maxLine/2) + "^^^\n"; !strings.Contains(text, want) {
		t.Errorf("the last one shown is not\n%s", want)
	}
}
