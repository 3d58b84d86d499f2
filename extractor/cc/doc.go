// Package cc runs a C compiler, gcc or clang, on units that tpinfo wrote.
//
//	find   which compiler there is for an architecture, and what it is
//	run    one compile: a clean environment, limits, nothing left running
//	diag   what the compiler said, as values
//
// The compiler sees none of the user's environment (no CPATH, no GCC_… or
// CCACHE variables), writes into a folder of the caller's, and is ended with
// all its children when its time, its memory or the context is used up.
package cc
