// Package target follows what a script names of the kernel, "$x->y[3].z" or
// "@cast(…)->z", to where it lies: from a root over members and elements to an
// address, an offset and a type, and to a value that is read there.
//
//	target.go  Target: steps to members and elements, addresses, reads
//	root.go    what a probe's "$" stand for: arguments, or fields of the record
//	cast.go    the type that @cast names, and its headers
//	reads.go   Reads: what a script reads of the kernel, and relies on
//
// Expressions are lowered by package check, which takes the steps; what they
// are about, an index or the value of a pointer, comes as a node.
package target
