package runner

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/runner/eval"
	"github.com/tpinfo/tpinfo/compiler/runner/render"
	"github.com/tpinfo/tpinfo/compiler/runner/symbols"
)

// session is one run of an object.
type session struct {
	prog    *ir.Program
	opt     *Options
	kernel  *loaded // nil when all probes run in user space
	store   eval.Store
	machine *eval.Machine
	printer render.Printer
	out     *output
	timers  *schedule
	command *command // of -c
	onset   *onset   // of the command, until it has begun
	ends    *ends

	record render.Record
	line   []byte // what a record prints
	result Result
}

// newSession gets everything ready that a run needs before its first probe.
func newSession(prog *ir.Program, kernel *loaded, opt *Options) (*session, error) {
	s := &session{prog: prog, kernel: kernel, opt: opt}
	err := findTarget(opt.Target)
	if err != nil {
		return nil, err
	}
	if s.timers, err = newSchedule(prog); err != nil {
		return nil, err
	}
	named := &kernelSymbols{}
	s.printer = render.Printer{Order: binary.NativeEndian, Symbols: named, Syscall: symbols.Syscalls(prog.Kernel.Arch)}
	if kernel == nil {
		s.store = eval.NewMemory(prog)
	} else {
		named.stacks, named.programs = kernel.Maps[ir.StackMap], kernel.Programs
		s.store = newStore(prog, kernel.data, kernel.Maps, kernel.Programs)
		if kernel.ring != nil {
			s.result.RingSize = int(kernel.Maps[ir.RingMap].MaxEntries())
		}
	}
	stdout, stderr := opt.Stdout, opt.Stderr
	if len(opt.Command) > 0 {
		stdout, stderr = shared(stdout), shared(stderr)
		if s.command, err = startCommand(opt.Command, opt.Stdin, stdout, stderr); err != nil {
			return nil, err
		}
	}
	s.out = newOutput(stdout, stderr)
	s.machine = eval.New(prog, s.store, s.host())
	s.printer.Call = s.machine.Call
	return s, nil
}

// host is what user-side probes see.
func (s *session) host() eval.Host {
	h := eval.ThisProcess(s.printer)
	h.Stdout, h.Stderr = s.out.stdout(), s.out.stderr()
	h.Target, h.Module = int64(s.target()), moduleName(s.prog.Name)
	if s.opt.AllowSystem {
		h.System = eval.Shell(h.Stdout, h.Stderr)
	}
	h.Exit = func() { s.end(ir.Exiting) }
	return h
}

// moduleName is what SystemTap would name the kernel module that it makes of a
// script ("stap -m"): the file's name, of letters, digits and "_". A script that
// is in no file, "<-e>", is "script".
func moduleName(script string) string {
	name := strings.TrimSuffix(filepath.Base(script), ".stp")
	if strings.HasPrefix(name, "<") {
		return "script"
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' {
			return r
		}
		return '_'
	}, name)
}

// target is the process that target() tells of.
func (s *session) target() int {
	if s.opt.Target == 0 && s.command != nil {
		return s.command.process.Pid
	}
	return s.opt.Target
}

// end tells the probes in the kernel that the run is over.
func (s *session) end(state int64) {
	if s.kernel != nil {
		s.kernel.data.end(state)
	}
}

// run goes through the whole life of the script. Its error is one of the
// runner, not of the script.
func (s *session) run(ctx context.Context) (err error) {
	if s.command != nil {
		defer func() { err = errors.Join(err, s.command.stop()) }()
	}
	defer func() { err = errors.Join(err, s.out.flush()) }()
	s.ends = newEnds(ctx)
	defer s.ends.stop()
	s.out.whenLeft(func() { s.ends.because(ReaderLeft) })
	if err := s.begin(); err != nil {
		return err
	}
	if s.result.Reason == "" {
		if err := s.observe(); err != nil {
			return err
		}
	}
	return s.finish(ctx)
}

// begin initialises globals and runs the begin probes, which have the time of
// the timeout for themselves.
func (s *session) begin() error {
	if s.kernel != nil {
		d := s.kernel.data
		d.store(ir.ControlTarget, int64(s.target()))
		wall, err := wallOffset()
		if err != nil {
			return err
		}
		d.store(ir.ControlWall, wall)
		for i := range s.prog.Globals {
			g := &s.prog.Globals[i]
			if g.Init == nil || g.Mapped() {
				continue
			}
			v := eval.Value{Type: g.Type, Int: g.Init.Int, Str: g.Init.Str}
			if err := s.store.Set(i, nil, v); err != nil {
				return fmt.Errorf("initialise global %s: %w", g.Name, err)
			}
		}
	}
	defer s.ends.after(s.opt.Timeout)()
	err := s.all(s.ends.handlers, ir.Begin)
	if r := s.ends.reason(); err == nil && r != "" {
		s.because(r)
	}
	return err
}

// wallOffset is what to add to CLOCK_MONOTONIC to get CLOCK_REALTIME, in
// nanoseconds.
func wallOffset() (int64, error) {
	var wall, before, after unix.Timespec
	err := errors.Join(
		unix.ClockGettime(unix.CLOCK_MONOTONIC, &before),
		unix.ClockGettime(unix.CLOCK_REALTIME, &wall),
		unix.ClockGettime(unix.CLOCK_MONOTONIC, &after))
	return wall.Nano() - (before.Nano()+after.Nano())/2, err
}

