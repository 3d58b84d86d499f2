// Package instantiate finds, in a full kernel source tree, the source files
// that instantiate tracepoints, and the part of each that its trace headers
// need in front of them.
//
// A trace header is instantiated by one source file: it defines
// CREATE_TRACE_POINTS, then includes the header, which includes
// trace/define_trace.h at its end. What stands before those includes is what
// the header takes for granted: the private types of its driver. So the file's
// text up to there, with the override of define_trace.h in package headers, is
// a unit that yields the events exactly as the kernel makes them.
//
//	find     a source tree to its instantiating files and its trace headers   find.go
//	prelude  a file's text to the part that a unit needs                      prelude.go
package instantiate
