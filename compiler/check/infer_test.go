package check_test

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

// All of the prelude can be compiled.
func TestPrelude(t *testing.T) {
	checktest.WantLines(t, checktest.On(`p = task_current(); println(ppid(), pexecname(), euid(), egid(), task_state(p), task_cpu(p), task_prio(p), task_nice(p), task_uid(p), task_gid(p), task_tid(p), task_execname(p), is_myproc(), task_start_time(p));
println(gettimeofday_us(), gettimeofday_ms(), gettimeofday_s(), ktime_get_us(), local_clock_ms(), cpu_clock_s(0), isdigit("1"));
println(user_char(p), user_short(p), user_ushort(p), user_int(p), user_long(p), user_ulong(p), user_int8(p), user_uint8(p), user_int16(p), user_uint16(p), user_int32(p), user_uint32(p), user_int64(p), user_uint64(p), user_string_nofault(p), user_string_n_nofault(p, 8));
ansi_clear_screen(); ansi_set_color(1); ansi_set_color2(1, 2); ansi_set_color3(1, 2, 3); ansi_reset_color(); ansi_new_line(); ansi_cursor_move(1, 2); ansi_cursor_hide(); ansi_cursor_save(); ansi_cursor_restore(); ansi_cursor_show()`),
		"function task_nice(task:long) long", "return(sub(load(task + 44 s4), 120))", "return(load(load(task + 144 u8) + 20 u4))", "fact struct thread_info.cpu at 12 size 4: u32")
	wholePrelude(t, checktest.New())
}
