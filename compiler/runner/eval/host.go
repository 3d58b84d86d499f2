package eval

import (
	"context"
	"io"
	"time"

	"github.com/tpinfo/tpinfo/compiler/runner/render"
)

// Host is what handlers see of the machine, and where they print. ThisProcess
// makes a real one; tests fill in what they need. A nil function is an error
// for the script that calls it.
type Host struct {
	Stdout, Stderr io.Writer
	// Printer makes text; its Order must be set.
	Printer render.Printer

	// The process that runs the probes.
	PID, TID, UID, GID int64
	Name               string // its command name, execname()
	Target             int64  // target(): the process of -x or -c
	Module             string // module_name()

	CPU       func() int64
	Monotonic func() int64          // nanoseconds of CLOCK_MONOTONIC
	Realtime  func() int64          // nanoseconds since 1970
	Jiffies   func() (int64, error) // the kernel's own count
	Cycles    func() int64          // the processor's counter
	Random    func(n int64) int64   // 0 to n-1, for a positive n
	Zone      *time.Location        // of tz_ctime; nil is UTC

	// System runs a shell command; nil when the user did not allow it.
	System func(ctx context.Context, command string) error
	// Exit, when not nil, is told at once that the script called exit(): no
	// other probe may start from here on.
	Exit func()
}
