package target_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/check/checktest"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

func TestMembers(t *testing.T) {
	checktest.WantLines(t, checktest.On(`println($prev->pid, $next->se->vruntime, $prev->real_parent->real_parent->tgid, $prev->users, $prev->cred->uid->val)`),
		"print.0(load(arg(8 u8) + 128 s4), load(arg(16 u8) + 80 u8), load(load(load(arg(8 u8) + 136 u8) + 136 u8) + 132 s4), load(arg(8 u8) + 188 s4), load(load(arg(8 u8) + 144 u8) + 4 u4))",
		"fact sched_switch.next at 16 size 8: struct task_struct *",
		"fact sched_switch.prev at 8 size 8: struct task_struct *",
		"fact struct cred.uid at 4 size 4: kuid_t", "fact struct cred.uid.val at 4 size 4: u32")
	checktest.WantErrors(t, checktest.On(`println($prevv, $prev->pidd, $next->mm->foo, $prev->ratio, $prev->wide_int, $prev->hidden, $prev->se, $prev->pid->x, $prev->opaque->y)`),
		`1:46: sched:sched_switch has no argument $prevv ~ did you mean "$prev"?`,
		`1:61: struct task_struct has no member "pidd" ~ did you mean "pid"?`,
		`1:67: what was read of kernel 6.1.0-tiny does not define struct mm_struct ~ name the header that does: @cast($next->mm, "mm_struct", "kernel<linux/…>"), or extract the kernel with --btf FILE or --source DIR`,
		`1:83: $prev->ratio cannot be read as float: floating-point numbers are not read`,
		`1:97: $prev->wide_int cannot be read as __int128: numbers have 1, 2, 4 or 8 bytes, and this has 16`,
		`1:121: where member "hidden" of struct task_struct lies is not known`,
		`1:129: $prev->se is a whole struct sched_entity ~ name a member, or take its address with &$prev->se`,
		`1:152: pid_t has no members`,
		`1:155: what was read of kernel 6.1.0-tiny does not define struct mystery ~ name the header that does: @cast($prev->opaque, "mystery", "kernel<linux/…>"), or extract the kernel with --btf FILE or --source DIR`)
}

