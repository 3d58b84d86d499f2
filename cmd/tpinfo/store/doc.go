// Package store looks after the cache as a whole: how full it is, whether it is
// sound, what leaves it and what comes in, by a file or by a registry.
//
// What leaves is chosen with -k and may be signed (outgoing.go); it goes to an
// exported file or, kernel by kernel, to a registry. What comes in is held to
// its digests and to the keys of --verify before any of it is in the cache, and
// one that is refused costs no other.
package store
