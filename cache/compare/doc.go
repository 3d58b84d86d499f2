// Package compare tells what differs between two descriptions: of an event, of
// a type, of all the events of two kernels; and folds many kernels into ranges
// of releases that have the same. Values in, values out.
//
//	change.go   what a difference is
//	event.go    two descriptions of one event: arguments, record, class, header
//	types.go    two definitions of one type: members, constants
//	kernels.go  two kernels: which events are new, gone or renamed
//	covers.go   what a kernel's description leaves out, which is no difference
//	words.go    a difference as people say it
//	fold.go     kernels in the order of their releases, those alike in one range
//	history.go  one event through many kernels
//
// What is not known is not compared: a size that only one side has is noted as
// Unknown, an event that one side's sources could not show is Left out, and
// neither is a difference.
package compare
