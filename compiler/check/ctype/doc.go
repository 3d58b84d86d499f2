// Package ctype knows the C types of one kernel: what a spelling stands for,
// where members lie, how values are read and shown.
//
//	type.go     Type and Bare: spellings, and what is left without typedefs
//	kernel.go   Kernel: definitions by name, asked once each, and what is asked of the metadata
//	members.go  sizes, widths, members
//	render.go   the description that user space shows a struct's bytes by
//	value.go    Value: what two kernels must have in common at a place
//
// What nobody knows comes out as such: a size as tpinfo.Unknown, a type as not
// ok. Who asked says so, at the script's place.
package ctype
