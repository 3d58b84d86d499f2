// Package arith has the arithmetic that eBPF has no instructions for: what each
// function computes is computed by the instructions that it adds to a function of
// package vcode. Registers that they are handed keep their values, unless it is
// said otherwise.
//
//	number.go  signed division, squares of 128 bits
//	bucket.go  the buckets of histograms
package arith
