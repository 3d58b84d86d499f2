package probe

import (
	"context"
	"errors"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/runner"
)

// unknownKernel is a kernel of which no more is known than what it is. Scripts
// that ask for nothing of it, with begin, end and timer probes alone, compile
// without a cache.
type unknownKernel struct{ identity tpinfo.Kernel }

var _ check.Metadata = unknownKernel{}

// errUnknown ends the compilation of a script that does ask.
var errUnknown = errors.New("the kernel is not known")

// runningKernel is what the running kernel says of itself.
func runningKernel() (tpinfo.Kernel, error) {
	t, err := runner.ThisTarget()
	return tpinfo.Kernel{Release: t.Release, Arch: t.Arch, ByteOrder: t.ByteOrder, WordSize: 8}, err
}

func (u unknownKernel) Identity() tpinfo.Kernel { return u.identity }

func (unknownKernel) Event(context.Context, string) (*tpinfo.Tracepoint, error) {
	return nil, errUnknown
}

func (unknownKernel) Events(context.Context, ...string) ([]tpinfo.Tracepoint, error) {
	return nil, errUnknown
}

func (unknownKernel) TypeIfKnown(context.Context, string) (*tpinfo.Type, error) {
	return nil, errUnknown
}

func (unknownKernel) TypeNames(context.Context, string) ([]string, error) { return nil, errUnknown }

func (unknownKernel) Enumerator(context.Context, string) (int64, bool, error) {
	return 0, false, errUnknown
}

func (unknownKernel) Header(context.Context, []string, string) (*tpinfo.Type, error) {
	return nil, errUnknown
}
