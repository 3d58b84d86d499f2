// Package cache keeps Snapshots of kernels in one SQLite file.
//
// The layout of an event or a type is stored once, however many kernels have
// it, addressed by its content id (tpinfo.ContentID). A kernel is a row and the
// list of the layouts it uses; a release name is an alias that points at one.
// So a second kernel of the same series costs what differs.
//
//	open      the file, its schema, what can be wrong with it   open.go, reading.go, schema.go, errors.go
//	layout    layouts and kernels to bytes and back             layout/
//	table     what stands in the file: schema, rows             table/
//	put       a Snapshot in, whole or not at all                put.go, write.go
//	origin    what a kernel was built from, what failed         origin.go, failure.go
//	kernel    which kernels there are; one of them by name      kernel.go, kernelcontent.go
//	query     its events and types                              query.go, member.go
//	history   one event in many kernels                         history.go
//	merge     kernels of another cache                          merge.go; its rules: merge/
//	export    kernels to a file and back                        export.go, import.go; its form: bundle/
//	maintain  statistics, verification, collection of garbage   maintain.go, verify.go, content.go
//
// Readers never wait and writers queue (SQLite's WAL mode); several processes
// may use one file. Only this package, table and merge know SQL.
package cache
