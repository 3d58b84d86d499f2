package layout_test

import (
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/check/checktest"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

func TestSizes(t *testing.T) {
	checktest.WantLines(t, `global byname, text, long, k
function cut(s) { return substr(s, 0, 3) }
`+checktest.On(`byname[execname(), kernel_string($prev->comm), "key of nine"]++; text = "seven77"; text = "eight888"; long = long . text; k = kernel_string_n($prev->name, 5); c = cut("a text that is long"); println(c)`)+`
probe end { foreach ([a, b, c] in byname) println(a, b); x = text; println(x, long) }`,
		"global byname[string(16), string(24), string(16)] long max 2048", "global text string(16) at 128", "global long string(128) at 144", "global k string(8) at 272",
		"function cut(s:string(24)) string(8)", "local a:string(16)", "local b:string(24)", "local x:string(16)", "data 280, strings 128")
}

// Text is cut where a string ends, in the program too.
func TestLongLiterals(t *testing.T) {
	p, err := checktest.Check(checktest.New(), `probe begin { x = "`+strings.Repeat("a", 300)+`" . "b"; y = "`+strings.Repeat("c", 300)+`"; println(x, y) }`, check.Options{StringSize: 64})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if text := p.Probes[0].Body.Args[i].Args[0].Args[1]; text.Op != ir.Text || len(text.Str) != 63 || text.Size != 64 {
			t.Errorf("%d bytes, size %d", len(text.Str), text.Size)
		}
	}
}

func TestLayout(t *testing.T) {
	checktest.WantLines(t, `global a, b = "some text", c, unused, d[3] probe begin { a = 1; c = 2; println(b, a, c); d[1] = 2 }`,
		"global a long at 128", "global c long at 136", `global b string(16) at 144 = "some text"`, "global d[long] long max 3", "data 160, strings 128")
}
