package syntax

import (
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/diag"
)

// Every name of a script is met, in the order that it stands there.
func TestWalk(t *testing.T) {
	const text = `probe begin {
  if (a) b++; else { c = d . e }
  for (f = 0; g < h; i++) while (j) k <<< l
  foreach ([x] in m limit n) o[p, q] = r in s ? -t : u(v)
  try { delete w } catch { y(@count(z)) }
}`
	f, err := Parse(&diag.Source{Text: text}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	Walk(f.Probes[0].Body, func(x Expr) {
		if n, ok := x.(*Name); ok {
			names = append(names, n.Text)
		}
	})
	if want := "a b c d e f g h i j k l m n o p q r s t v w z"; !slices.Equal(names, strings.Fields(want)) {
		t.Errorf("%q, want %s", names, want)
	}
}

func TestReturnsValue(t *testing.T) {
	for body, want := range map[string]bool{
		"{ }": false, "{ return }": false, "{ return 1 }": true, "{ if (a) return; else return 1 }": true, "{ while (1) { return 2 } }": true,
		"{ try { f() } catch { return 3 } }": true, "{ foreach (k in a) return k }": true, "{ x = 1; if (x) { return } }": false,
	} {
		f, err := Parse(&diag.Source{Text: "function f() " + body}, Options{})
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if got := ReturnsValue(f.Functions[0].Body); got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
}
