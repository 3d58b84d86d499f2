// Package plan works out of a program's typed form what package codegen wants
// to know before it makes an instruction. It looks at nodes alone, and knows
// nothing of registers.
//
//	updater.go    AddUpdaters: programs that user space runs, to add to what the kernel adds to
//	aggregates.go Aggregates: which of them is read by handlers, how many add to each
//	effects.go    Changes, Acts, SetFirst, …: what evaluating an expression may do
//	runs.go       Runs: members that are read at once
//	loops.go      Iterations: how often a loop may go round
package plan
