package runner

import (
	"time"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// How long the session rests between two looks at the ring buffer: at first so
// long after one that found something, then twice as long each time. A ring
// that is fuller than crowded gets no rest.
const (
	shortRest = time.Millisecond
	longRest  = 16 * time.Millisecond
	crowded   = 0.25
)

// loop prints what probes send and runs timers, until something ends the run.
// In each round every timer that is due runs once, however late they all are:
// what else there is to do has its turn.
func (s *session) loop() error {
	begun := time.Now()
	s.timers.begin(begun)
	defer s.ends.after(s.opt.Timeout)()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	rest := shortRest
	for {
		took, err := s.drain()
		if err != nil {
			return err
		}
		s.lookAtState()
		if err := s.lookForCommand(); err != nil {
			return err
		}
		reason := s.ends.reason()
		if reason == "" || reason == TimedOut {
			if err := s.runTimers(time.Since(begun)); err != nil {
				return err
			}
		}
		if reason != "" {
			s.because(reason)
		}
		if s.result.Reason != "" {
			return nil
		}
		if rest = min(2*rest, longRest); took {
			rest = shortRest
		}
		if err := s.out.flush(); err != nil {
			return err
		}
		alarm.Reset(s.pause(time.Since(begun), rest))
		select {
		case <-s.ends.came.Done():
		case <-alarm.C:
		}
	}
}

// runTimers runs those that are due, and were before the time was over: what is
// to be at the last moment is done, even if that has just passed.
func (s *session) runTimers(elapsed time.Duration) error {
	if s.opt.Timeout > 0 {
		elapsed = min(elapsed, s.opt.Timeout)
	}
	now := s.timers.start.Add(elapsed)
	for s.result.Reason == "" && s.ends.handlers.Err() == nil {
		p := s.timers.take(now)
		if p == nil {
			break
		}
		if err := s.handle(s.ends.handlers, p); err != nil {
			return err
		}
	}
	return nil
}

// pause is how long there is nothing to do.
func (s *session) pause(elapsed, rest time.Duration) time.Duration {
	d := time.Duration(1<<63 - 1)
	if s.kernel != nil {
		d = rest
		if s.kernel.ring != nil && s.kernel.ring.fill() > crowded {
			d = 0
		}
	}
	if t := s.timers.next(); t != nil {
		d = min(d, t.due-elapsed)
	}
	return d
}

// lookAtState sees an end whose record did not come, or not yet.
func (s *session) lookAtState() {
	if s.kernel == nil {
		return
	}
	switch s.kernel.data.load(ir.ControlState) {
	case ir.Exiting:
		s.because(Exited)
	case ir.Failed:
		s.because(ScriptError)
	}
}

// drain takes what is in the ring buffer, and reports whether anything was.
func (s *session) drain() (bool, error) {
	if s.kernel == nil || s.kernel.ring == nil {
		return false, nil
	}
	return s.kernel.ring.drain(s.take)
}

// drainAll takes everything, after the last handler has ended.
func (s *session) drainAll() error {
	for took := true; took; {
		var err error
		if took, err = s.drain(); err != nil {
			return err
		}
	}
	s.lookAtState()
	if s.result.Reason == ScriptError && s.result.Failure == "" {
		return s.fail(0, 0, "a probe failed; what it said about it was lost, since the output buffer was full")
	}
	return nil
}

// take does what a record asks for.
func (s *session) take(record []byte) error {
	if err := s.printer.Decode(&s.record, s.prog.Sites, record); err != nil {
		return err
	}
	if s.record.Kind == ir.RecordExit {
		s.because(Exited)
		return nil // it has no site; a script may have none
	}
	site := &s.prog.Sites[s.record.Site]
	if s.record.Kind == ir.RecordPrint && s.opt.Event != nil {
		s.result.Printed++
		s.opt.Event(site, s.record.Values)
		return nil
	}
	var err error
	if s.line, err = s.printer.Format(s.line[:0], site, s.record.Values); err != nil {
		return err
	}
	if s.record.Kind == ir.RecordError {
		return s.fail(site.Line, site.Column, string(s.line))
	}
	s.result.Printed++
	return s.out.write(s.line, site.Stderr)
}
