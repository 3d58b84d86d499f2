package runner

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// attachRawTracepoint attaches to an event by its name alone: tracepoints have
// one namespace, systems are tracefs's. Linux 4.17.
func attachRawTracepoint(event string, program *ebpf.Program) (io.Closer, error) {
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: event, Program: program})
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil, fmt.Errorf("%w %s%s", errNoEvent, event, inModule)
	case errors.Is(err, unix.EINVAL):
		// bpf_raw_tp_link_attach compares what the program reads of its
		// context with the event's number of arguments.
		return nil, fmt.Errorf("the probe reads more arguments than %s has on this kernel: %w", event, err)
	case err != nil:
		return nil, withPrivileges(err)
	}
	return l, nil
}
