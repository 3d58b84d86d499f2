// Package runner runs a compiled script on this machine: it needs the object
// alone, no cache, no script and no compiler. Linux from 5.8.
//
// A run goes through these steps, in this order:
//
//	1 check    the target against what the object relies on (target.go, facts.go)
//	2 load     maps, then programs, through the verifier (load.go, verifier.go)
//	3 begin    control words, initial values, begin probes (session.go)
//	4 attach   one file an attach kind: raw_tracepoint.go, tracepoint.go,
//	           perf_event.go; that the command begins is seen by onset.go
//	5 loop     records of the ring buffer, timers, the command of -c (loop.go,
//	           ring.go, timer.go, command.go, family.go), until an end comes
//	           (ends.go)
//	6 detach   then drain what is in the ring
//	7 end      end probes, or error probes after an error; drain, report losses
//
// Everything the script does in user space and all of its output happen on the
// goroutine that called Run, so that output keeps the order in which it was
// made. What a run has in the kernel is held by file descriptors alone, nothing
// is pinned: a process that dies takes all of it along.
package runner
