// Package headers holds everything tpinfo writes in C: the override headers
// that turn a trace header's macros into something DWARF can tell, and the
// tables of what single trace headers of the kernel need to compile outside
// the source file they were written for.
//
// The C stands in the folder c and is embedded. It is read together with a
// kernel's headers, so its Digest is part of every kernel's identity.
package headers
