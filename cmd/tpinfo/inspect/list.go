package inspect

import (
	"bufio"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// List is "tpinfo list".
func List(a *cli.App) *cobra.Command {
	var incomplete bool
	cmd := &cobra.Command{
		Use:   "list [PATTERN...]",
		Short: "List events and their arguments",
		Long: `List the events of a kernel in the cache. A pattern is a glob over system:name,
or without a colon over names; without one, all events are listed. Arguments
whose size is not known are marked with a question mark; 'tpinfo show' says why.
An event that the kernel's source defines and its configuration leaves out is
marked as not built; -f stap, which lists what can be probed, leaves it out.`,
		Example: `  tpinfo list 'sched:*' 'irq:*'
  tpinfo list -k '6.1*' '*switch*'
  tpinfo list -f json | jq -r 'select(.record == null) | .name'
  tpinfo list --incomplete            what headers alone could not tell
  tpinfo list -f stap                 as stap -L 'kernel.trace("*")' prints`,
		ValidArgsFunction: a.CompleteEvents,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.WithKernel(cmd.Context(), func(k *cache.Kernel) error {
				events, err := k.Events(cmd.Context(), patterns...)
				if err != nil {
					return err
				}
				if incomplete {
					events = slices.DeleteFunc(events, func(e tpinfo.Tracepoint) bool { return e.Complete() })
				}
				return a.Write(func(w io.Writer) error {
					buffered := bufio.NewWriter(w)
					if err := printList(a, buffered, k.Info().Release, events); err != nil {
						return err
					}
					return buffered.Flush()
				})
			})
		},
	}
	cmd.Flags().BoolVar(&incomplete, "incomplete", false, "only events with something unknown")
	return cmd
}

func printList(a *cli.App, w io.Writer, release string, events []tpinfo.Tracepoint) error {
	t := &cli.Table{Paint: []func(string) string{a.Style.Name}}
	for i := range events {
		e := &events[i]
		var err error
		switch a.Settings.Format {
		case "json":
			err = cli.PrintJSON(w, tpinfo.EventOf{Release: release, Event: e})
		case "stap":
			if e.Built() {
				_, err = io.WriteString(w, stapLine(e)+"\n")
			}
		default:
			t.Add(e.FullName(), cli.Prototype(e))
		}
		if err != nil {
			return err
		}
	}
	return t.Print(w, "")
}
