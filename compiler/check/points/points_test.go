package points_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/check/checktest"
)

func TestSessionPoints(t *testing.T) {
	checktest.WantLines(t, `probe begin, begin(-5), end(2), error(-1), init, oneshot { print("x") }`,
		`probe begin begin`, `probe begin begin(-5) priority -5`, `probe end end(2) priority 2`, `probe error error(-1) priority -1`,
		`probe begin init priority -9223372036854775808`, `probe begin oneshot`, `print.5()`, `exit`)
	checktest.WantLines(t, `probe never { println($x) }`, "data 128, strings 128")
	checktest.WantErrors(t, `probe begin("x") {} probe init(3) {} probe end.x {}`,
		`1:7: begin("x"): a priority is a number, of begin, end and error ~ as in begin(-5)`,
		`1:27: init(3): a priority is a number, of begin, end and error ~ as in begin(-5)`,
		`1:44: end.x: nothing stands behind end`)
}

func TestTimers(t *testing.T) {
	checktest.WantLines(t, `probe timer.s(2), timer.sec(1), timer.ms(3), timer.msec(4), timer.us(5), timer.usec(6), timer.ns(7), timer.nsec(8), timer.jiffies(2), timer.hz(3), timer.ms(100).randomize(10) { print(1) }`,
		"probe timer timer.s(2) every 2000000000", "probe timer timer.sec(1) every 1000000000", "probe timer timer.ms(3) every 3000000",
		"probe timer timer.msec(4) every 4000000", "probe timer timer.us(5) every 5000", "probe timer timer.usec(6) every 6000",
		"probe timer timer.ns(7) every 7", "probe timer timer.nsec(8) every 8", "probe timer timer.jiffies(2) every 8000000",
		"probe timer timer.hz(3) every 333333333", "probe timer timer.ms(100).randomize(10) every 90000000 random 20000000")
	const form = " ~ as in timer.s(1), timer.ms(100).randomize(10), timer.hz(5) or timer.profile"
	checktest.WantErrors(t, `probe timer.s(0), timer.sek(1), timer.s("x"), timer.s(1).randomize(2), timer.hz(1).randomize(0), timer, timer.profile(1), timer.s(9223372036854775807) {}`,
		"1:7: timer.s(0): it takes a positive number"+form,
		`1:19: timer.sek(1): there is no such timer ~ did you mean "sec"?`,
		`1:33: timer.s("x"): it takes a positive number`+form,
		"1:47: timer.s(1).randomize(2): randomize takes a number up to the interval, and nothing stands behind it"+form,
		"1:72: timer.hz(1).randomize(0): randomize takes a number up to the interval, and nothing stands behind it"+form,
		"1:98: timer: which timer is missing"+form,
		"1:105: timer.profile(1): nothing stands behind profile"+form,
		"1:123: timer.s(9223372036854775807): it takes a positive number"+form)
}

func TestPerf(t *testing.T) {
	checktest.WantLines(t, `probe timer.profile, perf.type(0).config(1), perf.type(0).config(1).sample(99), perf.type(1).config(0).hz(49) { print(1) }`,
		"probe perf_event timer.profile type 1 config 0 frequency 1000 program profile",
		"probe perf_event perf.type(0).config(1) type 0 config 1 period 1000000 program perf",
		"probe perf_event perf.type(0).config(1).sample(99) type 0 config 1 period 99 program perf_2",
		"probe perf_event perf.type(1).config(0).hz(49) type 1 config 0 frequency 49 program perf_3")
	const form = " ~ as in perf.type(0).config(1).sample(1000000) or perf.type(1).config(0).hz(99)"
	checktest.WantErrors(t, `probe perf.type(0), perf.type(0).config(1).often(3), perf.type(0).config(1).hz(0) {}`,
		"1:7: perf.type(0): there is no such perf probe"+form,
		"1:21: perf.type(0).config(1).often(3): there are sample and hz, and no often"+form,
		"1:54: perf.type(0).config(1).hz(0): hz takes a number"+form)
}

