package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/compiler/runner"
)

// runFlags are how a script is run.
type runFlags struct {
	pid         int
	command     string
	timeout     time.Duration
	remote      string
	allowSystem bool
}

// Learn makes the running kernel known to the cache.
type Learn func(context.Context, *cli.App) error

// Run is "tpinfo run". A script that asks for something of a running kernel that
// the cache does not know has it learned first.
func Run(a *cli.App, learn Learn) *cobra.Command {
	var r runFlags
	cmd := &cobra.Command{
		Use:   "run SCRIPT|OBJECT [ARG...]",
		Short: "Run a probe script here, or on another host",
		Long: `Run a probe script, or an object that 'tpinfo compile' made. A script is compiled
for the running kernel; when the cache does not know that one, its headers are
extracted first, or its BTF is read.

With --remote the script is compiled here for the kernel of another host and
runs there. That host needs an ssh server and nothing of ours: the program that
runs objects is sent once.

The script ends by its own exit(), by ^C, with -c COMMAND when the command ends,
or after --timeout; its end probes run each time. What it prints goes to the
file of -o where there is one. ARGs are the script's: $1, @1 and so on; those
that begin with - go behind --.`,
		Example: `  tpinfo run faults.stp
  tpinfo run -e 'probe kernel.trace("sched_switch") { println(execname()) }' --timeout 1s
  tpinfo run -e 'global n probe kernel.trace("sys_enter") { if (pid() == target()) n++ } probe end { println(n) }' -c 'ls /'
  tpinfo run --remote ssh://root@build-7 faults.stp`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := readScript(a, cmd, args)
			if err != nil {
				return err
			}
			if err := r.check(cmd, a.Settings.RingSize); err != nil {
				return cli.Usage(err)
			}
			r.allowSystem = s.opt.AllowSystem
			return withOutput(a, func(out io.Writer) error {
				if r.remote != "" {
					return runRemote(cmd.Context(), a, s, r, out)
				}
				return runHere(cmd.Context(), a, s, r, learn, out)
			})
		},
	}
	scriptFlags(cmd)
	f := cmd.Flags()
	f.IntVarP(&r.pid, "target", "x", 0, "the process that target() tells of")
	f.StringVarP(&r.command, "command", "c", "", "run a command meanwhile, and end with it; target() is its process")
	f.DurationVar(&r.timeout, "timeout", 0, "end after this time: 10s, 5m")
	f.StringVar(&r.remote, "remote", "", "run on another host: ssh://[user@]host[:port]")
	f.Int("ring-size", 0, "bytes of the buffer that probes in the kernel print to, a power of two (default 8388608)")
	f.Bool("force", false, "run an object although it was compiled for another kernel")
	return cmd
}

// check refuses what cannot be meant.
func (r *runFlags) check(cmd *cobra.Command, ringSize int) error {
	given := cmd.Flags().Changed
	if given("ring-size") || ringSize != 0 {
		if err := runner.CheckRingSize(ringSize); err != nil {
			return fmt.Errorf("--ring-size: %w", err)
		}
	}
	switch {
	case given("target") && r.pid <= 0:
		return fmt.Errorf("-x %d: it takes the number of a process", r.pid)
	case given("target") && given("command"):
		return errors.New("-x and -c: target() is one process")
	case given("command") && len(runner.CommandLine(r.command)) == 0:
		return errors.New("-c: it takes a command")
	case r.timeout < 0:
		return fmt.Errorf("--timeout %v: it takes a time such as 30s", r.timeout)
	}
	return nil
}

// withOutput gives f what a script prints to: the file of -o, which shows it as
// it comes, or standard output.
func withOutput(a *cli.App, f func(io.Writer) error) (err error) {
	if a.ToStandardOutput() {
		return f(a.Out)
	}
	file, err := os.Create(a.Settings.Output)
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return f(file)
}

func runHere(ctx context.Context, a *cli.App, s *script, r runFlags, learn Learn, out io.Writer) error {
	data := s.object
	if data == nil {
		var err error
		if data, err = compileForHere(ctx, a, s, learn); err != nil {
			return err
		}
	}
	file, err := object.Read(data)
	if err != nil {
		return fmt.Errorf("%s: %w", s.objectFile(), err)
	}
	if s.object == nil && !a.Settings.Force {
		if err := chosenForHere(file.Script.Kernel); err != nil {
			return err
		}
	}
	opt := runner.Options{
		Target: r.pid, Timeout: r.timeout, Stdout: out, Stderr: a.Err, Force: a.Settings.Force,
		AllowSystem: r.allowSystem, Verbose: a.Settings.Verbose, Stdin: os.Stdin, RingSize: a.Settings.RingSize,
	}
	opt.Command = runner.CommandLine(r.command)
	res, err := runner.Run(ctx, file, opt)
	if err != nil {
		return err
	}
	if !a.Settings.Quiet {
		for _, w := range res.Warnings() {
			fmt.Fprintf(a.Err, "warning: %s\n", w)
		}
	}
	if res.Failure != "" {
		return cli.ErrSilent
	}
	return nil
}

// chosenForHere refuses to run what -k had compiled for another kernel.
func chosenForHere(k tpinfo.Kernel) error {
	here, err := runningKernel()
	if err != nil || k.Release == here.Release {
		return err
	}
	return fmt.Errorf("-k chooses kernel %s, and this machine runs %s: leave -k out, run it with --remote on a host that has that kernel, or make an object for it with 'tpinfo compile'",
		k.Release, here.Release)
}

// compileForHere compiles for the running kernel, which it makes known to the
// cache first where it is not and the script asks for something of it; or for
// the one that -k names.
func compileForHere(ctx context.Context, a *cli.App, s *script, learn Learn) ([]byte, error) {
	if a.Settings.Kernel != "" {
		return compileFor(ctx, a, s, nil)
	}
	here, err := runningKernel()
	if err != nil {
		return nil, err
	}
	a.Settings.Kernel = here.Release
	data, err := compileFor(ctx, a, s, &here)
	if !errors.Is(err, errUnknown) {
		return data, err
	}
	a.Note("the cache does not know the running kernel %s: extracting it", here.Release)
	if err := learn(ctx, a); err != nil {
		return nil, err
	}
	return compileFor(ctx, a, s, nil)
}

// compileFor compiles for the kernel that is chosen. Where the cache does not
// know that one and its identity is given, a script that asks for nothing of the
// kernel compiles all the same; with one that does the error is errUnknown.
func compileFor(ctx context.Context, a *cli.App, s *script, identity *tpinfo.Kernel) ([]byte, error) {
	var data bytes.Buffer
	compile := func(m check.Metadata) error {
		o, err := compiler.Compile(ctx, s.src, m, s.opt)
		if err != nil {
			return scriptError(a, err)
		}
		return o.Write(&data)
	}
	known, why := true, error(nil)
	if identity != nil {
		known, why = knows(ctx, a, identity.Release)
	}
	var err error
	if known {
		err = withMetadata(ctx, a, compile)
	} else if err = compile(unknownKernel{*identity}); errors.Is(err, errUnknown) && why != nil {
		err = why
	}
	return data.Bytes(), err
}

// knows reports whether the cache has a kernel of that release.
func knows(ctx context.Context, a *cli.App, release string) (known bool, err error) {
	db, err := a.ReadCache(ctx)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.Kernel(ctx, release)
	var missing *cache.NotFoundError
	if errors.As(err, &missing) {
		return false, nil
	}
	return err == nil, err
}
