// Package syscalls describes the events syscalls:sys_enter_NAME and
// syscalls:sys_exit_NAME of a kernel from its full source. No trace header has
// them: SYSCALL_DEFINE makes them of the definition of each system call, and
// what ftrace, perf and BPF see of one is its record alone. They are no
// tracepoints: raw_syscalls:sys_enter and sys_exit are what the kernel hooks.
//
//	1 reduce   a source file to its system calls and the conditionals around
//	2 unit     of all files, one text for the compiler's preprocessor: the
//	           kernel's own headers decide which definitions count, and its
//	           own macros spell names and types
//	3 answer   what comes out: the calls, the table that numbers them, and
//	           (from 6.19 on) whose strings are recorded
//	4 events   the records as kernel/trace/trace_syscalls.c lays them out
package syscalls