// all runs the probes of a kind in the order of their priorities, until one
// of them fails or, of begin probes, ends the script.
func (s *session) all(ctx context.Context, kind ir.ProbeKind) error {
	var probes []*ir.Probe
	for i := range s.prog.Probes {
		if p := &s.prog.Probes[i]; p.Kind == kind {
			probes = append(probes, p)
		}
	}
	slices.SortStableFunc(probes, func(a, b *ir.Probe) int { return cmp.Compare(a.Priority, b.Priority) })
	before := s.result.Errors
	for _, p := range probes {
		if err := s.handle(ctx, p); err != nil {
			return err
		}
		if s.result.Errors > before || kind == ir.Begin && s.result.Reason != "" {
			break
		}
	}
	return nil
}

// handle runs a user-side probe. Where the context ends it, what ended the
// context is why.
func (s *session) handle(ctx context.Context, p *ir.Probe) error {
	err := s.machine.Run(ctx, p)
	var failed *eval.RuntimeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, eval.ErrExit):
		s.because(Exited)
		return nil
	case errors.As(err, &failed):
		return s.fail(failed.Line, failed.Column, failed.Message)
	case ctx.Err() != nil:
		s.because(s.ends.reason())
		return nil
	}
	return fmt.Errorf("%s:%d:%d: %s: %w", s.prog.Name, p.Line, p.Column, p.Point, err)
}

// because keeps the first reason to end. An error outweighs the others.
func (s *session) because(r Reason) {
	if s.result.Reason == "" || r == ScriptError {
		s.result.Reason = r
	}
}

// fail ends the script with an error of its own.
func (s *session) fail(line, column int, message string) error {
	s.end(ir.Failed)
	s.because(ScriptError)
	s.result.Errors++
	if s.result.Errors > 1 {
		return nil
	}
	at := s.prog.Name
	if line > 0 {
		at = fmt.Sprintf("%s:%d:%d", at, line, column)
	}
	s.result.Failure = at + ": error: " + message
	return s.out.write([]byte(s.result.Failure+"\n"), true)
}

// observe attaches, and waits for the end.
func (s *session) observe() (err error) {
	if s.command != nil {
		s.command.await()
	}
	start := time.Now()
	attached := &attachment{}
	defer func() { err = errors.Join(err, s.onset.close()) }()
	if s.kernel != nil {
		if err := s.expectCommand(); err != nil {
			return err
		}
		if attached, err = attach(s.prog, s.kernel.Programs); err != nil {
			return err
		}
	}
	if n := len(attached.absent); n > 0 {
		more := ""
		if n > 1 {
			more = fmt.Sprintf(", and %d more", n-1)
		}
		fmt.Fprintf(s.opt.Stderr, "warning: left out: %v%s\n", attached.absent[0], more)
	}
	if s.opt.Verbose {
		fmt.Fprintf(s.opt.Stderr, "note: %d attached in %v\n", len(attached.closers), time.Since(start).Round(10*time.Microsecond))
	}
	if s.command != nil {
		// What begin probes printed comes before what the command prints.
		if err := s.out.flush(); err != nil {
			return errors.Join(err, attached.Close())
		}
		if err := s.command.begin(); err != nil {
			return errors.Join(fmt.Errorf("start the command: %w", err), attached.Close())
		}
		go s.ends.with(s.command)
	}
	err = s.loop()
	s.end(ir.Exiting)
	if err = errors.Join(err, attached.Close()); s.command != nil {
		// It ends while the last probes run.
		err = errors.Join(err, s.command.tell(s.result.Reason))
	}
	if err != nil || s.kernel == nil {
		return err
	}
	waitForHandlers()
	return s.drainAll()
}

// expectCommand gets ready for the command to begin, which makes it the target.
func (s *session) expectCommand() (err error) {
	if s.command == nil || s.opt.Target != 0 || !firstNamespace() {
		return nil
	}
	s.kernel.data.store(ir.ControlTarget, nobody)
	s.onset, err = prepareOnset(s.target(), s.kernel.Maps[ir.DataMap])
	return err
}

// lookForCommand sees that the command has begun.
func (s *session) lookForCommand() error {
	if s.onset == nil || s.kernel.data.load(ir.ControlTarget) == nobody {
		return nil
	}
	err := s.onset.close()
	s.onset = nil
	return err
}

// finish runs the last probes and counts what was lost.
func (s *session) finish(ctx context.Context) error {
	// The user's wish to end is what got here; the last probes run to their end.
	ctx = context.WithoutCancel(ctx)
	if s.result.Reason != ScriptError {
		if err := s.all(ctx, ir.End); err != nil {
			return err
		}
	}
	if s.result.Reason == ScriptError {
		if err := s.all(ctx, ir.Error); err != nil {
			return err
		}
	}
	s.result.Late = s.timers.late
	return s.count()
}

// count reads the counters of the kernel's side.
func (s *session) count() error {
	if s.kernel == nil {
		return nil
	}
	s.result.Lost = s.kernel.data.load(ir.ControlLost)
	s.result.Skipped = s.kernel.data.load(ir.ControlSkipped)
	for name, p := range s.kernel.Programs {
		stats, err := p.Stats()
		if err != nil {
			return fmt.Errorf("counters of %s: %w", name, err)
		}
		s.result.Missed += int64(stats.RecursionMisses)
	}
	return nil
}
