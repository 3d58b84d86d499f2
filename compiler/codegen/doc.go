// Package codegen makes eBPF of the probes that run in the kernel.
//
//	generate.go   Generate: a program in, an object out; maps, literals, features
//	handler.go    one probe: where its variables live, how it begins and ends
//	statement.go  statements
//	number.go     expressions of type long; jumps on conditions
//	memory.go     the context and the kernel's memory
//	text.go       strings: where they are, copied, compared, searched
//	build.go      strings put together: "." and sprintf
//	array.go      globals and arrays
//	aggregate.go  "<<<"
//	output.go     records for user space: print, error, exit
//	builtin.go    functions
//
// What it takes to know of the program before the first instruction, which
// expressions have effects for example, is package plan's to find out; the
// arithmetic that eBPF lacks is package arith's; what becomes of instructions over
// any number of registers is package vcode's.
//
// A string is always zero behind its text up to the end of its place, whose
// size is a multiple of 8. So strings are equal when their words are, a string
// is a part of a key as it is, and copying is a few loads and stores.
//
// Working memory that the stack has no place for is in a per-CPU map with an
// element for each program. The kernel does not run one program inside itself
// on one CPU, as raw tracepoints from 6.2 on and other programs always; before
// that, handlers mark their working memory as taken and skip, counted, when it
// is.
//
// Lowering runs twice: what the first pass finds out (is working memory needed?
// can the script stop by itself?) decides how handlers begin in the second.
package codegen
