package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/compiler/runner/render"
)

// Options are what may differ between two runs of one object.
type Options struct {
	// Target is the process that target() tells of (-x); 0 for none, or for
	// that of Command.
	Target int
	// Command is started once all probes are attached, and the run ends with
	// it (-c); it is told to end where the run ends first. It is a program, found
	// through PATH, and its arguments, as CommandLine makes them.
	Command []string
	// Timeout ends the run, counted from when probes are attached; 0 for
	// never. Begin probes, before that, have as long.
	Timeout time.Duration
	// Stdin of Command; nil for none.
	Stdin *os.File
	// Stdout and Stderr get the script's output; errors of the script go to
	// Stderr, as they happen.
	Stdout, Stderr io.Writer
	// Event, when set, gets what probes in the kernel print, as values, in
	// place of Stdout and Stderr: the place of the script that prints, and a
	// value for each of its slots. The slice is used again for the next event.
	// What user-side probes print goes to Stdout and Stderr as ever.
	Event func(site *ir.Site, values []render.Value)
	// Force runs an object that was compiled for another kernel.
	Force bool
	// AllowSystem lets the script call system().
	AllowSystem bool
	// RingSize of the output buffer in bytes, a power of two; 0 leaves what
	// the object says.
	RingSize int
	// Verbose tells on Stderr what could not be checked, when probes are
	// attached, and the verifier's log.
	Verbose bool
}

// Reason says why a run ended.
type Reason string

// The reasons.
const (
	Exited      Reason = "exit() was called"
	ScriptError Reason = "the script failed"
	Interrupted Reason = "interrupted"
	TimedOut    Reason = "the time was over"
	CommandDone Reason = "the command ended"
	ReaderLeft  Reason = "nobody reads the output any more"
)

// Result is how a run went.
type Result struct {
	Reason Reason
	// Failure is the error that ended the script, with its place.
	Failure string
	// Records that probes in the kernel sent and that were printed, or given to
	// Event.
	Printed int64
	// Lost records found the buffer of RingSize bytes full.
	Lost     int64
	RingSize int
	// Skipped handlers found another one of the script inside on their CPU;
	// Missed ones were left out by the kernel for the same reason (counted
	// from Linux 5.12).
	Skipped, Missed int64
	// Late is how many runs of timers were left out since the one before, or
	// output, took too long.
	Late int64
	// Errors of the script, more than one when several probes failed at the
	// same time.
	Errors int64
}

// Warnings tells in sentences what the output lacks; nothing for a run that
// lost nothing.
func (r *Result) Warnings() []string {
	var w []string
	say := func(n int64, format string, args ...any) {
		if n > 0 {
			w = append(w, fmt.Sprintf(format, args...))
		}
	}
	say(r.Lost, "lost %d records: the output buffer of %d KB was full; try a larger one with --ring-size %d",
		r.Lost, r.RingSize>>10, min(4*r.RingSize, maxRing))
	say(r.Skipped+r.Missed, "skipped %d runs of probes: another probe was running on their CPU", r.Skipped+r.Missed)
	say(r.Late, "left out %d runs of timers: the machine did not keep up with them", r.Late)
	say(r.Errors-1, "%d more errors after the first", r.Errors-1)
	return w
}

// Run runs an object until it ends by itself, the context is cancelled, the
// time is over or the command has ended; all of these end it in order, with its
// end probes run and its output printed, and are no errors. An error that the
// script did not catch is told on Stderr, makes its error probes run, and is the
// result's Failure.
//
// An error says that it could not run: a *MismatchError when the object was
// compiled for another kernel, a *RejectedError when the verifier does not take
// it.
//
// Where nobody reads the output any more, the run ends in order as well, and then
// as any other write would: SIGPIPE ends this process when it was its standard
// output or error, and the error wraps EPIPE when it was something else.
func Run(ctx context.Context, file *object.File, opt Options) (result Result, err error) {
	// A write where nobody reads is an error of its own, not the process's end, as
	// long as somebody waits for the signal.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, unix.SIGPIPE)
	var again func() error
	defer func() {
		signal.Stop(broken)
		if again != nil {
			err = errors.Join(err, again())
		}
	}()
	prog := file.Script
	if err := checkKernel(prog, &opt); err != nil {
		return Result{}, err
	}
	var kernel *loaded
	if len(file.Spec.Programs) > 0 {
		if kernel, err = load(prog, file.Spec, &opt); err != nil {
			return Result{}, err
		}
		defer func() { err = errors.Join(err, kernel.close()) }()
	}
	s, err := newSession(prog, kernel, &opt)
	if err != nil {
		return Result{}, err
	}
	again = s.out.again
	err = s.run(ctx)
	return s.result, err
}

// checkKernel refuses what this kernel cannot run, or what was not made for it.
func checkKernel(prog *ir.Program, opt *Options) error {
	target, err := ThisTarget()
	if err != nil {
		return err
	}
	if !target.atLeast(5, 8) {
		return fmt.Errorf("this kernel, %s, is older than 5.8, the first with the ring buffers that output needs", target.Release)
	}
	mismatch, notes := checkTarget(prog, target, newKernelTypes())
	if opt.Verbose {
		for _, note := range notes {
			fmt.Fprintf(opt.Stderr, "note: %s\n", note)
		}
	}
	if mismatch == nil {
		return nil
	}
	if mismatch.Never || !opt.Force {
		return mismatch
	}
	for _, d := range mismatch.Differences {
		fmt.Fprintf(opt.Stderr, "warning: run all the same: %s\n", d)
	}
	return nil
}
