package infer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// What only changes its own value is not read; where something takes the value,
// it is.
func TestUnread(t *testing.T) {
	for body, want := range map[string]string{
		`a = 1; b++; c <<< 2; d[a] = 3`:               "b c d",
		`a = b = 1; print(c++); d += 1`:               "a b d",
		`a[1] = 1; foreach (k in a) b = k`:            "b",
		`foreach (b in a) c = b`:                      "c",
		`delete a; delete b[c]; d = "x"; d .= "y"`:    "a b d",
		`try { a = 1 } catch (b) { print(b) }`:        "a",
		`for (a = 0; a < 3; a++) b = a; if (c) d++`:   "b d",
		`a = $x[b]; c = @count(d); d <<< 1`:           "a c",
		`f(1); c = 1`:                                 "a c",
		`b = 1; return b`:                             "",
		`print(a in c); c[1] = 2; b[@defined(a)] = 1`: "b",
	} {
		text := "global a, b, c, d\nfunction f(b) { a = 1; b = 2 }\nprobe begin { " + body + " }"
		if !strings.Contains(body, "f(1)") {
			text = strings.Replace(text, "a = 1; b = 2", "b = 2", 1)
		}
		src := &diag.Source{Text: text}
		f, err := syntax.Parse(src, syntax.Options{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		s := infer.NewScript(src, &diag.List{}, 128, 2048)
		s.DeclareGlobals(f)
		var got []string
		for _, v := range s.Unread(f, []*syntax.Block{f.Probes[0].Body}) {
			got = append(got, v.Name)
		}
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: %q, want %s", body, got, want)
		}
	}
}
