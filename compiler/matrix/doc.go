// Package matrix holds a script against many kernels: where it compiles, where
// it means the same, and where not, why and what would help.
//
//	matrix.go   Check: every kernel beside a baseline
//	columns.go  the probe points of the script, which are the matrix's columns
//	meaning.go  what a script means on one kernel and not on another
//	fix.go      what would help where it does not compile
//
// A script means the same on two kernels when its probe points stand for the
// same events, seen from the same side, and when whatever it reads by a name is
// a value of the same kind there: a number of the same size and sign, a pointer
// to the same struct, an array of the same. Where it lies does not matter:
// places are what the compiler is for. Nor does a typedef's name, const, or how
// many elements an array has. What a script asks for with @defined or "?" it
// means to be without; that is noted, and no difference.
package matrix
