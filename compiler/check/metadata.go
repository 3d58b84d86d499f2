package check

import (
	"context"

	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/check/points"
)

// Metadata is what a check asks about the kernel it is for: its events, its
// types and its constants. An error of an event's name that implements
// points.NotFound or points.Ambiguous is told at the script's place; any other
// error ends the check.
type Metadata interface {
	points.Metadata
	ctype.Metadata
	// Enumerator returns the value of an enum's constant.
	Enumerator(ctx context.Context, name string) (value int64, known bool, err error)
}
