// Package ir is the typed form of a script: what package check makes of the
// tree, what codegen lowers to eBPF for probes that run in the kernel, and what
// user space runs itself for those that do not.
//
// A Program is plain values with a JSON form, since an object carries it to its
// target. Names are resolved to indices, every expression has a type, every
// access to the kernel is an address, an offset and a width. Nothing in it
// refers to the script's text but places, for messages.
//
//	program.go  Program, Global, Probe, Func, Fact
//	node.go     Node and Op: expressions and statements
//	site.go     Site: what a handler may send to user space, and its format
//	stats.go    Stats: what an aggregate keeps, and where
//	control.go  the words that the kernel side and user space share
//	valid.go    Validate: what a Program from outside has to be, with
//	            valid_site.go, valid_node.go and valid_statement.go
//	arithmetic.go  what operators give, for whoever computes it
//	dump.go     a Program as text
package ir
