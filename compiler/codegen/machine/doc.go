// Package machine runs eBPF programs without a kernel, for tests: the bytes as
// they would be loaded, in either byte order, over maps and memory that the test
// provides. It is stricter than a kernel, which proves once what is checked here
// at every step: an access that the verifier would not let through is a Fault.
//
//	program.go    Program: instructions as bytes, and decoding them
//	machine.go    Machine: what a program sees of its kernel
//	run.go        the loop; loads, stores, atomic operations
//	alu.go        arithmetic and jumps
//	memory.go     regions of memory and who may touch them
//	maps.go       Map: arrays and hashes, per CPU or not
//	ring.go       the ring buffer
//	helpers.go    the functions that programs call
//	fault.go      Fault: what went wrong, and at which instruction
//
// The instructions' meaning is that of Linux (Documentation/bpf/standardization/
// instruction-set.rst); tests hold it against the kernel they run on.
package machine
