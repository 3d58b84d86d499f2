// Package check gives a script its meaning for one kernel: from the tree of
// package syntax and what Metadata knows, an ir.Program, or every error at once.
//
//	check.go    Check: passes over the whole script until nothing new is learned
//	handler.go  bodies of probes; points/: probe points, aliases and globs to handlers
//	names.go    variables: what type each has, and where that was decided
//	infer.go    what is learned of variables, and conflicts
//	stmt.go     statements; loops.go, assign.go: loops and assignments
//	expr.go     expressions
//	target.go   "$x->y", "@cast(…)->z": places in the kernel's memory; cast.go: the type that is named
//	context.go  what a probe's "$" stand for: arguments, or fields of the record
//	defined.go  @defined, @choose_defined, @enum
//	calls.go    functions; readers.go: those that read memory; prelude.stp: those in the language itself
//	print.go    the print family; format.go: formats; pretty.go: "$x$", "$$vars"
//	stats.go    aggregates and what is asked of them
//	unread.go   globals that are written and never read, shown at the end
//	fold.go     constants
//	uses.go     what a script reads of the kernel by name, to hold kernels against each other
//	globals.go  globals as the program has them
//
// Around the passes stand packages of their own, that know nothing of it:
//
//	points   before them: what the probe points stand for
//	ctype    below them: C types, members, widths
//	sides    behind them: what may run where
//	layout   at last: how many bytes each string takes, where globals lie
//
// Types are inferred as SystemTap does it: the script is lowered again and
// again, each time with what the last pass learned about its names, until a
// pass learns nothing; a name that is still open then is a long. Errors count
// in one more pass only. So the order of declarations does not matter, and a
// pass may use whatever is known so far.
package check
