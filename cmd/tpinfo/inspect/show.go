package inspect

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// Show is "tpinfo show".
func Show(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:   "show EVENT...",
		Short: "Show an event's arguments, its record and their types",
		Long: `Show what events hand to a probe. EVENT is system:name, a name that one system
has, or a glob.

Arguments lie in the context of a raw tracepoint program, 8 bytes each. The
record is what ftrace and perf see; a data_loc or rel_loc field says where a
dynamic array lies. An offset or size that is not known is a question mark, and
a problem below says why and what would supply it.`,
		Example: `  tpinfo show sched:sched_switch
  tpinfo show sched_switch -k 6.12.1-amd64 -f json
  tpinfo show 'tcp:*'`,
		Args:              cli.Some("an event, such as sched:sched_switch"),
		ValidArgsFunction: a.CompleteEvents,
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.WithKernel(cmd.Context(), func(k *cache.Kernel) error {
				events, err := namedEvents(cmd.Context(), k, names)
				if err != nil {
					return err
				}
				return a.Write(func(w io.Writer) error { return showEvents(cmd.Context(), a, w, k, events) })
			})
		},
	}
}

// namedEvents looks names up and globs through.
func namedEvents(ctx context.Context, k *cache.Kernel, names []string) ([]tpinfo.Tracepoint, error) {
	var events []tpinfo.Tracepoint
	for _, name := range names {
		if strings.ContainsAny(name, "*?[") {
			found, err := k.Events(ctx, name)
			if err != nil {
				return nil, err
			}
			events = append(events, found...)
			continue
		}
		e, err := k.Event(ctx, name)
		if err != nil {
			return nil, err
		}
		events = append(events, *e)
	}
	return events, nil
}

func showEvents(ctx context.Context, a *cli.App, w io.Writer, k *cache.Kernel, events []tpinfo.Tracepoint) error {
	info := k.Info()
	for i := range events {
		e := &events[i]
		if a.Settings.Format == "json" {
			if err := cli.PrintJSON(w, tpinfo.EventOf{Release: info.Release, Event: e}); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := showEvent(ctx, a, w, k, e); err != nil {
			return err
		}
	}
	return nil
}

func showEvent(ctx context.Context, a *cli.App, w io.Writer, k *cache.Kernel, e *tpinfo.Tracepoint) error {
	info := k.Info()
	fmt.Fprintf(w, "%s  %s\n", a.Style.Bold(e.FullName()), a.Style.Dim(info.Release))
	facts := &cli.Table{Paint: []func(string) string{a.Style.Dim}}
	if e.Class != "" && e.Class != e.Name {
		facts.Add("class", e.Class)
	}
	if e.Header != "" {
		facts.Add("header", e.Header)
	}
	source := string(e.Source)
	if info.Compiler != "" {
		source += ", " + info.Compiler
	}
	facts.Add("source", source)
	if err := facts.Print(w, "  "); err != nil {
		return err
	}
	if err := showArgs(a, w, e); err != nil {
		return err
	}
	if err := showRecord(a, w, e); err != nil {
		return err
	}
	if err := showTypes(ctx, a, w, k, e); err != nil {
		return err
	}
	if len(e.Problems) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.Style.Warn("problems"))
		for _, p := range e.Problems {
			fmt.Fprintf(w, "  %s\n", p)
		}
	}
	return nil
}

func showArgs(a *cli.App, w io.Writer, e *tpinfo.Tracepoint) error {
	fmt.Fprintf(w, "\n%s", a.Style.Name("arguments"))
	switch {
	case e.RecordOnly():
		fmt.Fprintln(w, ": none, it is no tracepoint of its own")
		return nil
	case e.Args == nil:
		fmt.Fprintln(w, ": not known")
		return nil
	case len(e.Args) == 0:
		fmt.Fprintln(w, ": none")
		return nil
	}
	fmt.Fprintln(w)
	t := &cli.Table{Right: []bool{true, true}}
	t.Add("offset", "size")
	for _, arg := range e.Args {
		t.Add(arg.Offset.String(), arg.Size.String(), cli.Declare(arg.Type, arg.Name))
	}
	return t.Print(w, "  ")
}

func showRecord(a *cli.App, w io.Writer, e *tpinfo.Tracepoint) error {
	if e.Record == nil {
		fmt.Fprintf(w, "\n%s: none, ftrace and perf do not see this event\n", a.Style.Name("record"))
		return nil
	}
	fmt.Fprintf(w, "\n%s, %s\n", a.Style.Name("record"), bytesOf(e.Record.Size))
	if len(e.Record.Fields) == 0 {
		return nil
	}
	t := &cli.Table{Right: []bool{true, true}}
	t.Add("offset", "size")
	for _, f := range e.Record.Fields {
		line := cli.Declare(f.Type, f.Name)
		switch f.Location {
		case tpinfo.DataLoc:
			line += a.Style.Dim("  data_loc")
		case tpinfo.RelLoc:
			line += a.Style.Dim("  rel_loc")
		}
		t.Add(f.Offset.String(), f.Size.String(), line)
	}
	return t.Print(w, "  ")
}

// fewMembers is up to how many members a type is drawn beside its event.
const fewMembers = 8

// showTypes explains the types that the event names, one level deep: small
// ones in full, of others their size and how to see them.
func showTypes(ctx context.Context, a *cli.App, w io.Writer, k *cache.Kernel, e *tpinfo.Tracepoint) error {
	d := &drawing{style: a.Style}
	seen := map[string]bool{}
	for _, spelling := range typesOf(e) {
		expr, err := tpinfo.ParseExpr(spelling)
		if err != nil {
			continue
		}
		name := expr.Base().Name
		if seen[name] {
			continue
		}
		seen[name] = true
		t, err := k.TypeIfKnown(ctx, name)
		if err != nil {
			return err
		}
		if t == nil || t.Kind == tpinfo.KindBase {
			continue
		}
		if parts(t) <= fewMembers {
			d.add(t, "  ")
			continue
		}
		what := cli.Plural(len(t.Members), "member")
		switch t.Kind {
		case tpinfo.KindEnum:
			what = cli.Plural(len(t.Enumerators), "constant")
		case tpinfo.KindTypedef:
			what = cli.Plural(len(t.Anon.Members), "member")
		}
		bare := t.Name[strings.LastIndexByte(t.Name, ' ')+1:]
		d.placed("  "+t.Name+";", fmt.Sprintf("%s, %s: tpinfo type %s", bytesOf(t.Size), what, bare))
	}
	if len(d.lines) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.Style.Name("types"))
		d.print(w)
	}
	return nil
}

// parts counts what a drawing of t has lines for.
func parts(t *tpinfo.Type) int {
	n := len(t.Members) + len(t.Enumerators)
	if t.Anon != nil {
		n += len(t.Anon.Members)
	}
	return n
}

func typesOf(e *tpinfo.Tracepoint) []string {
	var spellings []string
	for _, arg := range e.Args {
		spellings = append(spellings, arg.Type)
	}
	if e.Record != nil {
		for _, f := range e.Record.Fields {
			if !strings.HasPrefix(f.Name, "common_") {
				spellings = append(spellings, f.Type)
			}
		}
	}
	return spellings
}
