package runner

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Scripts without probes in the kernel need no privileges: the order of a run.
func TestUserSide(t *testing.T) {
	begin, end, failed := ir.Probe{Kind: ir.Begin}, ir.Probe{Kind: ir.End}, ir.Probe{Kind: ir.Error}
	at := func(p ir.Probe, priority int64) ir.Probe { p.Priority = priority; return p }
	timer := ir.Probe{Kind: ir.Timer, Interval: int64(5 * time.Millisecond)}
	for _, c := range []struct {
		name           string
		make           func(s *script)
		timeout        time.Duration
		stdout, stderr string
		result         Result
	}{
		{"priorities", func(s *script) {
			s.probe(begin, s.print("b0"))
			s.probe(at(begin, -5), s.print("b-5"))
			s.probe(at(end, 1), s.print("e1"))
			s.probe(end, s.print("e0"))
			s.probe(failed, s.print("no error"))
			s.probe(begin, s.print("b0 again"))
			s.probe(at(begin, 9), exit())
			s.probe(at(begin, 10), s.print("after exit"))
		}, 0, "b-5\nb0\nb0 again\ne0\ne1\n", "", Result{Reason: Exited}},
		{"initial values and a timer", func(s *script) {
			n := s.scalar("n", 40)
			s.probe(timer, increase(n), &ir.Node{Op: ir.If, Args: []*ir.Node{long(ir.Eq, n, number(43)), exit()}})
			s.probe(end, s.print("n", n))
		}, 0, "n 43\n", "", Result{Reason: Exited}},
		{"an error in begin", func(s *script) {
			s.probe(begin, s.fail("no luck"))
			s.probe(begin, s.print("after the error"))
			s.probe(end, s.print("end"))
			s.probe(failed, s.print("error"))
		}, 0, "error\n", "t.stp:7:5: error: no luck\n", Result{Reason: ScriptError, Failure: "t.stp:7:5: error: no luck", Errors: 1}},
		{"an error in end", func(s *script) {
			s.probe(begin, exit())
			s.probe(end, s.print("end"), s.fail("late"), s.print("not this"))
			s.probe(end, s.print("nor this"))
			s.probe(failed, s.print("error"))
		}, 0, "end\nerror\n", "t.stp:7:5: error: late\n", Result{Reason: ScriptError, Failure: "t.stp:7:5: error: late", Errors: 1}},
		{"exit in end", func(s *script) {
			s.probe(begin, exit())
			s.probe(end, exit())
			s.probe(end, s.print("end"))
		}, 0, "end\n", "", Result{Reason: Exited}},
		{"the time is over", func(s *script) {
			s.probe(begin, s.print("begin"))
			s.probe(end, s.print("end"))
		}, 30 * time.Millisecond, "begin\nend\n", "", Result{Reason: TimedOut}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t)
			c.make(s)
			out, errs, result := s.run(t, Options{Timeout: c.timeout})
			result.Late = 0 // the machine's affair
			if out != c.stdout || errs != c.stderr || result != c.result {
				t.Errorf("printed %q and %q, want %q and %q\n%+v, want %+v", out, errs, c.stdout, c.stderr, result, c.result)
			}
		})
	}
}

// ^C ends in order, even while a probe loops for ever.
func TestInterrupt(t *testing.T) {
	forever := &ir.Node{Op: ir.Loop, Args: []*ir.Node{nil, nil, block()}}
	for name, body := range map[string][]*ir.Node{"idle": nil, "endless": {forever}} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.probe(ir.Probe{Kind: ir.Begin}, body...)
			s.probe(ir.Probe{Kind: ir.End}, s.print("end"))
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			var out, errs bytes.Buffer
			result, err := Run(ctx, s.compile(t), Options{Stdout: &out, Stderr: &errs})
			if err != nil || result.Reason != Interrupted || out.String() != "end\n" || errs.String() != "" {
				t.Errorf("%+v, %v: %q, %q", result, err, out.String(), errs.String())
			}
		})
	}
}

