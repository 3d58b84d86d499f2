package runner

import (
	"time"

	"golang.org/x/sys/unix"
)

// waitForHandlers returns when no handler runs any more of those that ran when
// it was called. They run under RCU, and membarrier(2) waits for all of its
// readers (Linux 4.3). Where the kernel does not offer it, a moment has to do.
//
// From 6.13 on handlers of system calls' tracepoints can be preempted, later all:
// they run under a lock of tracepoints' own then (include/linux/tracepoint.h).
func waitForHandlers() {
	const global = 1 // MEMBARRIER_CMD_GLOBAL
	_, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0)
	target, err := ThisTarget()
	preempted := err != nil || target.atLeast(6, 13)
	if errno != 0 || preempted && waitForTracepoints() != nil {
		time.Sleep(50 * time.Millisecond)
	}
}

// waitForTracepoints closes a perf event of a tracepoint, which returns when the
// kernel has waited for all handlers of tracepoints
// (tracepoint_synchronize_unregister, kernel/trace/trace_event_perf.c). The
// event is one that hardly ever happens.
func waitForTracepoints() error {
	tracefs, err := openTracefs()
	if err != nil {
		return err
	}
	defer tracefs.Close()
	id, err := eventID(tracefs, "sched", "sched_kthread_stop")
	if err != nil {
		return err
	}
	cpus, err := onlineCPUs()
	if err != nil {
		return err
	}
	attr := tracepointEvent(id)
	fd, err := unix.PerfEventOpen(&attr, -1, cpus[0], -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}
