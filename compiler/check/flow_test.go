package check_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/check/checktest"
	"github.com/tpinfo/tpinfo/compiler/diag"
)

func TestLoops(t *testing.T) {
	checktest.WantLines(t, `global a
probe begin { for (i = 0; i < 10; i++) { if (i == 3) continue; println(i) } while (1) break; for (;;) break; while (0) { println("never") } a["x", 1]++
foreach ([k, n-] in a limit 5) println(k, n); foreach (v = [k+, n] in a[*, 1]) println(v); foreach ([k, n] in a-) println(k) }`,
		"loop while lt(i, 10) step old update.add(i, 1)", "loop while - step -", "loop while - step -",
		"foreach [k, n] in @a sort 2 down limit 5", "foreach v = [k, n] in @a[*, 1] sort 1", "foreach [k, n] in @a sort 0 down")
	checktest.WantLines(t, `global a, k probe begin { a[1] <<< 2; foreach (k in a @sum-) println(k, @avg(a[k])); foreach (k in a-) print(k) }`,
		"global a[long] stats max 2048 count sum", "foreach [.1] in @a sort 0 by sum down", "set(@k, .1)", "print.0(@k, avg(@a[@k]))", "foreach [.2] in @a sort 0 down")
	checktest.WantErrors(t, `global a probe begin { a[1] <<< 2; foreach (v = [k] in a) println(k); foreach ([i, j] in a) println(i); foreach (k in a @median+) print(1); foreach (k in b) print(1); break; for (;;print(1)) break; foreach (k in a @sum) print(1) }`,
		`1:45: an aggregate cannot be the value's variable ~ leave it away, and write @count(a[…]) in the body`, "1:90: a has 2 keys here and 1 in line 1",
		"1:119: elements are not sorted by @median", `1:155: b is not an array ~ arrays are globals: declare it with "global b"`, "1:168: break stands outside of any loop",
		"1:213: @sum says what is sorted by, and not in which direction ~ write + or - behind @sum")
}

func TestAssignments(t *testing.T) {
	checktest.WantLines(t, `global g, a, t probe begin { g += 2; g <<= 1; g++; --g; x = g = 3; y = "q"; y .= "a" . "b"; a[pid(), y] -= x; t[1] .= y; t[strlen(y)] .= "z"; println(y) }`,
		"local .1:long", "update.add(@g, 2)", "update.shl(@g, 1)", "old update.add(@g, 1)", "update.sub(@g, 1)", "set(x, set(@g, 3))", `set(y, concat(y, "ab"))`,
		"update.sub(@a[pid(), y], x)", "set(@t[1], concat(@t[1], y))", `choose(oror(set(.1, strlen(y)), 1), set(@t[.1], concat(@t[.1], "z")), "")`)
	checktest.WantErrors(t, `global s probe begin { s <<< 1; s = 2; s++; println(s); x = (s <<< 2); x <<< 1; y = s + 1 }`,
		"1:33: s is an aggregate since line 1 ~ add to it with <<<", "1:40: an aggregate is no value ~ read it with @count, @sum, @min, @max, @avg",
		"1:53: an aggregate is no value ~ read it with @count, @sum, @min, @max, @avg", "1:62: <<< has no value ~ make it a statement of its own",
		`1:72: x is not a global: aggregates are ~ declare it with "global x"`, "1:85: an aggregate is no value ~ read it with @count, @sum, @min, @max, @avg")
}

func TestErrorsAndEnds(t *testing.T) {
	checktest.WantLines(t, `global m probe begin { try { error("x") } catch (e) { println(e) } try { abort() } catch { } try { assert(pid() > 1, "p") } catch (m) { exit() } delete m; x = 5; delete x; println(x) }`,
		`fail.0("x")`, "catch e", "print.1(e)", "exit", "next", "if not(gt(pid(), 1))", `fail.2("p")`, "catch .1", "set(@m, .1)", "exit", "delete @m", "set(x, 0)")
	checktest.WantErrors(t, `probe begin { error(1); exit(2); delete 3 }`, "1:21: a string is needed here, and this is a long ~ sprint(…) makes a string",
		"1:25: exit takes 0 arguments, and 1 are here", "1:41: delete takes an element, an array or a variable")
}

