// Package table is the tables of a cache: their schema, the way to it from older
// ones, and what is written to them, in transactions that somebody else begins.
//
//	schema   the tables, and the steps that made them so  schema.go, rehash.go
//	stock    layouts, each once                           stock.go
//	like     layouts packed on earlier ones               likeness.go
//	headers  lists of headers, each as a difference       headerlist.go
//	kernel   kernels, their names and origins             kernel.go
//	failure  what could not be built                      failure.go
//	sweep    what nobody uses any more                    sweep.go
//	content  a digest of all that is kept                 content.go
//
// Each function keeps what package cache promises as long as its transaction is
// kept whole.
package table
