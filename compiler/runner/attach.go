package runner

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cilium/ebpf"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// inModule ends the message about an event that is not there.
const inModule = " (load the module first if it is a module's)"

// errNoEvent is wrapped where the kernel does not have an event.
var errNoEvent = errors.New("this kernel has no tracepoint")

// attachment is all that a session has attached.
type attachment struct {
	closers []io.Closer
	absent  []error  // of optional probes
	tracefs *os.Root // once it was needed
}

// attach attaches every probe that runs in the kernel, but optional ones whose
// event is not there, as long as there is another. What was attached before an
// error is detached again.
func attach(prog *ir.Program, programs map[string]*ebpf.Program) (*attachment, error) {
	a := &attachment{}
	for i := range prog.Probes {
		p := &prog.Probes[i]
		if !p.Kind.InKernel() || p.Kind == ir.UserUpdate {
			continue
		}
		err := a.probe(p, programs[p.Program])
		if err != nil {
			err = fmt.Errorf("%s:%d:%d: attach %s: %w", prog.Name, p.Line, p.Column, p.Point, err)
		}
		switch {
		case err != nil && p.Optional && errors.Is(err, errNoEvent):
			a.absent = append(a.absent, err)
		case err != nil:
			return nil, errors.Join(err, a.Close())
		}
	}
	if len(a.absent) > 0 && len(a.closers) == 0 {
		return nil, errors.Join(a.absent[0], a.Close())
	}
	return a, nil
}

func (a *attachment) probe(p *ir.Probe, program *ebpf.Program) error {
	switch p.Kind {
	case ir.RawTracepoint:
		l, err := attachRawTracepoint(p.Event, program)
		if err != nil {
			return err
		}
		a.closers = append(a.closers, l)
	case ir.Tracepoint:
		if a.tracefs == nil {
			var err error
			if a.tracefs, err = openTracefs(); err != nil {
				return err
			}
		}
		event, err := attachTracepoint(a.tracefs, p.System, p.Event, program)
		if err != nil {
			return err
		}
		a.closers = append(a.closers, event)
	case ir.PerfEvent:
		events, err := attachPerfEvent(p.Perf, program)
		if err != nil {
			return err
		}
		a.closers = append(a.closers, events)
	default:
		return fmt.Errorf("a probe of a kind not known here, %q", p.Kind)
	}
	return nil
}

// Close detaches everything. Handlers may still be running when it returns.
func (a *attachment) Close() error {
	var errs []error
	for _, c := range a.closers {
		errs = append(errs, c.Close())
	}
	a.closers = nil
	if a.tracefs != nil {
		errs = append(errs, a.tracefs.Close())
		a.tracefs = nil
	}
	return errors.Join(errs...)
}
