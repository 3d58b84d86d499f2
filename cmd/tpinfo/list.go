package main

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
)

func (a *app) listCommand() *cobra.Command {
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
		ValidArgsFunction: a.completeEvents,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.withKernel(cmd.Context(), func(k *cache.Kernel) error {
				events, err := k.Events(cmd.Context(), patterns...)
				if err != nil {
					return err
				}
				if incomplete {
					events = slices.DeleteFunc(events, func(e tpinfo.Tracepoint) bool { return e.Complete() })
				}
				return a.write(func(w io.Writer) error {
					buffered := bufio.NewWriter(w)
					if err := a.printList(buffered, k.Info().Release, events); err != nil {
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

func (a *app) printList(w io.Writer, release string, events []tpinfo.Tracepoint) error {
	t := &table{paint: []func(string) string{a.style.name}}
	for i := range events {
		e := &events[i]
		var err error
		switch a.settings.format {
		case "json":
			err = printJSON(w, tpinfo.EventOf{Release: release, Event: e})
		case "stap":
			if e.Built() {
				_, err = io.WriteString(w, stapLine(e)+"\n")
			}
		default:
			t.add(e.FullName(), summary(e))
		}
		if err != nil {
			return err
		}
	}
	return t.print(w, "")
}

// summary is an event's arguments on one line, as C declares parameters.
func summary(e *tpinfo.Tracepoint) string {
	absent := ""
	if !e.Built() {
		absent = "  not built"
	}
	switch {
	case e.RecordOnly():
		return "record only" + absent
	case e.Args == nil:
		return "(arguments not known)" + absent
	}
	parts := make([]string, len(e.Args))
	for i, arg := range e.Args {
		parts[i] = declare(arg.Type, arg.Name)
		if !arg.Size.Known() {
			parts[i] += "?"
		}
	}
	s := "(" + strings.Join(parts, ", ") + ")"
	if e.Record == nil {
		s += "  no record"
	}
	return s + absent
}
