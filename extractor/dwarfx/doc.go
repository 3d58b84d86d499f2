// Package dwarfx reads what a compiler wrote about types into an object file.
//
//	read     the ELF file: word size, byte order, sections       read.go
//	entries  one pass over .debug_info to a table of entries     entries.go
//	spell    an entry to the C spelling of its type              spell.go
//	define   an entry to a tpinfo.Type; parameters of functions  define.go
//
// gcc and clang say the same thing differently in places; what comes out is
// equal for both. delve's readers serve to walk the entries and to decode
// location expressions. Its godwarf.ReadType is the second opinion in the
// tests and not used here: it has no place for DW_AT_data_bit_offset, for the
// type of an enum or for arrays of three dimensions, and it shortens arrays
// that share their place with the member before.
package dwarfx
