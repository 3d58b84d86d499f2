// Package check gives a script its meaning for one kernel: from the tree of
// package syntax and what Metadata knows, an ir.Program, or every error at once.
//
//	check.go    Check: passes over the whole script until nothing new is learned
//	points.go   probe points, aliases and globs to handlers; timers.go, trace.go: their kinds
//	names.go    variables: what type each has, and where that was decided
//	infer.go    what is learned of variables, and conflicts
//	stmt.go     statements; loops.go, assign.go: loops and assignments
//	expr.go     expressions
//	target.go   "$x->y", "@cast(…)->z": places in the kernel's memory
//	context.go  what a probe's "$" stand for: arguments, or fields of the record
//	ctype.go    C types, members, widths
//	defined.go  @defined, @choose_defined, @enum
//	calls.go    functions; readers.go: those that read memory; prelude.stp: those in the language itself
//	print.go    the print family; format.go: formats; pretty.go: "$x$", "$$vars"
//	stats.go    aggregates and what is asked of them
//	unread.go   globals that are written and never read, shown at the end
//	fold.go     constants
//	sides.go    what may run where
//	uses.go     what a script reads of the kernel by name, to hold kernels against each other
//	sizes.go    how many bytes each string takes; layout.go: where globals lie
//	near.go     nearest names
//
// Types are inferred as SystemTap does it: the script is lowered again and
// again, each time with what the last pass learned about its names, until a
// pass learns nothing; a name that is still open then is a long. Errors count
// in one more pass only. So the order of declarations does not matter, and a
// pass may use whatever is known so far.
package check
