// Package objects keeps files and results on a NATS server, by their SHA-256.
//
//	store.go   Store: what is there, what is dropped
//	send.go    Put: content in chunks, many on the way at once
//	receive.go Get: content, held against its SHA-256
//	spans.go   which messages hold it, so that they can be deleted one by one
//
// Objects lie in the store as NATS lays them out (ADR-20), so that its tools
// show them: chunks under a number of their own, and a description that names
// it. The client's own calls are not used. Its Put leaves goroutines behind and
// has no bound on what is on the way; its Get makes a consumer for each
// object, which a cluster that lost a node may never answer.
//
// How a server that is away is called again is not known here: a Store is given
// it.
package objects
