// Package layout completes a program whose meaning is settled: how many bytes
// each string takes, where globals lie, what the eBPF programs are called.
//
//	layout.go    Complete; the places of globals
//	sizes.go     strings
//	programs.go  names
package layout
