package points

import (
	"context"

	"github.com/tpinfo/tpinfo"
)

// Metadata is what resolving points asks about a kernel. An error that
// implements NotFound or Ambiguous is about a name, and is told at the script's
// place; any other ends the check.
type Metadata interface {
	// Identity tells which kernel it is.
	Identity() tpinfo.Kernel
	// Event returns one event: "sched:sched_switch", or "sched_switch" alone.
	Event(ctx context.Context, name string) (*tpinfo.Tracepoint, error)
	// Events returns the events that match any of the patterns, globs over
	// "system:name" or, without a colon, over names.
	Events(ctx context.Context, patterns ...string) ([]tpinfo.Tracepoint, error)
}

// NotFound is an error that names what was perhaps meant.
type NotFound interface {
	error
	Suggestions() []string
}

// Ambiguous is an error that names what a name may stand for.
type Ambiguous interface {
	error
	Choices() []string
}
