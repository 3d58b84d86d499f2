package runner

import (
	"context"
	"errors"
	"time"
)

// allowance is how long a handler that runs when an end comes may still take, so
// that a report that has begun is whole and a loop without end ends.
const allowance = 200 * time.Millisecond

// ends are what ends a run from outside of the script: the caller, the time, the
// end of the command. Each reaches a handler that is in the middle, too.
type ends struct {
	came     context.Context // done when one has come
	end      context.CancelCauseFunc
	handlers context.Context // done when the allowance after that is over
	stop     func()
}

func newEnds(ctx context.Context) *ends {
	e := &ends{}
	e.came, e.end = context.WithCancelCause(ctx)
	handlers, cut := context.WithCancel(context.WithoutCancel(ctx))
	e.handlers = handlers
	forget := context.AfterFunc(e.came, func() { time.AfterFunc(allowance, cut) })
	e.stop = func() {
		forget()
		e.end(nil)
		cut()
	}
	return e
}

// because makes a reason the end, unless there is one already.
func (e *ends) because(r Reason) { e.end(endError(r)) }

// after makes the end come when the time is over; 0 is never. What it returns
// takes that back.
func (e *ends) after(timeout time.Duration) (takeBack func()) {
	if timeout <= 0 {
		return func() {}
	}
	timer := time.AfterFunc(timeout, func() { e.because(TimedOut) })
	return func() { timer.Stop() }
}

// with makes the end of the command that of the run. It returns once there is one.
func (e *ends) with(c *command) {
	select {
	case <-c.done:
		e.because(CommandDone)
	case <-e.came.Done():
	}
}

// reason is why an end has come, nothing while none has.
func (e *ends) reason() Reason {
	var reason endError
	switch cause := context.Cause(e.came); {
	case cause == nil:
		return ""
	case errors.As(cause, &reason):
		return Reason(reason)
	}
	return Interrupted
}

// endError is a reason as a context's cause.
type endError Reason

func (e endError) Error() string { return string(e) }