func TestTracePoints(t *testing.T) {
	checktest.WantLines(t, `probe kernel.trace("sched:sched_p*"), kernel.trace("sched_switch"), kernel.trace("sched_switch").record { println(pp(), "|", $$name) }`,
		"probe raw_tracepoint kernel.trace(\"sched:sched_process_exec\") sched:sched_process_exec program sched_process_e optional",
		"probe raw_tracepoint kernel.trace(\"sched:sched_switch\") sched:sched_switch program sched_switch",
		"probe tracepoint kernel.trace(\"sched:sched_switch\").record sched:sched_switch program sched_switch_2",
		`site 0 "kernel.trace(\"sched:sched_process_exec\")|sched_process_exec\n" ()`)
	// An event whose system nobody knows is found by its name alone.
	checktest.WantLines(t, `probe kernel.trace("sys:orphan") { println($x) }`, `probe raw_tracepoint kernel.trace("orphan") :orphan program orphan`, "print.0(arg(0 s4))")
	// Points that need not be, and the first that is.
	checktest.WantLines(t, `probe kernel.trace("nope")?, foo?, kernel.trace("nope")!, kernel.trace("sched_switch")!, kernel.trace("sys_enter") { print(1) }`,
		`probe raw_tracepoint kernel.trace("sched:sched_switch") sched:sched_switch program sched_switch optional`, `site 0 "1" ()`, "data 128, strings 128")
	checktest.WantErrors(t, `probe kernel.trace("sched_swich"), kernal.trace("x"), kernel.trace("sched["), kernel.function("f"), kernel.trace(1), kernel.trace("sys_enter").call {}`,
		`1:7: kernel 6.1.0-tiny has no event "sched_swich" ~ did you mean "sched_switch"?`,
		`1:36: there is no probe point kernal.trace("x") ~ did you mean "kernel"?`,
		`1:55: kernel 6.1.0-tiny has no event "sched["`,
		`1:79: kernel.function("f"): only tracepoints are probed, not kernel.function("f") ~ as in kernel.trace("sched:sched_switch"); tpinfo list shows the events`,
		`1:101: kernel.trace(1): it takes an event's name ~ as in kernel.trace("sched:sched_switch"); tpinfo list shows the events`,
		`1:118: kernel.trace("sys_enter").call: only .record may stand behind it ~ as in kernel.trace("sched:sched_switch"); tpinfo list shows the events`)
	checktest.WantErrors(t, `probe kernel.trace("nope")? {}`, `1:1: the script has no probe that matches anything ~ add one, as in probe kernel.trace("sched:sched_switch") { … }`)
}

func TestAliases(t *testing.T) {
	checktest.WantLines(t, `probe x = kernel.trace("sched_switch") { p = $prev->pid } probe y = x { q = p } probe y { println(q, pn()) }`,
		"set(p, load(arg(8 u8) + 128 s4))", "set(q, p)", "print.0(q)", `site 0 %d "y\n" (long)`)
	checktest.WantLines(t, `probe z += begin { println("last") } probe z { println("first") }`, `site 0 "first\n" ()`, `site 1 "last\n" ()`)
	checktest.WantLines(t, `probe a.one = begin { print("1") } probe a.two = end { print("2") } probe a.* { print("x") }`,
		"probe begin begin", "probe end end", `site 0 "1" ()`, `site 1 "x" ()`, `site 2 "2" ()`)
	checktest.WantErrors(t, `probe a = b { } probe b = a { } probe a { }`, "1:27: alias a is made of itself")
}

// What keeps the metadata from answering is told as it is.
func TestMetadataFails(t *testing.T) {
	k := checktest.New()
	k.Broken = errors.New("the cache is locked")
	if _, err := checktest.Check(k, `probe kernel.trace("sched_switch") { }`, check.Options{}); !errors.Is(err, k.Broken) {
		t.Errorf("%v", err)
	}
}

type two struct{}

func (two) Error() string     { return "ambiguous" }
func (two) Choices() []string { return []string{"mmc:request", "nbd:request"} }

func TestAmbiguous(t *testing.T) {
	k := checktest.New()
	k.Broken = two{}
	_, err := checktest.Check(k, `probe kernel.trace("request") { }`, check.Options{})
	if err == nil || !strings.Contains(err.Error(), "t.stp:1:7: error: several events have this name") || !strings.Contains(err.Error(), "write one of mmc:request, nbd:request") {
		t.Errorf("%v", err)
	}
}

// An event that the configuration leaves out is not probed: not by its name,
// and no glob finds it.
func TestNotBuilt(t *testing.T) {
	checktest.WantErrors(t, `probe kernel.trace("sched:sched_off") { println($x) }`, `1:7: kernel 6.1.0-tiny has no event "sched:sched_off": not built: CONFIG_OFF is not set`)
	checktest.WantErrors(t, `probe kernel.trace("*_off") { }`, `1:7: kernel 6.1.0-tiny has no event "*_off": not built: CONFIG_OFF is not set`)
	checktest.WantErrors(t, `probe kernel.trace("sched_off")? { } probe kernel.trace("sched_of*"), begin { }`, `1:44: kernel 6.1.0-tiny has no event "sched_of*": not built: CONFIG_OFF is not set`)
	checktest.WantLines(t, `probe kernel.trace("sched_b*"), kernel.trace("*_off")? { println(1) }`, `probe raw_tracepoint kernel.trace("sched:sched_bare") sched:sched_bare program sched_bare optional`)
}
