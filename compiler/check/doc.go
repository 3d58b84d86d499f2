// Package check gives a script its meaning for one kernel: from the tree of
// package syntax and what Metadata knows, an ir.Program, or every error at once.
//
//	check.go     Check: passes over the whole script until nothing new is learned
//	handler.go   bodies of probes, and what they can name; function.go: functions
//	stmt.go      statements; loops.go, assign.go: loops and assignments
//	expr.go      expressions
//	target.go    "$x->y", "@cast(…)->z": the steps that an expression takes to them
//	defined.go   @defined, @choose_defined, @enum
//	calls.go     calls; readers.go: what reads memory; prelude.stp: functions in the language itself
//	print.go     the print family; pretty.go: "$x$", "$$vars"
//	stats.go     aggregates and what is asked of them
//	unread.go    globals that are written and never read, shown at the end
//	examine.go   Examine: what else a check finds, to hold kernels against each other
//	metadata.go  Metadata: what is asked of the kernel
//
// It uses packages of its own, in this order:
//
//	points   before the passes: what the probe points stand for
//	infer    in them: names, nodes, and what is learned of types
//	target   in them: where in the kernel's memory something lies; by ctype, the C types
//	format   in them: the formats of printf
//	sides    behind them: what may run where, and what no object can hold
//	layout   at last: how many bytes each string takes, where globals lie
//
// Types are inferred as SystemTap does it: the script is lowered again and
// again, each time with what the last pass learned about its names, until a
// pass learns nothing; a name that is still open then is a long. Errors count
// in one more pass only. So the order of declarations does not matter, and a
// pass may use whatever is known so far.
package check