// Who did not define a struct is told, and what would.
func TestMissing(t *testing.T) {
	for source, want := range map[tpinfo.Source]string{
		tpinfo.FromDWARF:    `the headers that were read of kernel 6.1.0-tiny do not define struct mystery ~ name the header that does: @cast($prev->opaque, "mystery", "kernel<linux/…>"), or extract the kernel with --btf FILE or --source DIR`,
		tpinfo.FromDWARFBTF: `what was read of kernel 6.1.0-tiny does not define struct mystery ~ name the header that does: @cast($prev->opaque, "mystery", "kernel<linux/…>")`,
		tpinfo.FromBTF:      `the BTF of kernel 6.1.0-tiny does not define struct mystery ~ a module that is not loaded may; or extract the kernel from its headers`,
	} {
		k := checktest.New()
		k.Source = source
		_, err := checktest.Check(k, checktest.On("println($prev->opaque->y)"), check.Options{})
		var list *diag.List
		if !errors.As(err, &list) || list.Errors[0].Message+" ~ "+list.Errors[0].Hint != want {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
}

func TestBitfields(t *testing.T) {
	checktest.WantLines(t, checktest.On(`println($prev->in_iowait, $prev->wide)`), "print.0(load(arg(8 u8) + 176 u1:1+1), load(arg(8 u8) + 176 s3:6+12))",
		"fact struct task_struct.in_iowait at 176 size 4 bits 1+1: unsigned int", "fact struct task_struct.wide at 176 size 4 bits 6+12: int")
	checktest.WantErrors(t, checktest.On(`x = &$prev->wide`), "1:42: a bitfield has no address")
}

func TestArrays(t *testing.T) {
	checktest.WantLines(t, checktest.On(`println($prev->stamps[2], $prev->stamps[cpu()], $prev->grid[1][2], $prev->entities[1]->vruntime, $prev->stamps, &$prev->entities[1], $prev->list[3]->pid, $prev->name[0])`),
		"print.0(load(arg(8 u8) + 240 u8), load(add(arg(8 u8), mul(cpu(), 8)) + 224 u8), load(arg(8 u8) + 420 s4), load(arg(8 u8) + 336 u8), add(arg(8 u8), 224), add(arg(8 u8), 320), load(load(load(arg(8 u8) + 424 u8) + 24 u8) + 128 s4), load(load(arg(8 u8) + 384 u8) + 0 s1))")
	checktest.WantLines(t, checktest.On(`println($next->entities[0]->load, $prev[1]->pid)`), "fact struct task_struct size 512")
	checktest.WantErrors(t, checktest.On(`println($prev->stamps[4], $prev->stamps[-1], $prev->pid[1], $prev->opaque[1], $prev->stamps[1, 2], $prev->entities->load)`),
		"1:60: unsigned long[4] has no element 4", "1:78: unsigned long[4] has no element -1",
		"1:83: pid_t is neither an array nor a pointer", `1:98: the size of struct mystery is not known: what was read of kernel 6.1.0-tiny does not define struct mystery ~ name the header that does: @cast(…, "mystery", "kernel<linux/…>"), or extract the kernel with --btf FILE or --source DIR`,
		"1:116: one index takes an element of the kernel's arrays", `1:154: struct sched_entity[2] has no members ~ take an element of it first, [0]`)
}

func TestAddresses(t *testing.T) {
	checktest.WantLines(t, checktest.On(`p = &$prev->se; println(p->vruntime, &p->vruntime, &@cast(0, "task_struct")[1])`),
		"set(p, add(arg(8 u8), 64))", "print.0(load(p + 16 u8), add(p, 16))")
	checktest.WantErrors(t, checktest.On(`x = &$prev; y = &x; z = &1`),
		"1:42: an argument is a value and has no address", "1:54: & takes the address of something of the kernel", "1:62: & takes the address of something of the kernel")
}

// The sizeof idiom is a number.
func TestSizeOf(t *testing.T) {
	checktest.WantLines(t, checktest.On(`println(&@cast(0, "hrtimer")[1])`), `site 0 "64\n" ()`)
}

func TestCasts(t *testing.T) {
	checktest.WantLines(t, checktest.On(`p = 5; println(@cast(p, "task_struct")->pid, @cast(p, "struct task_struct *")->tgid, @cast(p, "pid_t")[2], @cast(p, "unsigned  long")[0], @cast(p, "task_struct", "kernel<linux/sched.h>")->prio, @cast(p, "task_struct", "kernel")->static_prio, @cast(p, "task_struct**")[1]->pid)`),
		"print.0(load(p + 128 s4), load(p + 132 s4), load(p + 8 s4), load(p + 0 u8), load(p + 40 s4), load(p + 44 s4), load(load(p + 8 u8) + 128 s4))")
	checktest.WantLines(t, checktest.On(`println(@cast($prev, "gadget", "kernel<linux/gadget.h>:kernel<linux/other.h>")->id)`), "print.0(load(arg(8 u8) + 4 s4))")
	checktest.WantErrors(t, checktest.On(`println(@cast(1, "gizmo", "kernel<linux/gizmo.h>")->id, @cast(1, "task_strukt")->pid, @cast(1)->x, @cast(1, "hrtimer", "<sys/time.h>")->state)`),
		"1:55: header linux/gizmo.h cannot be compiled: no build tree; extract with one",
		`1:103: kernel 6.1.0-tiny has no type "task_strukt" ~ did you mean "struct task_struct"?`,
		`1:124: @cast takes an address, a type and perhaps a header ~ as in @cast(p, "task_struct")`,
		`1:157: "<sys/time.h>": a header of user space: only the kernel is read ~ as in "kernel<linux/hrtimer.h>"`)
}

// A variable knows what it points to while it points to one type only.
func TestAutocast(t *testing.T) {
	checktest.WantLines(t, `global g, last
function parent(t) { return t->real_parent }
`+checktest.On(`t = $prev; g = t; last[tid()] = $next; println(t->pid, g->pid, last[tid()]->pid, parent($next)->pid, (cpu() ? $prev : $next)->pid, task_current()->pid)`),
		"function parent(t:long) long", "return(load(t + 136 u8))",
		"print.0(load(t + 128 s4), load(@g + 128 s4), load(@last[tid()] + 128 s4), load(parent(arg(16 u8)) + 128 s4), load(choose(cpu(), arg(8 u8), arg(16 u8)) + 128 s4), load(task_current() + 128 s4))")
	checktest.WantErrors(t, checktest.On(`t = $prev; t = &$prev->se; println(t->pid, u->pid); u = 3`),
		`1:73: t: it points to things of several types; write @cast(t, "struct …")`,
		`1:81: u: what it points to is not known; write @cast(u, "struct …")`)
}

func TestDefined(t *testing.T) {
	checktest.WantLines(t, `probe kernel.trace("sched_*") { if (@defined($prev)) println($prev->pid); else if (@defined($p->pid) && $p->pid > 1) println($old_pid); else println("none") }`,
		"print.0(load(arg(8 u8) + 128 s4))", "if gt(load(arg(0 u8) + 128 s4), 1)", "print.1(arg(8 s4))", `site 3 "none\n" ()`)
	checktest.WantLines(t, checktest.On(`println(@choose_defined($prev->state, $prev->__state), @defined($prev->se), @defined($prev->foo) ? $prev->foo : 7, @defined(&$prev->se))`),
		`site 0 %d "171\n" (long)`, "fact struct task_struct.__state at 24 size 4: unsigned int")
	checktest.WantErrors(t, checktest.On(`println(@choose_defined($prev->a, $prev->b), @defined())`),
		`1:79: struct task_struct has no member "b" ~ there are thread_info, __state, stack, prio, static_prio, se, pid, tgid, real_parent, cred and 18 more`, `1:83: @defined takes one expression ~ as in @defined($prev->__state)`)
}

func TestEnum(t *testing.T) {
	checktest.WantLines(t, `probe kernel.trace("hrtimer_init") { if ($mode == @enum("HRTIMER_MODE_REL")) print("rel") }`, "if eq(arg(16 u4), 1)")
	checktest.WantErrors(t, `probe begin { println(@enum("NOPE"), @const("X"), @cout(x)) }`,
		`1:29: no enum of kernel 6.1.0-tiny has a constant "NOPE" ~ those of macros are not in a kernel's type information`,
		`1:38: there is no @const ~ @enum("NAME") reads constants of enums; those of macros are not in a kernel's type information`,
		`1:51: there is no @cout ~ did you mean "count"?`)
}

func TestRecordView(t *testing.T) {
	checktest.WantLines(t, checktest.On(`printf("%s %d %d\n", kernel_string($prev_comm), $next_pid, $prev_prio)`),
		`probe tracepoint kernel.trace("sched:sched_switch") sched:sched_switch program sched_switch`,
		"print.0(readtext(add(context, 8), max 17), arg(56 s4), arg(28 s4))",
		"fact sched_switch record.next_pid at 56 size 4: pid_t")
	checktest.WantLines(t, `probe kernel.trace("sched_process_exec").record { println(kernel_string($filename), $args[1], $args[cpu()], $pid) }`,
		"print.0(readtext(add(context, and(arg(8 u4), 65535)), max 0), load(add(context, and(arg(12 u4), 65535)) + 20 u4), load(add(add(context, and(arg(12 u4), 65535)), mul(cpu(), 4)) + 16 u4), arg(16 s4))")
	checktest.WantLines(t, `probe kernel.trace("sys_enter").record { println($args[1], $args[$id]) }`, "print.0(arg(24 u8), load(add(context, mul(arg(8 s8), 8)) + 16 u8))")
	// The argument comes first where both have the name.
	checktest.WantLines(t, checktest.On(`println($prev_state)`), "probe raw_tracepoint kernel.trace(\"sched:sched_switch\") sched:sched_switch program sched_switch", "print.0(arg(24 u4))")
	checktest.WantErrors(t, checktest.On(`println($prev_comm, $prev)`),
		"1:46: $prev_comm is a field of the record of sched:sched_switch, and other $ of this probe are arguments; arguments: $preempt $prev $next $prev_state; "+
			"fields: $common_type $common_flags $common_preempt_count $common_pid $prev_comm $prev_pid $prev_prio $prev_state $next_pid ~ take all from one of them")
	checktest.WantErrors(t, `probe kernel.trace("sched_switch").record { println($common_pid, $common_flags, $prev_prioo) }`,
		"1:53: the kernel does not show field common_pid to probes ~ use tid()", "1:66: the kernel does not show field common_flags to probes",
		`1:81: the record of sched:sched_switch has no field $prev_prioo ~ did you mean "$prev_prio", "$prev_pid"?`)
	// A glob over records leaves out what has none.
	checktest.WantLines(t, `probe kernel.trace("sched_*").record { println($$vars) }`, `probe tracepoint kernel.trace("sched:sched_switch").record sched:sched_switch program sched_switch optional`,
		`probe tracepoint kernel.trace("sched:sched_process_exec").record sched:sched_process_exec program sched_process_e optional`, `site 0 "prev_comm=" %#x " prev_pid=" %#x " prev_prio=" %#x " prev_state=" %#x " next_pid=" %#x "\n" (long, long, long, long, long)`)
	checktest.WantErrors(t, `probe kernel.trace("sched_bare").record { println($$vars, $x) }`, "1:7: event sched:sched_bare has no record ~ leave .record away: its arguments can be read",
		"1:59: the record of sched:sched_bare has no field $x")
	checktest.WantErrors(t, `probe kernel.trace("orphan").record {} probe kernel.trace("sched_bare").record {}`,
		"1:7: the system of event orphan is not known, and its record is found by it",
		"1:46: event sched:sched_bare has no record ~ leave .record away: its arguments can be read")
}

// What the metadata does not know is told with its reason.
func TestUnknown(t *testing.T) {
	checktest.WantErrors(t, `probe kernel.trace("sched_dark") { println($x) } probe kernel.trace("orphan") { println($lost, $x) } probe begin { println($x) } function f() { return $x } probe end { f() }`,
		"1:44: the arguments of sched:sched_dark are not known: its header does not compile; supply it with --btf FILE",
		"1:89: the size of argument lost of orphan is not known: lost: no header defines it; supply it with --source DIR",
		"1:124: there is no $x in begin ~ only kernel.trace probes have arguments",
		"1:152: $x stands in a function, and belongs to an event ~ pass it to the function")
	checktest.WantErrors(t, checktest.On(`$prev = 3; $prev->pid++`), "1:38: the kernel is read and not written ~ assign to a variable", "1:49: the kernel is read and not written ~ assign to a variable")
}

// On a big-endian kernel a narrow argument is at the end of its slot.
func TestBigEndian(t *testing.T) {
	k := checktest.New()
	k.Order = tpinfo.BigEndian
	p, err := checktest.Check(k, checktest.On(`println($preempt, $prev_state, $prev->pid)`), check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := ir.Dump(p); !strings.Contains(got, "print.0(arg(7 u1), arg(28 u4), load(arg(8 u8) + 128 s4))") || !strings.Contains(got, "fact sched_switch.prev_state at 24 size 4") {
		t.Error(got)
	}
}
