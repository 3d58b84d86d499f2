package check_test

import (
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check/checktest"
)

func TestFunctions(t *testing.T) {
	checktest.WantErrors(t, `function f(a) { return g(a) } function g(b) { return f(b) } probe begin { f(1) }`,
		"1:54: function f calls itself: f, which calls g, which calls f ~ functions are expanded where they are called: write a loop")
	checktest.WantErrors(t, `function f(n) { return f(n - 1) } probe begin { f(1) }`,
		"1:24: function f calls itself: f, which calls f ~ functions are expanded where they are called: write a loop")
	checktest.WantErrors(t, `function v() { print("x") } function f(a, a) { return 1 } function f(x, y) { }
probe begin { x = v(); if (0) strlne("x"); f(1); strlen(); println(v()) }`,
		"1:43: parameter a stands there twice", "1:59: function f with 2 parameters is declared in line 1 already",
		"2:19: this has no value", `2:31: there is no function strlne ~ did you mean "strlen"?`, "2:44: f takes 2 arguments, and 1 are here",
		"2:50: strlen takes 1 argument, and 0 are here", "2:68: this has no value")
	// By the number of parameters, as in SystemTap.
	checktest.WantLines(t, `function f() { return "none" } function f(a) { return a . "!" } probe begin { println(f(), f("x")) }`, "function f() string(8)", "function f(a:string(8)) string(16)", "print.0(f(), f(\"x\"))")
	// What nothing calls is not there; what ends without return is 0 or "".
	checktest.WantLines(t, `function unused(x) { return x->y } function f:string(a:long) { if (a) return "x" } probe begin { println(f(1)) }`, "function f(a:long) string(8)", `data 128, strings 128`)
	checktest.WantErrors(t, `function f() { next; break } probe begin { f(); return 1 }`,
		"1:16: next stands in a function, and ends probes ~ a function returns", "1:22: break stands outside of any loop", "1:49: return stands outside of any function ~ next ends a probe")
	// The script's own come before the prelude's, which stays as it is.
	checktest.WantLines(t, `function task_pid(x) { return 7 } probe kernel.trace("sched_switch") { println(task_pid(1), ppid()) }`,
		"function task_pid(x:long) long", "return(7)", "function ppid() long", "return(task_pid(task_parent(task_current())))", "function task_pid(task:long) long", "return(load(task + 132 s4))")
}
