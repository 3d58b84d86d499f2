// Package btf reads a kernel's own type information (BTF), which describes
// what was compiled into the image: a second source, to fill what headers
// leave unknown and to verify what they told.
//
//	load     a file or the running kernel to a Spec       load.go, image.go, graph.go
//	types    its named types as tpinfo.Type               types.go
//	events   its tracepoints, as far as BTF can tell      events.go
//
// BTF names an event's arguments (functions __traceiter_EVENT) and lays out
// records (struct trace_event_raw_CLASS). It does not tell an event's system,
// nor its class when that has another name, nor the element type of a dynamic
// array: what it does not tell is left unknown.
package btf
