// Package fleet builds the metadata of many kernels.
//
//	1 plan    sets of packages to tasks; what is known already is left out,  plan.go, shard.go
//	          and what is another machine's part
//	2 queue   tasks to builders, on this machine or on others                queue.go, local.go,
//	                                                                         natsqueue
//	3 build   one task to one result: open, extract, close; what goes wrong  build.go, failure.go,
//	          is explained, and nothing is left behind                       scratch.go
//	4 keep    results to a store, failures to its ledger, all to a report    run.go, report.go
//
// The store is an interface: this package compiles and never opens the cache.
package fleet
