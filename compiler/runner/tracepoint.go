package runner

import (
	"fmt"
	"io"
	"os"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// attachTracepoint attaches to an event's record, as perf sees it. One perf
// event on any CPU is enough: the handlers of a tracepoint run on all of them
// (perf_trace_run_bpf_submit in kernel/events/core.c). Linux 4.7.
func attachTracepoint(tracefs *os.Root, system, event string, program *ebpf.Program) (io.Closer, error) {
	id, err := eventID(tracefs, system, event)
	if err != nil {
		return nil, err
	}
	cpus, err := onlineCPUs()
	if err != nil {
		return nil, err
	}
	attr := tracepointEvent(id)
	fd, err := openPerfEvent(&attr, cpus[0], program)
	if err != nil {
		return nil, fmt.Errorf("tracepoint %s:%s: %w", system, event, err)
	}
	return fd, nil
}

// tracepointEvent describes the perf event of a tracepoint, disabled.
func tracepointEvent(id uint64) unix.PerfEventAttr {
	return unix.PerfEventAttr{
		Type:        unix.PERF_TYPE_TRACEPOINT,
		Size:        uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config:      id,
		Sample:      1,
		Sample_type: unix.PERF_SAMPLE_RAW,
		Wakeup:      1,
		Bits:        unix.PerfBitDisabled,
	}
}
