package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/oci"
	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue"
)

// Exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1 // the answer is no, or something failed
	exitUsage       = 2
	exitInterrupted = 130 // as a shell reports a program ended by ^C
)

// streams are the program's standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// app is one run of the program.
type app struct {
	streams
	settings settings
	style    style // of out
	// compilers are those that were looked for, by architecture.
	compilers struct {
		sync.Mutex
		asked map[string]askedCompiler
	}
}

// askedCompiler is a compiler's name, or why there is none.
type askedCompiler struct {
	name string
	err  error
}

// errSilent ends with exitFailed when everything was said already.
var errSilent = errors.New("failed")

// usageError is a mistake in the command line or the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the program; what it returns is the exit status.
func run(ctx context.Context, args []string, s streams) int {
	a := &app{streams: s}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	cmd, err := root.ExecuteContextC(ctx)
	var usage usageError
	var status statusError
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		fmt.Fprintln(s.err, "tpinfo: interrupted")
		return exitInterrupted
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage), errors.Is(err, path.ErrBadPattern), errors.Is(err, natsqueue.ErrAddress):
		fmt.Fprintf(s.err, "tpinfo: %v\nSee '%s --help'.\n", err, cmd.CommandPath())
		return exitUsage
	case !errors.Is(err, errSilent):
		fmt.Fprintf(s.err, "tpinfo: %v\n", advise(err))
	}
	return exitFailed
}

// advise adds the next step to errors that come from below, where commands
// are not known.
func advise(err error) error {
	var missing *cache.NotFoundError
	if errors.As(err, &missing) {
		switch missing.What {
		case "kernel":
			what := "one with 'tpinfo extract RELEASE'"
			if missing.Name != "" && !strings.ContainsAny(missing.Name, "*?[ ") {
				what = "it with 'tpinfo extract " + missing.Name + "'"
			}
			return fmt.Errorf("%w\nList what is there with 'tpinfo kernels'; add %s, or from the folder of its headers with 'tpinfo extract DIRECTORY'", err, what)
		case "event":
			return fmt.Errorf("%w\nList events with 'tpinfo list PATTERN'", err)
		}
	}
	var unpublished *oci.NotFoundError
	if errors.As(err, &unpublished) && unpublished.What == "kernel" {
		return fmt.Errorf("%w\nList what is there with 'tpinfo pull --list %s'", err, unpublished.In)
	}
	var many *cache.AmbiguousError
	if errors.As(err, &many) && many.What == "kernel" {
		return fmt.Errorf("%w\nChoose one by its release or the start of its id, with -k where it is no argument", err)
	}
	var already advised
	switch {
	case errors.As(err, &already):
	case errors.Is(err, bundle.ErrDamaged):
		return fmt.Errorf("%w; %s", err, anotherCopy)
	case errors.Is(err, cache.ErrNotCache):
		return fmt.Errorf("%w; choose another file with --cache", err)
	}
	return err
}

// advised is an error that has its next step.
type advised struct{ error }

func (a advised) Unwrap() error { return a.error }

// anotherCopy is what to do about an exported file that is damaged.
const anotherCopy = "copy it here again, or write it again with 'tpinfo cache export'"

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "tpinfo",
		Short: "Know what every Linux tracepoint hands to a probe",
		Long: `tpinfo compiles a kernel's trace headers and keeps what every tracepoint hands
to a probe: the arguments of its raw tracepoint, the record that ftrace and perf
see, and the types behind both. One cache file holds many kernels; none of them
has to run.`,
		Example: `  tpinfo extract                        the running kernel
  tpinfo extract 6.1.0-56-cloud-amd64   an installed header package
  tpinfo list 'sched:*'
  tpinfo show sched:sched_switch
  tpinfo type task_struct.se.load`,
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			s := fmt.Sprintf("unknown command %q", args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				s += "; did you mean " + strings.Join(near, ", ") + "?"
			}
			return usageError{errors.New(s)}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := heedsKernel(cmd); err != nil {
				return err
			}
			return a.configure(cmd)
		},
	}
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) { heeded(cmd, func() { help(cmd, args) }) })
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	a.globalFlags(root)
	root.AddCommand(
		a.extractCommand(), a.prebuildCommand(), a.workerCommand(), a.kernelsCommand(), a.listCommand(), a.showCommand(),
		a.typeCommand(), a.verifyCommand(), a.compileCommand(), a.runCommand(), a.diffCommand(), a.historyCommand(), a.checkCommand(),
		a.cacheCommand(), a.pushCommand(), a.pullCommand(), a.versionCommand(),
	)
	return root
}

// some wants one argument or more.
func some(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return usageError{fmt.Errorf("expected %s", what)}
	}
}

func none(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("unexpected argument %q", args[0])}
}

// readCache opens the cache for reading.
func (a *app) readCache(ctx context.Context) (*cache.DB, error) {
	keys, err := trustedKeys(a.settings.verify)
	if err != nil {
		return nil, err
	}
	return cache.Open(ctx, a.settings.cache, cache.ReadOnly(), cache.TrustedBy(keys...))
}

// withKernel calls f with the kernel that -k names, by default the running one
// or the only one.
func (a *app) withKernel(ctx context.Context, f func(*cache.Kernel) error) (err error) {
	db, err := a.readCache(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	k, err := a.kernel(ctx, db)
	if err != nil {
		return err
	}
	return f(k)
}

func (a *app) kernel(ctx context.Context, db *cache.DB) (*cache.Kernel, error) {
	if a.settings.kernel != "" {
		return db.Kernel(ctx, a.settings.kernel)
	}
	k, err := db.Kernel(ctx, "")
	var many *cache.AmbiguousError
	if !errors.As(err, &many) {
		return k, err
	}
	release, rerr := os.ReadFile("/proc/sys/kernel/osrelease")
	if rerr != nil {
		return nil, err
	}
	if running, kerr := db.Kernel(ctx, strings.TrimSpace(string(release))); kerr == nil {
		return running, nil
	}
	return nil, err
}

// note says something beside the results.
func (a *app) note(format string, args ...any) {
	if !a.settings.quiet {
		fmt.Fprintf(a.err, "note: "+format+"\n", args...)
	}
}
