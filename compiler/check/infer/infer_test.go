package infer_test

import (
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check/checktest"
)

func TestTypes(t *testing.T) {
	checktest.WantLines(t, `global g, h, a, s
function f(x, y) { return x . y }
function twice(n) { return n + n }
probe begin { l = a[1, "k"]; g = f("a", l); h = twice(h); a[1, "k"] = "v"; s <<< h; println(g, l, @count(s)) }`,
		"global a[long, string(8)] string(8) max 2048", "function f(x:string(8), y:string(8)) string(16)", "function twice(n:long) long", "local l:string(8)")
	// A name is typed by a use that comes later, in another probe.
	checktest.WantLines(t, `global g probe begin { x = g; println(x) } probe end { g = "text" }`, "global g string(8) at 128", `site 0 %s "\n" (string(8))`)
	checktest.WantErrors(t, `probe begin { x = "a"; x = 1; z++; y = z . "d"; println(x, y) }`,
		"1:28: x is a long here and a string in line 1", "1:40: a string is needed here, and z is a long since line 1")
	checktest.WantErrors(t, `global a
probe begin { a[1] = 2;
a[1, 2] = 3
println(a)
a["x"] = 4 b[1] = 2 }`,
		"3:1: a has 2 keys here and 1 in line 2", "4:9: a is used without keys here and is an array in line 2 ~ an element needs its keys, as in a[1]",
		"5:3: key 1 of a is a string here and a long in line 2", `5:12: there is no array b ~ did you mean "a"?`)
	checktest.WantErrors(t, `global c = 1, n[5] = 2 global c probe begin { c[1]++; n = 3 }`,
		"1:1: array n cannot start with a value ~ fill it in a begin probe", "1:24: global c is declared in line 1 already", "1:47: c is used as an array here and without keys in line 1")
	checktest.WantErrors(t, `global a probe begin { a[1,2,3,4,5,6,7,8,9,10] = 1 }`, "1:24: 10 keys: an array has at most 9")
}

// Nothing is known of a name that nothing is assigned to.
func TestNeverAssigned(t *testing.T) {
	checktest.WantErrors(t, `global cnt probe begin { println(cn); println(cnt); a = 1; println(a, b) }`,
		`1:34: nothing gives cn a value ~ did you mean "cnt"?`, "1:47: nothing gives cnt a value", `1:71: nothing gives b a value ~ did you mean "a"?`)
	checktest.WantLines(t, `probe begin { println(x + 1) }`, "local x:long")
}

func TestFold(t *testing.T) {
	checktest.WantLines(t, `global g probe begin { g = 2 * 3 + 4 - -1; g = 7 / -2; g = -7 % 4; g = 1 << 65; g = "a" == "b" || "a" < "b"; g = !5 ? 1 : ~0; if (1 && 0) g = 1; else g = 2; g = 1 / 0; g = g && 0; g = 0 || (g == 1); t = "a" . "b" . "c"; println(t) }`,
		"set(@g, 11)", "set(@g, -3)", "set(@g, -3)", "set(@g, 2)", "set(@g, 1)", "set(@g, -1)", "set(@g, 2)", "set(@g, div(1, 0))", "set(@g, andand(@g, 0))", "set(@g, eq(@g, 1))", `set(t, "abc")`)
	// What is behind the end of a handler is not part of it.
	checktest.WantLines(t, checktest.On(`next; println($nothing)`), "next", "data 128, strings 128")
}
