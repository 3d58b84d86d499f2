// Package points finds what the probe points of a script stand for on one
// kernel: each Handler is a probe of the script at one of its points.
//
//	points.go    Resolver: lists of points, aliases, and the kinds by their first word
//	timers.go    timer and perf
//	trace.go     kernel.trace: names and globs to events
//	handler.go   Handler: bodies put together, and which view of the event they are about
//	event.go     what an event has by name, and why it has not
//	metadata.go  what is asked of the kernel
//
// An alias puts its body around that of the probe that uses it. A glob gives a
// handler for each event that it matches, all with the bodies of one probe; so
// types are found and code is made for each alone.
package points
