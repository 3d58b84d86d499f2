// Package extractor turns what describes one kernel into a tpinfo.Snapshot.
//
// With a build tree at hand, the pipeline is
//
//	1 find     a release name or a folder to a kbuild.Tree           kbuild
//	2 plan     its trace headers to a few large units                traceheaders
//	3 compile  the units to objects; what fails is repaired, given   traceheaders, compile, cc
//	           up event by event, or named
//	4 mine     objects to events, records and types, which are       mine, dwarfx; merge.go
//	           put together
//	5 fill     what the headers left unknown, from BTF               fill.go, btf, verify
//	6 check    that nothing was lost and nothing contradicts         check.go
//
// extractor.go is that way. A full source tree beside the build tree (source.go)
// adds, after step 4, the private trace headers: each file that instantiates some
// is a unit of its own (instance.go, instantiate; prefix.go and typepool.go
// spare time and memory), the kernel's Makefiles say which are built (kbuild),
// and what they tell is joined to what the public headers told (join.go). The
// events of system calls come from the source too (system_calls.go, syscalls).
//
// Without a tree, BTF and, for the running kernel, tracefs take the place of
// steps 2 to 4 (running.go). What the extraction depended on is part of the
// result (inputs.go), so that a later one can tell without compiling that
// nothing changed. The types of headers that no trace header includes come
// without events (types.go).
//
// Units are compiled in a private folder that is removed on every way out. The
// objects are never linked and never run, and nothing but the kernel may have
// been read for them.
package extractor
