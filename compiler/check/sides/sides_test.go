package sides_test

import (
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/check/checktest"
)

const (
	kernelRule = "do it in a timer or end probe, which run in user space"
	userRule   = "do it in a kernel.trace probe, and keep what it found in a global"
)

func TestSides(t *testing.T) {
	checktest.WantErrors(t, `global a, s `+checktest.On(`foreach (k in a) print(k); a[1] = 2; delete a; ttttt = ctime(3) ; print(@hist_log(s)); s <<< 1; u()`)+`
function u() { foreach (k in a) print(k) }
function current() { return task_current() }
probe timer.s(1) { println(current(), @cast(1, "task_struct")->pid, kernel_string(5), ppid(), user_int(3)); print_backtrace(); u() }`,
		`1:50: foreach cannot be done here: probe kernel.trace("sched:sched_switch") runs in the kernel ~ `+kernelRule,
		`1:87: delete of a whole array cannot be done here: probe kernel.trace("sched:sched_switch") runs in the kernel ~ `+kernelRule,
		`1:105: ctime() cannot be done here: probe kernel.trace("sched:sched_switch") runs in the kernel ~ `+kernelRule,
		`1:122: print of a histogram cannot be done here: probe kernel.trace("sched:sched_switch") runs in the kernel ~ `+kernelRule,
		`2:16: foreach cannot be done here: probe kernel.trace("sched:sched_switch") runs in the kernel and calls function u ~ `+kernelRule,
		"3:29: task_current() cannot be done here: probe timer.s(1) runs in user space and calls function current ~ "+userRule,
		`4:39: @cast(1, "task_struct")->pid, a read of memory, cannot be done here: probe timer.s(1) runs in user space ~ `+userRule,
		"4:69: kernel_string(5), a read of memory, cannot be done here: probe timer.s(1) runs in user space ~ "+userRule,
		"4:87: ppid() cannot be done here: probe timer.s(1) runs in user space ~ "+userRule,
		"4:95: user_int() cannot be done here: probe timer.s(1) runs in user space ~ "+userRule,
		"4:109: a backtrace cannot be done here: probe timer.s(1) runs in user space ~ "+userRule)
}

// A function of the prelude is told where the wrong probe calls it, though
// another may.
func TestSidesOfPrelude(t *testing.T) {
	checktest.WantErrors(t, checktest.On(`println(ppid())`)+` probe end { println(ppid()) }`, "1:76: ppid() cannot be done here: probe end runs in user space ~ "+userRule)
}

func TestSystem(t *testing.T) {
	const script = `probe begin { system("true") }`
	checktest.WantErrors(t, script, "1:15: system() runs commands as root ~ --allow-system allows it")
	if _, err := checktest.Check(checktest.New(), script, check.Options{AllowSystem: true}); err != nil {
		t.Error(err)
	}
}
