// Package layout turns what is known of kernels into bytes and back: values in,
// values out, with no file in sight.
//
// A layout is one event or type. It is addressed by a hash of all that is
// stored of it, and its body names the types it uses and does not contain them,
// so it is the same layout in every kernel that has it. A kernel is what it is
// and a list of layouts. Equal values give equal bytes, on every machine: bodies,
// hashes and the form that they are packed in are part of a cache's schema and
// of the format of exported files.
//
//	encoding  numbers and texts to bytes and back           encoding.go
//	body      an event or a type in these                   body.go
//	pack      bodies made small, with a dictionary          pack.go, dictionary.txt
//	long      a long text packed on another                 long.go
//	layout    a body, its hash, its name                    layout.go
//	list      which layouts, by their numbers               list.go
//	kernel    a kernel of layouts, its digest, its names    kernel.go
//
// Bytes that are damaged are ErrDamaged, and so is what would unpack to more
// than MaxBody.
package layout
