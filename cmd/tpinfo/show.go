package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
)

func (a *app) showCommand() *cobra.Command {
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
		Args:              some("an event, such as sched:sched_switch"),
		ValidArgsFunction: a.completeEvents,
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.withKernel(cmd.Context(), func(k *cache.Kernel) error {
				events, err := namedEvents(cmd.Context(), k, names)
				if err != nil {
					return err
				}
				return a.write(func(w io.Writer) error { return a.show(cmd.Context(), w, k, events) })
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

func (a *app) show(ctx context.Context, w io.Writer, k *cache.Kernel, events []tpinfo.Tracepoint) error {
	info := k.Info()
	for i := range events {
		e := &events[i]
		if a.settings.format == "json" {
			if err := printJSON(w, tpinfo.EventOf{Release: info.Release, Event: e}); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := a.showEvent(ctx, w, k, e); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) showEvent(ctx context.Context, w io.Writer, k *cache.Kernel, e *tpinfo.Tracepoint) error {
	info := k.Info()
	fmt.Fprintf(w, "%s  %s\n", a.style.bold(e.FullName()), a.style.dim(info.Release))
	facts := &table{paint: []func(string) string{a.style.dim}}
	if e.Class != "" && e.Class != e.Name {
		facts.add("class", e.Class)
	}
	if e.Header != "" {
		facts.add("header", e.Header)
	}
	source := string(e.Source)
	if info.Compiler != "" {
		source += ", " + info.Compiler
	}
	facts.add("source", source)
	if err := facts.print(w, "  "); err != nil {
		return err
	}
	if err := a.showArgs(w, e); err != nil {
		return err
	}
	if err := a.showRecord(w, e); err != nil {
		return err
	}
	if err := a.showTypes(ctx, w, k, e); err != nil {
		return err
	}
	if len(e.Problems) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.style.warn("problems"))
		for _, p := range e.Problems {
			fmt.Fprintf(w, "  %s\n", p)
		}
	}
	return nil
}

func (a *app) showArgs(w io.Writer, e *tpinfo.Tracepoint) error {
	fmt.Fprintf(w, "\n%s", a.style.name("arguments"))
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
	t := &table{right: []bool{true, true}}
	t.add("offset", "size")
	for _, arg := range e.Args {
		t.add(arg.Offset.String(), arg.Size.String(), declare(arg.Type, arg.Name))
	}
	return t.print(w, "  ")
}

func (a *app) showRecord(w io.Writer, e *tpinfo.Tracepoint) error {
	if e.Record == nil {
		fmt.Fprintf(w, "\n%s: none, ftrace and perf do not see this event\n", a.style.name("record"))
		return nil
	}
	fmt.Fprintf(w, "\n%s, %s\n", a.style.name("record"), bytesOf(e.Record.Size))
	if len(e.Record.Fields) == 0 {
		return nil
	}
	t := &table{right: []bool{true, true}}
	t.add("offset", "size")
	for _, f := range e.Record.Fields {
		line := declare(f.Type, f.Name)
		switch f.Location {
		case tpinfo.DataLoc:
			line += a.style.dim("  data_loc")
		case tpinfo.RelLoc:
			line += a.style.dim("  rel_loc")
		}
		t.add(f.Offset.String(), f.Size.String(), line)
	}
	return t.print(w, "  ")
}

// fewMembers is up to how many members a type is drawn beside its event.
const fewMembers = 8

// showTypes explains the types that the event names, one level deep: small
// ones in full, of others their size and how to see them.
func (a *app) showTypes(ctx context.Context, w io.Writer, k *cache.Kernel, e *tpinfo.Tracepoint) error {
	d := &drawing{style: a.style}
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
		what := plural(len(t.Members), "member")
		switch t.Kind {
		case tpinfo.KindEnum:
			what = plural(len(t.Enumerators), "constant")
		case tpinfo.KindTypedef:
			what = plural(len(t.Anon.Members), "member")
		}
		bare := t.Name[strings.LastIndexByte(t.Name, ' ')+1:]
		d.placed("  "+t.Name+";", fmt.Sprintf("%s, %s: tpinfo type %s", bytesOf(t.Size), what, bare))
	}
	if len(d.lines) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.style.name("types"))
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
