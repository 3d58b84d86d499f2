// Package mine reads what the object of one unit tells: events, records and
// types, as the compiler laid them out. The overrides of package headers decide
// what an object has; here it is turned into values.
//
//	object   the object to marks, functions and types           object.go, dwarfx
//	marks    which events there are, of which class and system  marks.go
//	events   a function's parameters to arguments               events.go
//	records  a struct's members to fields                       records.go
//	types    the kernel's own, without what was injected        types.go
//
// What only a private header defines is declared in a unit as of a size that
// nothing has, and known again by it in the object: unknown.go has both sides.
package mine
