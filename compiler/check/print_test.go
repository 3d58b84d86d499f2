package check_test

import (
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check/checktest"
)

func TestPrint(t *testing.T) {
	checktest.WantLines(t, `probe begin { print("a", 1, -2); println(pid(), execname()); printd(",", 1, "x", pid()); printdln("|", pid(), tid()); s = sprint("n", pid()) . sprintln(1) . sprintd("-", 1, 2); println(s); log("l"); warn(execname()) }`,
		"set(s, concat(concat(sprint.4(pid()), \"1\\n\"), \"1-2\"))",
		`print.7(execname())`, `site 0 "a1-2" ()`, `site 1 %d %s "\n" (long, string(16))`, `site 2 "1,x," %d (long)`)
	checktest.WantErrors(t, `probe begin { print(); printd(1, 2); printd(","); printf(); printf(pid()); printf("%d %s\n", 1); printf("%d", "x"); printf("%s", 1); printf("x", 1); println(sprint("a") + 1) }`,
		"1:15: print takes what it prints",
		`1:24: printd takes a literal string to stand between the values, and values ~ as in printd(",", a, b)`,
		`1:38: printd takes a literal string to stand between the values, and values ~ as in printd(",", a, b)`,
		`1:51: printf takes a literal string for its format ~ as in printf("%d\n", x)`,
		`1:61: printf takes a literal string for its format ~ as in printf("%d\n", x)`,
		"1:76: the format takes 2 values, and 1 are here",
		`1:111: %d takes a long, and this is a string ~ %s shows a string`, `1:130: %s takes a string, and this is a long ~ %d shows a number`,
		"1:134: the format takes 0 values, and 1 are here", "1:158: a long is needed here, and this is a string ~ strtol(…, 10) makes a number")
}

// As in SystemTap: println() is a line's end, the others take something.
func TestPrintNothing(t *testing.T) {
	checktest.WantLines(t, `probe begin { println(); s = sprintln(); print(s) }`, `set(s, "\n")`, `site 0 "\n" ()`)
	checktest.WantErrors(t, `probe begin { print() }`, "1:15: print takes what it prints")
}

func TestFormats(t *testing.T) {
	checktest.WantLines(t, checktest.On(`printf("%-5d|%+i|% u|%#x|%#X|%08o|%c|%10.3s|%p|%%|%lld\n", 1, pid(), 2, 3, 4, 5, 6, execname(), $prev, 7)`),
		`site 0 %-5d "|" %+i "|" % u "|" %#x "|" %#X "|" %08o "|" %c "|" %10.3s "|" %p "|%|7\n" (long, long, long, long, long, long, long, string(16), long)`)
	checktest.WantLines(t, checktest.On(`printf("%*d %-*.*s %4b %b %.8M %#.4m", cpu(), 1, 5, cpu(), execname(), 3, 4, $prev, 6)`),
		`print.0(cpu(), 1, cpu(), execname(), 3, 4, bytes(arg(8 u8), 8), bytes(6, 4 user))`,
		`site 0 %*d " " %-5.*s " " %4b " " %8b " " %.8M " " %#.4m (long, long, long, string(16), long, long, bytes(8), bytes(8))`)
	checktest.WantErrors(t, checktest.On(`printf("%q"); printf("%"); printf("%3b", 1); printf("%99999d", 1); printf("%.*M", 1, 2); printf("%d")`),
		`1:45: "%q" is no directive: there are %d %i %u %x %X %o %c %s %p %b %m %M`, `1:59: "%" is no directive`,
		`1:72: "%3b": %b writes 1, 2, 4 or 8 bytes`, `1:90: "%99999" is too wide: fields have at most 4096 characters`,
		"1:127: the format takes 1 value, and 0 are here")
	checktest.WantErrors(t, checktest.On(`printf("%.*M", cpu(), 2)`), `1:60: %.*M: the precision says how many bytes are read, a constant up to 1024 ~ as in "%.16M"`)
}

