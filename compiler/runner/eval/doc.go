// Package eval runs the probes of a program that do not run in the kernel:
// begin, end, error and timers, over the same globals as those that do.
//
//	machine.go     Machine: one handler after another; the errors it gives
//	host.go        Host: what handlers see of the machine, and where they print
//	process.go     the Host that is this process
//	statement.go   statements
//	expression.go  expressions
//	place.go       what can be assigned to
//	foreach.go     foreach
//	builtin.go     the built-in functions
//	text.go        those about strings
//	stat.go        Stat: an aggregate
//	store.go       Store: where globals live
//	memory.go      Memory: a Store in this process
//
// A handler is walked as a tree. What the tree says is checked where it is used,
// so that a damaged program gives an error and never a panic.
package eval
