// Package tpinfo is the vocabulary of a tool that knows what every Linux
// tracepoint hands to a probe, on every kernel of a fleet, without running
// any of those kernels.
//
// The way data takes, one direction only:
//
//	headers    the C that is injected before a kernel's trace headers
//	extractor  a build tree in, a Snapshot out: find, plan, compile, mine, fill, check
//	cache      Snapshots in one SQLite file, every layout stored once
//	compiler   a probe script in, an eBPF object out, types from the cache
//	cmd        the commands people type
//
// This package holds the plain values those packages exchange. It does no
// I/O and imports the standard library only.
//
// # The values
//
// A Snapshot is everything learned about one Kernel: its Tracepoints and its
// Types. A Tracepoint has two faces. Its Args are the parameters of TP_PROTO,
// each found by a raw tracepoint program in an 8-byte slot of its context. Its
// Record is the ftrace and perf view: struct trace_entry followed by the
// fields of TP_STRUCT__entry.
//
// A Type is the definition of one named C type. Wherever one type refers to
// another it does so by C spelling ("struct task_struct *", "char[16]",
// "int (*)(unsigned int)"), never by embedding it. So a definition changes
// only when its own members change, and its ContentID is shallow. ParseExpr
// turns a spelling into its structure; Expr.String turns it back.
//
// # Nothing is guessed
//
// A size or an offset that nobody could measure is Unknown, is null in JSON,
// and comes with a Problem that says what is missing and what would supply it.
package tpinfo
