package ir

// The data map (section .bss) is one array element that user space maps into
// its memory. It starts with control words, each 64 bits in the target's byte
// order, at these offsets; the scalar globals follow at ControlSize.
const (
	// ControlState is one of the states below. Handlers of a program that
	// can end by itself look at it first.
	ControlState  = 0
	ControlTarget = 8 // target(): the process of -x or -c
	// ControlWall is what to add to CLOCK_MONOTONIC to get CLOCK_REALTIME, in
	// nanoseconds; user space sets it at the start.
	ControlWall = 16
	// Counters, on a cache line of their own, atomically increased.
	ControlLost    = 64 // records that found the ring buffer full
	ControlSkipped = 72 // handlers that did not run since another was inside
	ControlSize    = 128
)

// The states.
const (
	Running = 0
	Exiting = 1 // exit() was called
	Failed  = 2 // an error was not caught
)

// Kinds of records in the ring buffer, the first 32 bits of each.
const (
	RecordPrint = 0 // a Site's slots
	RecordError = 1 // the index is an error Site; a String or Long slots may follow
	RecordExit  = 2 // exit() was called: all that was printed before is in front
)

// Names of what is in an object beside the globals' maps. A dot keeps them
// apart from the script's own names.
const (
	RingMap    = "tpinfo.ring"    // the ring buffer
	ScratchMap = "tpinfo.scratch" // working memory, per CPU: one element a program
	StackMap   = "tpinfo.stacks"  // kernel stacks, where the script takes them
	DataMap    = ".bss"
	ConstMap   = ".rodata" // literals
)
