// Package probe has the commands that take a probe script: on which kernels it
// means the same, its object for one of them, and running it.
//
// A script is read (script.go) and handed to package compiler with a kernel to
// ask: one of the cache, which also learns types from its headers (metadata.go),
// or one of which nothing is known but its name (unknown.go). The object goes to
// a file (compile.go), to the kernel here (run.go) or to another host
// (remote.go). Check compiles for all kernels and tells the outcomes apart
// (check.go, verdicts.go).
package probe
