package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// fromImage tells kernels known from what their image says of itself.
func fromImage(k *tpinfo.Kernel) bool {
	return k.Source == tpinfo.FromBTF || k.Source == tpinfo.FromBTFTracefs
}

// cover says which events a kernel's sources can show, so that the others are
// not taken for events that it lacks.
type cover struct {
	kernel            *tpinfo.Kernel
	private, syscalls bool
}

func coverOf(k *tpinfo.Kernel, events []tpinfo.Tracepoint) cover {
	c := cover{kernel: k}
	for i := range events {
		c.private = c.private || private(&events[i]) && !syscall(&events[i])
		c.syscalls = c.syscalls || syscall(&events[i])
	}
	return c
}

// private tells events of headers that only a full source tree has: those under
// include, of the kernel or of an architecture, are in every build tree.
func private(e *tpinfo.Tracepoint) bool {
	first, rest, _ := strings.Cut(e.Header, "/")
	if first == "arch" {
		_, rest, _ = strings.Cut(rest, "/")
		first, _, _ = strings.Cut(rest, "/")
	}
	return e.Header != "" && first != "include"
}

// syscall tells the events that kernel/trace/trace_syscalls.c makes of the
// prototypes of system calls; no header declares them.
func syscall(e *tpinfo.Tracepoint) bool { return e.System == "syscalls" }

// omits says why the kernel's description may lack an event that the kernel
// has; empty where it would be there. other describes the event.
func (c *cover) omits(e *tpinfo.Tracepoint, other *tpinfo.Kernel) string {
	if fromImage(c.kernel) {
		if fromImage(other) {
			return ""
		}
		return "is known from BTF, which has what the image and its modules at hand were built with"
	}
	failed := slices.ContainsFunc(c.kernel.Problems, func(p tpinfo.Problem) bool {
		return p.Code == tpinfo.HeaderFailed && p.Subject == e.Header && e.Header != ""
	})
	switch {
	case failed:
		return fmt.Sprintf("could not compile %s", e.Header)
	case syscall(e) && !c.syscalls:
		return "was extracted without the system calls, which --source adds"
	case !syscall(e) && (private(e) || e.Header == "") && !c.private:
		return "was extracted without private headers, which --source adds"
	}
	return ""
}
