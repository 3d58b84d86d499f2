// Package merge hands kernels of one cache on, to another or to a file, and joins
// what two caches know, in transactions that somebody else begins.
//
// A merge gives the union of two caches: the same whichever comes first, and
// the same again when it is repeated. Where both know something of one thing,
// these rules pick:
//
//   - of a kernel, each event and type as the one has it that knows more of it;
//   - of a release and tree of a kernel, the one extracted last, then the one
//     whose compiler, digests and list of headers sort later;
//   - of an origin, the one with the greater digest of headers, then kernel;
//   - of a failure, the last, then the one tried more often, then the one
//     whose JSON sorts later. What one cache failed to build and the other
//     built, from the same files or the same release later, is no failure.
//
// The way of a kernel:
//
//	source     out of a cache, checked         source.go
//	target     into a cache                    target.go
//	reconcile  two descriptions of one kernel  reconcile.go
package merge
