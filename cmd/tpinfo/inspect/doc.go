// Package inspect answers questions to one kernel of the cache: what events it
// has, what they hand to a probe, how its types look, and whether a second
// source says the same.
//
// The kernel is the one that -k chooses; what it holds is read, drawn and
// written, and nothing is kept. Kernels lists what there is to ask.
package inspect