// A timer that takes longer than its interval, and a handler without an end, keep
// no end from coming: not the time's, not the command's, not the caller's.
func TestEndsOfBusyRuns(t *testing.T) {
	rounds := func(s *script, n int64) *ir.Node {
		i := &ir.Node{Op: ir.GetLoc, Type: ir.Long}
		next := long(ir.Update, i, number(1))
		next.How = ir.Add
		return &ir.Node{Op: ir.Loop, Args: []*ir.Node{long(ir.Lt, i, number(n)), next, block()}}
	}
	local := []ir.Local{{Name: "i", Type: ir.Long}}
	for name, probe := range map[string]func(s *script){
		"a slow timer": func(s *script) {
			s.probe(ir.Probe{Kind: ir.Timer, Interval: int64(time.Millisecond), Locals: local}, rounds(s, 100_000))
		},
		"a timer without an end": func(s *script) {
			s.probe(ir.Probe{Kind: ir.Timer, Interval: int64(time.Millisecond), Locals: local}, rounds(s, 1<<60))
		},
		"begin without an end": func(s *script) {
			s.probe(ir.Probe{Kind: ir.Begin, Locals: local}, rounds(s, 1<<60))
		},
	} {
		for _, reason := range []Reason{TimedOut, CommandDone, Interrupted} {
			if name == "begin without an end" && reason == CommandDone {
				continue // it starts after begin
			}
			t.Run(name+", "+string(reason), func(t *testing.T) {
				s := newScript(t)
				probe(s)
				s.probe(ir.Probe{Kind: ir.End}, s.print("end"))
				// What does not end in a minute does not end.
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				opt := Options{}
				switch reason {
				case TimedOut:
					opt.Timeout = 50 * time.Millisecond
				case CommandDone:
					opt.Command = []string{"sleep", "0.05"}
				case Interrupted:
					time.AfterFunc(50*time.Millisecond, cancel)
				}
				var out, errs bytes.Buffer
				opt.Stdout, opt.Stderr = &out, &errs
				result, err := Run(ctx, s.compile(t), opt)
				if err != nil || result.Reason != reason || out.String() != "end\n" || errs.String() != "" {
					t.Errorf("%+v, %v: %q, %q", result, err, out.String(), errs.String())
				}
			})
		}
	}
}

// A timer that is due at the last moment runs.
func TestLastReport(t *testing.T) {
	s := newScript(t)
	n := s.scalar("n", 0)
	s.probe(ir.Probe{Kind: ir.Timer, Interval: int64(50 * time.Millisecond)}, increase(n))
	s.probe(ir.Probe{Kind: ir.End}, s.print("n", long(ir.Ge, n, number(1))))
	out, errs, result := s.run(t, Options{Timeout: 50 * time.Millisecond})
	if out != "n 1\n" || errs != "" || result.Reason != TimedOut {
		t.Errorf("%+v: %q, %q", result, out, errs)
	}
}

// A handler that runs when an end comes may go on for a moment.
func TestAllowance(t *testing.T) {
	e := newEnds(t.Context())
	defer e.stop()
	if e.reason() != "" || e.came.Err() != nil {
		t.Errorf("an end before there is one: %q, %v", e.reason(), e.came.Err())
	}
	start := time.Now()
	e.because(CommandDone)
	e.because(TimedOut)
	<-e.came.Done()
	<-e.handlers.Done()
	if took := time.Since(start); took < allowance || e.reason() != CommandDone {
		t.Errorf("%q, handlers were cut after %v", e.reason(), took)
	}
}

// The command starts when it is let, and its end is the run's.
func TestCommand(t *testing.T) {
	s := newScript(t)
	s.probe(ir.Probe{Kind: ir.Begin}, s.print("begin"))
	s.probe(ir.Probe{Kind: ir.End}, s.print("end"))
	out, errs, result := s.run(t, Options{Command: []string{"sh", "-c", "echo out; echo $1 >&2; exit 3", "x", "a b"}})
	if result.Reason != CommandDone || out != "begin\nout\nend\n" || errs != "a b\n" {
		t.Errorf("%+v: %q, %q", result, out, errs)
	}
	// One that does not end by itself is ended.
	start := time.Now()
	_, _, result = s.run(t, Options{Command: []string{"sleep", "60"}, Timeout: 20 * time.Millisecond})
	if result.Reason != TimedOut || time.Since(start) > patience {
		t.Errorf("%+v after %v", result, time.Since(start))
	}
	_, err := Run(t.Context(), s.compile(t), Options{Command: []string{"no-such-command"}, Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}})
	if err == nil || err.Error() != `the command to run: exec: "no-such-command": executable file not found in $PATH` {
		t.Errorf("error %v", err)
	}
}
