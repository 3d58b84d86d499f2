package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/across"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/build"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/inspect"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/probe"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/store"
	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue"
)

// Exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1 // the answer is no, or something failed
	exitUsage       = 2
	exitInterrupted = 130 // as a shell reports a program ended by ^C
)

// run is the program; what it returns is the exit status.
func run(ctx context.Context, args []string, s cli.Streams) int {
	a := &cli.App{Streams: s}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	cmd, err := root.ExecuteContextC(ctx)
	var usage cli.UsageError
	var status cli.StatusError
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		fmt.Fprintln(s.Err, "tpinfo: interrupted")
		return exitInterrupted
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage), errors.Is(err, path.ErrBadPattern), errors.Is(err, natsqueue.ErrAddress):
		fmt.Fprintf(s.Err, "tpinfo: %v\nSee '%s --help'.\n", err, cmd.CommandPath())
		return exitUsage
	case !errors.Is(err, cli.ErrSilent):
		fmt.Fprintf(s.Err, "tpinfo: %v\n", cli.Advise(err))
	}
	return exitFailed
}

func newRoot(a *cli.App) *cobra.Command {
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
			return cli.Usage(errors.New(s))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := heedsKernel(cmd); err != nil {
				return err
			}
			return a.Configure(cmd)
		},
	}
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) { heeded(cmd, func() { help(cmd, args) }) })
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.Usage(err) })
	a.GlobalFlags(root)
	root.AddCommand(
		build.Extract(a), build.Prebuild(a), build.Worker(a),
		inspect.Kernels(a), inspect.List(a), inspect.Show(a), inspect.Type(a), inspect.Verify(a),
		across.Diff(a), across.History(a),
		probe.Check(a), probe.Compile(a), probe.Run(a, build.LearnRunning),
		store.Cache(a), store.Push(a), store.Pull(a),
		version(a),
	)
	strict(root)
	return root
}

// strict makes cobra's own commands refuse what they do not know, as ours do.
func strict(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			cmd.Args = cli.None
			cmd.RunE = func(cmd *cobra.Command, _ []string) error {
				return cli.Usagef("expected a shell: bash, zsh, fish or powershell")
			}
		case "help":
			show := cmd.Run
			cmd.Run = nil
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				if _, left, err := root.Find(args); err != nil || len(left) > 0 {
					return cli.Usagef("no command is called %q", strings.Join(args, " "))
				}
				show(cmd, args)
				return nil
			}
		}
	}
}

// oneKernel are the commands that answer for the kernel that -k chooses.
// Others have a -k of their own, or none.
var oneKernel = []string{"tpinfo list", "tpinfo show", "tpinfo type", "tpinfo verify", "tpinfo compile", "tpinfo run"}

// unheeded is the global -k of a command that would pass it over; nil where it
// does not.
func unheeded(cmd *cobra.Command) *pflag.Flag {
	if slices.Contains(oneKernel, cmd.CommandPath()) {
		return nil
	}
	return cmd.InheritedFlags().Lookup("kernel")
}

// heedsKernel refuses a -k that would be passed over.
func heedsKernel(cmd *cobra.Command) error {
	if f := unheeded(cmd); f != nil && f.Changed {
		return cli.Usagef("%s takes no -k", cmd.Name())
	}
	return nil
}

// heeded calls describe, which does not see a -k that cmd refuses.
func heeded(cmd *cobra.Command, describe func()) {
	if f := unheeded(cmd); f != nil {
		f.Hidden = true
		defer func() { f.Hidden = false }()
	}
	describe()
}
