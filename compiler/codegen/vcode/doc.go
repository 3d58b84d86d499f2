// Package vcode is eBPF with as many registers as one likes, and what turns it
// into eBPF with ten.
//
//	vcode.go     Func: instructions over virtual registers, as lowering adds them
//	flow.go      basic blocks, what can be reached, what is alive where
//	tidy.go      unreachable and useless code goes
//	allocate.go  registers for virtual ones, the stack for what finds none
//	stack.go     places on the stack for those
//	emit.go      instructions of cilium/ebpf's asm, jumps resolved
//
// It knows the instruction set (Documentation/bpf/standardization/instruction-set.rst)
// and nothing of scripts.
package vcode