func TestPretty(t *testing.T) {
	checktest.WantLines(t, checktest.On(`println($prev->se$); println($prev->comm$); println($prev->name$); println($prev->pid$, $prev_state$, $prev->real_parent->pid$)`),
		"print.0(bytes(add(arg(8 u8), 64), 24))", "print.1(bytes(add(arg(8 u8), 152), 16))", "print.2(readtext(load(arg(8 u8) + 384 u8), max 0))", "print.3(load(arg(8 u8) + 128 s4), arg(24 u4), load(load(arg(8 u8) + 136 u8) + 128 s4))",
		`site 0 %r "\n" (bytes(24) as {load=u4@0 vruntime=u8@16})`, `site 1 %r "\n" (bytes(16) as chars16@0)`, `site 2 "\"" %s "\"\n" (string(128))`, `site 3 %d %u %d "\n" (long, long, long)`)
	// "$" leaves inner structs shut, "$$" opens them; arrays show their first elements.
	checktest.WantLines(t, checktest.On(`println(@cast(1, "cred")$$, @cast(1, "hrtimer")$, $prev->entities$, $prev->grid$$)`),
		`site 0 %r %r %r %r "\n" (bytes(32) as {uid={val=u4@4} gid={val=u4@8} euid={val=u4@20} egid={val=u4@24}}, bytes(64) as {function=p8@40 state=u1@56 is_rel=u1@57}, bytes(8) as [{...} {...}], bytes(24) as [[s4@0 s4@4 s4@8] [s4@12 s4@16 s4@20]])`,
		"fact struct cred.uid at 4 size 4: kuid_t")
	// What is left out is not sent; what has no name is not left out whole.
	checktest.WantLines(t, checktest.On(`println(@cast(1, "vast")$)`), `site 0 %r "\n" (bytes(8) as {count=s4@0 ...})`)
	checktest.WantLines(t, checktest.On(`println($$vars); println($$parms$$); printf("%s in %s\n", $$name, $$system); s = $$vars; println(s)`),
		`site 0 "preempt=" %#x " prev=" %#x " next=" %#x " prev_state=" %#x "\n" (long, long, long, long)`, `site 2 "sched_switch in sched\n" ()`, `site 4 %s "\n" (string(128))`)
	checktest.WantLines(t, `probe kernel.trace("sched_process_exec").record { println($$vars) }`, `site 0 "filename=" %#x " args=" %#x " pid=" %#x "\n" (long, long, long)`)
	checktest.WantLines(t, `probe kernel.trace("orphan") { println($$vars, "|", $$parms$) } probe kernel.trace("sched_dark") { println($$vars) }`, `site 0 "x=" %#x " lost=?|x=" %d " lost=?\n" (long, long)`, `site 1 "\n" ()`)
	checktest.WantLines(t, `probe kernel.trace("sched_process_exec").record { println($$vars$) }`, "print.0(readtext(add(context, and(arg(8 u4), 65535)), max 0), add(add(context, and(arg(12 u4), 65535)), 16), arg(16 s4))",
		`site 0 "filename=\"" %s "\" args=" %#x " pid=" %d "\n" (string(128), long, long)`)
	checktest.WantErrors(t, checktest.On(`x = $prev$; println($$foo, $$vars->x)`), "1:42: what user space makes text of can be printed, and not kept ~ print it",
		"1:58: there is no $$foo", "1:65: $$vars has no members ~ it is text: print it")
	checktest.WantLines(t, checktest.On(`println(@defined($prev$), @defined($prev->no$), @defined($$parms$$), @choose_defined($prev->no$, $prev->se$))`),
		`site 0 "101" %r "\n" (bytes(24) as {load=u4@0 vruntime=u8@16})`)
	checktest.WantErrors(t, `probe begin { println($$vars) }`, "1:23: $$vars belongs to kernel.trace probes")
}

// What user space tells of a number is a number on its way.
func TestSymbols(t *testing.T) {
	checktest.WantLines(t, `global stacks `+checktest.On(`printf("%-20s %s %s\n", symname($prev->stack), symdata(1), syscall_name(2)); print_backtrace(); stacks[backtrace()]++`)+`
probe end { foreach (s in stacks) print_stack(s); x = symname(5); println(x) }`,
		"global stacks[long] long max 2048", "print.0(load(arg(8 u8) + 32 u8), 1, 2)", "print.1(stackid())", "old update.add(@stacks[stackid()], 1)", "print.2(s)", "set(x, symname(5))",
		`site 0 %-20s " " %s " " %s "\n" (long as symname(), long as symdata(), long as syscall_name())`, "site 1 %s (long as stack)", "site 2 %s (long as stack)")
}
