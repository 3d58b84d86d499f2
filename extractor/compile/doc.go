// Package compile compiles units of C as a kernel's own build would compile
// them, each to an object that is read and never linked or run.
//
//	1 unit    its text, behind what is read first by all          workshop.go, prefix.go
//	2 flags   those of the tree, for the compiler at hand         flags.go
//	3 run     the compiler; what it complains of comes back       workshop.go, cc
//	4 look    nothing but the kernel may have been read           outside.go, deps.go
//	5 mine    the object to what it tells                         package mine
//
// It knows nothing of what units are made of, and repairs none. A workshop is a
// private folder; whoever made it removes it.
package compile