func TestAggregates(t *testing.T) {
	checktest.WantLines(t, `global s, a, n probe begin { s <<< 1; a[1] <<< 2; n <<< 3; println(@count(s), @min(s), @max(a[1]), @variance(n)); print(@hist_log(s)); println(@hist_linear(a[1], 0, 100, 10)) }`,
		"global s stats count min log", "global a[long] stats max 2048 count max linear(0, 100, 10)", "global n stats count sum variance",
		"print.0(count(@s), min(@s), max(@a[1]), variance(@n))", "histogram.1(@s)", "histogram.2(@a[1])", "print.3()", "site 1 hist log ()", "site 2 hist linear ()")
	checktest.WantErrors(t, `global s, t probe begin { s <<< 1; print(@hist_linear(s, 0, 10, 1)); print(@hist_linear(s, 0, 20, 1)); print(@hist_linear(s, 5, 1, 1)); print(@hist_linear(s)); print(@hist_log(s), 1);
t <<< 1; print(@hist_linear(t, 0, 100000, 1)); println(@variance(s, 2), @sum(3), @max(s, s)) }`,
		"1:76: s has other buckets in line 1: from 0 to 10 by 1", "1:110: the stop is above the start, and the width above 0", "1:143: @hist_linear takes an aggregate, start, stop and width ~ as in @hist_linear(x, 0, 100, 10)",
		"1:167: a histogram can only be printed, alone ~ as in print(@hist_log(x))", "2:16: 100000 buckets: an aggregate has at most 4096 ~ take a larger width",
		"2:78: an aggregate is a global or an element of an array", "2:82: @max takes an aggregate ~ as in @max(x)")
}

func TestPatterns(t *testing.T) {
	checktest.WantLines(t, `probe begin { if (execname() =~ "^a+[0-9]" && execname() !~ "z$") print(1) }`, `if andand(match(execname(), "^a+[0-9]"), not(match(execname(), "z$")))`)
	checktest.WantErrors(t, `probe begin { x = execname() =~ execname(); y = "a" =~ "(" }`, "1:33: the pattern of =~ is a literal string",
		"1:56: error parsing regexp: missing closing ): `(` ~ patterns are POSIX extended regular expressions")
}

func TestMembership(t *testing.T) {
	checktest.WantLines(t, `global a, b probe begin { a[1, "x"] = 1; b[2] = 3; if ([1, "x"] in a && !(2 in b)) print(1) }`, `if andand([1, "x"] in @a, not([2] in @b))`)
	checktest.WantErrors(t, `global a probe begin { a[1] = 2; if ("x" in a) print(1); if ([1, 2] in a) print(2); if (1 in z) print(3) }`,
		"1:38: key 1 of a is a string here and a long in line 1", "1:62: a has 2 keys here and 1 in line 1", `1:89: z is not an array ~ arrays are globals: declare it with "global z"`)
}

// A chain of operators nests as deep as it is long; an object's readers have a
// limit, and it is told here.
func TestDeep(t *testing.T) {
	for script, column := range map[string]int{
		"probe begin { println(%s) }":                               23,
		"function f(x) { return x } probe begin { println(f(%s)) }": 50,
		"global a probe begin { a[%s] = 1 }":                        24,
		"function f() { return %s } probe begin { println(f()) }":   23,
	} {
		for _, operator := range []string{" + ", " && "} {
			check := func(n int) error {
				_, err := checktest.Check(checktest.New(), fmt.Sprintf(script, "cpu()"+strings.Repeat(operator+"cpu()", n)), check.Options{})
				return err
			}
			if err := check(3900); err != nil {
				t.Errorf("%s: %.200v", script, err)
			}
			var list *diag.List
			if err := check(5000); !errors.As(err, &list) || len(list.Errors) != 1 || list.Errors[0].Span.Start != column-1 ||
				list.Errors[0].Message != "more than 4000 operators, each of what the one before gives" {
				t.Errorf("%s: %.200v", script, err)
			}
		}
	}
}
