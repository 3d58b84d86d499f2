package render

import (
	"encoding/binary"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Value is what a slot of a site holds: a Long, a String, or, with the type
// Void, bytes of the target's memory in Str.
type Value struct {
	Int  int64
	Str  string
	Type ir.Type
}

// Printer makes text for one target. Its methods append to dst and return it,
// as append does.
type Printer struct {
	// Order is the target's byte order: of records, of %b and of memory.
	Order binary.ByteOrder
	// Symbols names addresses; nil shows them as numbers.
	Symbols Symbols
	// Syscall names a system call, "" for a number that is none; nil names
	// none.
	Syscall func(number int64) string
	// Call runs the function of a Render, by its name; nil knows none.
	Call func(name string, v Value) (Value, error)
}

// Symbols is what is known of the target's kernel addresses.
type Symbols interface {
	// Symbol finds the symbol that holds addr.
	Symbol(addr uint64) (Symbol, bool)
	// Stack returns the addresses of a kernel stack, the innermost first.
	Stack(id int64) ([]uint64, error)
}

// Symbol is a named stretch of the kernel's memory.
type Symbol struct {
	Name   string
	Module string // "kernel" for what is built in
	Offset uint64 // of the address in it, in bytes
	Size   uint64 // in bytes
}
