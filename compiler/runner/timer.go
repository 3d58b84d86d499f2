package runner

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// timer is a timer probe and when it is due, counted from the schedule's start.
type timer struct {
	probe *ir.Probe
	due   time.Duration
}

// schedule runs timers at multiples of their interval from the start on, however
// long their handlers take; what comes too late is left out and counted.
type schedule struct {
	timers []timer
	start  time.Time // with its monotonic reading
	late   int64
}

func newSchedule(prog *ir.Program) (*schedule, error) {
	s := &schedule{}
	for i := range prog.Probes {
		p := &prog.Probes[i]
		if p.Kind != ir.Timer {
			continue
		}
		if p.Interval <= 0 || p.Random < 0 {
			return nil, fmt.Errorf("%s:%d:%d: a timer that is due every %d ns", prog.Name, p.Line, p.Column, p.Interval)
		}
		s.timers = append(s.timers, timer{probe: p})
	}
	return s, nil
}

// begin starts the clock.
func (s *schedule) begin(now time.Time) {
	s.start = now
	for i := range s.timers {
		s.timers[i].due = s.timers[i].pause()
	}
}

// pause is from one time that a timer is due to the next.
func (t *timer) pause() time.Duration {
	d := t.probe.Interval
	if t.probe.Random > 0 {
		d += rand.Int64N(t.probe.Random + 1)
	}
	return time.Duration(d)
}

// next is the timer that is due first, nil for none; of those due at the same
// time, the script's first.
func (s *schedule) next() *timer {
	var first *timer
	for i := range s.timers {
		if t := &s.timers[i]; first == nil || t.due < first.due {
			first = t
		}
	}
	return first
}

// take returns a probe that is due, nil for none, and sets when it is due again.
func (s *schedule) take(now time.Time) *ir.Probe {
	t, elapsed := s.next(), now.Sub(s.start)
	if t == nil || t.due > elapsed {
		return nil
	}
	t.due += t.pause()
	if behind := elapsed - t.due; behind >= 0 {
		missed := int64(behind)/t.probe.Interval + 1
		t.due += time.Duration(missed * t.probe.Interval)
		s.late += missed
	}
	return t.probe
}
