package check

import (
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

func TestSizes(t *testing.T) {
	wantLines(t, `global byname, text, long, k
function cut(s) { return substr(s, 0, 3) }
`+on(`byname[execname(), kernel_string($prev->comm), "key of nine"]++; text = "seven77"; text = "eight888"; long = long . text; k = kernel_string_n($prev->name, 5); c = cut("a text that is long"); println(c)`)+`
probe end { foreach ([a, b, c] in byname) println(a, b); x = text; println(x, long) }`,
		"global byname[string(16), string(24), string(16)] long max 2048", "global text string(16) at 128", "global long string(128) at 144", "global k string(8) at 272",
		"function cut(s:string(24)) string(8)", "local a:string(16)", "local b:string(24)", "local x:string(16)", "data 280, strings 128")
}

func TestStringSize(t *testing.T) {
	for asked, want := range map[int]int{0: 128, 16: 16, 200: 200, 201: 208, 4096: 4096} {
		p, err := check(newTiny(), `global g probe begin { g = sprint(pid()) . "x" }`, Options{StringSize: asked})
		if err != nil {
			t.Fatal(err)
		}
		if p.StringSize != want || p.Globals[0].Size != want {
			t.Errorf("asked for %d: %d, global %d", asked, p.StringSize, p.Globals[0].Size)
		}
	}
	for opt, want := range map[Options]string{
		{StringSize: 15}:        "a string size of 15: it is 16 to 4096 bytes",
		{StringSize: 1 << 20}:   "a string size of 1048576: it is 16 to 4096 bytes",
		{MapEntries: -1}:        "-1 map entries: an array has 1 to 268435456 elements",
		{MapEntries: 1<<28 + 1}: "268435457 map entries: an array has 1 to 268435456 elements",
	} {
		if _, err := check(newTiny(), `probe begin { }`, opt); err == nil || err.Error() != want {
			t.Errorf("%+v: %v, want %s", opt, err, want)
		}
	}
	p, err := check(newTiny(), `global a, b[7], c%[9], d% probe begin { a[1]++; b[1]++; c[1]++; d[1]++ }`, Options{MapEntries: 50})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{50, 7, 9, 50} {
		if g := p.Globals[i]; g.Max != want || g.Wraps != (i > 1) {
			t.Errorf("%s has %d elements, wraps %v", g.Name, g.Max, g.Wraps)
		}
	}
}

// Text is cut where a string ends, in the program too.
func TestLongLiterals(t *testing.T) {
	p, err := check(newTiny(), `probe begin { x = "`+strings.Repeat("a", 300)+`" . "b"; y = "`+strings.Repeat("c", 300)+`"; println(x, y) }`, Options{StringSize: 64})
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
	wantLines(t, `global a, b = "some text", c, unused, d[3] probe begin { a = 1; c = 2; println(b, a, c); d[1] = 2 }`,
		"global a long at 128", "global c long at 136", `global b string(16) at 144 = "some text"`, "global d[long] long max 3", "data 160, strings 128")
}
