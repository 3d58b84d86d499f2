// Package across answers questions across the kernels of the cache: what changed
// from one to another, and how an event came through all of them.
//
// Package compare finds the changes; here kernels are chosen for it, and what it
// finds is laid out for people or as JSON.
package across
