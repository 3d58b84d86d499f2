package check

import (
	"context"

	"github.com/tpinfo/tpinfo"
)

// Metadata is what a check asks about the kernel it is for. An error that
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
	// TypeIfKnown returns a definition by its name, "struct page" or "u32";
	// nil when there is none.
	TypeIfKnown(ctx context.Context, name string) (*tpinfo.Type, error)
	// TypeNames lists the names of types that match a glob.
	TypeNames(ctx context.Context, pattern string) ([]string, error)
	// Enumerator returns the value of an enum's constant.
	Enumerator(ctx context.Context, name string) (value int64, known bool, err error)
	// Header learns a type that is not known from headers, "linux/hrtimer.h",
	// included in this order, and returns it; nil when they do not define it.
	// Where that cannot be, the error says what would help.
	Header(ctx context.Context, headers []string, typeName string) (*tpinfo.Type, error)
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
