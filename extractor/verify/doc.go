// Package verify holds two descriptions of one kernel against each other, and
// says where they differ. It compares values and reads nothing.
//
//	events   names, order, types, sizes and signedness of arguments
//	records  place, size, signedness and kind of the fields of records
//	types    sizes, members, bitfields and constants of definitions
//
// What one side does not know is not a difference. A difference that follows
// from how the oracle came about, and from nothing in the kernel, is explained
// and counted apart.
package verify
