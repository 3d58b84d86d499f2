package across

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/compare"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// History is "tpinfo history".
func History(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history EVENT",
		Short: "Follow an event through the kernels of the cache",
		Long: `Follow an event through all kernels of the cache, or those that -k names, the
oldest first. Kernels in which it is the same are folded into a range of
releases; below each range stands what changed against the one before. Flavours
that differ, as real-time kernels do, have ranges of their own.

EVENT is system:name, a name that one system has, or a glob: then each event that
any of the kernels has under such a name is followed, one after the other. With
-f json, a line is one range of one event.`,
		Example: `  tpinfo history block:block_rq_issue
  tpinfo history sched_switch -k '5.10*' -k '6.1.*'
  tpinfo history 'sched:*'
  tpinfo history timer:hrtimer_init -f json | jq -r 'select(.present | not) | .kernels[]'`,
		Args:              cli.One("an event, such as sched:sched_switch"),
		ValidArgsFunction: completeEverywhere(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.WithKernels(cmd, func(db *cache.DB, kernels []*cache.Kernel) error {
				return follow(cmd.Context(), a, db, args[0], kernels)
			})
		},
	}
	a.KernelsFlag(cmd)
	return cmd
}

// follow follows the event of a name, or those of a glob.
func follow(ctx context.Context, a *cli.App, db *cache.DB, name string, kernels []*cache.Kernel) error {
	names := []string{name}
	if cli.IsPattern(name) {
		var err error
		if names, err = db.EventNamesIn(ctx, name, kernels); err != nil {
			return err
		}
	}
	return a.Write(func(w io.Writer) error {
		buffered := bufio.NewWriter(w)
		for i, name := range names {
			if i > 0 && a.Settings.Format != "json" {
				fmt.Fprintln(buffered)
			}
			if err := followOne(ctx, a, buffered, db, name, kernels); err != nil {
				return err
			}
		}
		return buffered.Flush()
	})
}

// followOne follows one event.
func followOne(ctx context.Context, a *cli.App, w io.Writer, db *cache.DB, name string, kernels []*cache.Kernel) error {
	events, err := db.EventIn(ctx, name, kernels)
	if err != nil {
		return err
	}
	all := make([]compare.Occurrence, len(kernels))
	identities := make([]tpinfo.Kernel, len(kernels))
	var full string
	for i, k := range kernels {
		identities[i] = k.Identity()
		all[i] = compare.Occurrence{Kernel: identities[i], Event: events[i]}
		if e := events[i]; e != nil && len(e.FullName()) > len(full) {
			full = e.FullName()
		}
	}
	list, layouts := compare.History(all)
	if a.Settings.Format == "json" {
		return historyJSON(a, w, full, list, identities)
	}
	historyText(a, w, full, list, layouts, identities)
	return nil
}

// stretchJSON is the JSON form of a range of kernels in which an event is the
// same.
type stretchJSON struct {
	Schema   int      `json:"schema"`
	Event    string   `json:"event"`
	From     string   `json:"from"` // releases
	To       string   `json:"to"`
	Flavours []string `json:"flavours"`
	Kernels  []string `json:"kernels"`
	// Present is false for kernels without the event; Why says what kept
	// their sources from showing it, if that is it.
	Present bool             `json:"present"`
	Why     string           `json:"why"`
	Changes []compare.Change `json:"changes"`
	// Layout is the event as the newest of the kernels has it.
	Layout *tpinfo.EventOf `json:"layout"`
}

func historyJSON(a *cli.App, w io.Writer, name string, list []compare.Stretch, kernels []tpinfo.Kernel) error {
	for i := range list {
		s := &list[i]
		_, flavours := s.Name(kernels)
		out := stretchJSON{
			Schema: tpinfo.Schema, Event: name, Flavours: strings.Fields(flavours), Kernels: releasesOf(s.Kernels, kernels),
			Present: s.Event != nil, Why: s.Why, Changes: []compare.Change{},
		}
		out.From, out.To = out.Kernels[0], out.Kernels[len(out.Kernels)-1]
		for _, c := range s.Changes {
			if !c.OnlyUnknown() || a.Settings.Verbose {
				out.Changes = append(out.Changes, c)
			}
		}
		if s.Event != nil {
			out.Layout = &tpinfo.EventOf{Release: out.To, Event: s.Event}
		}
		if err := cli.PrintJSON(w, out); err != nil {
			return err
		}
	}
	return nil
}

func releasesOf(some []int, kernels []tpinfo.Kernel) []string {
	out := make([]string, len(some))
	for i, n := range some {
		out[i] = kernels[n].Release
	}
	return out
}

func historyText(a *cli.App, w io.Writer, name string, list []compare.Stretch, layouts int, kernels []tpinfo.Kernel) {
	have := 0
	for i := range list {
		if list[i].Event != nil {
			have += len(list[i].Kernels)
		}
	}
	fmt.Fprintf(w, "%s  in %d of %s, %s\n", a.Style.Bold(name), have, cli.Plural(len(kernels), "kernel"), cli.Plural(layouts, "layout"))
	for i := range list {
		s := &list[i]
		releases, flavours := s.Name(kernels)
		fmt.Fprintf(w, "\n%s  %s  %s\n", a.Style.Name(releases), flavours, a.Style.Dim(cli.Plural(len(s.Kernels), "kernel")))
		if s.Beside && s.Event != nil && list[s.Before].Event != nil {
			releases, flavours := list[s.Before].Name(kernels)
			fmt.Fprintln(w, "  "+a.Style.Dim("beside "+releases+" "+flavours+":"))
		}
		lines := stretchLines(a, s, list)
		if len(lines) == 0 {
			lines = []string{"as before" + joined(s, list, kernels)}
		}
		for _, line := range lines {
			fmt.Fprintln(w, "  "+line)
		}
	}
}

// stretchLines say what is the case in a range, or what is new in it.
func stretchLines(a *cli.App, s *compare.Stretch, list []compare.Stretch) []string {
	if s.Event == nil {
		if s.Why != "" {
			return []string{a.Style.Warn("not known") + ": the kernel " + s.Why}
		}
		return []string{a.Style.Warn("no such event")}
	}
	first := s.Before < 0 || list[s.Before].Event == nil
	var lines, fields []string
	if first {
		lines = append(lines, cli.Prototype(s.Event))
	}
	var shown []compare.Change
	for _, c := range s.Changes {
		switch {
		case c.OnlyUnknown() && !a.Settings.Verbose:
		case c.Shifted && !a.Settings.Verbose:
			fields = append(fields, c.Name)
		default:
			shown = append(shown, c)
		}
	}
	lines = append(lines, compare.Lines(shown)...)
	if len(fields) > 0 {
		lines = append(lines, "its own fields lie elsewhere for that")
	}
	return lines
}

// joined names the flavours of a range that had something else before.
func joined(s *compare.Stretch, list []compare.Stretch, kernels []tpinfo.Kernel) string {
	_, now := s.Name(kernels)
	_, before := list[s.Before].Name(kernels)
	fresh := slices.DeleteFunc(strings.Fields(now), func(f string) bool { return slices.Contains(strings.Fields(before), f) })
	if len(fresh) == 0 {
		return ""
	}
	return ", now in " + strings.Join(fresh, " ") + " too"
}

// completeEverywhere completes events of all kernels.
func completeEverywhere(a *cli.App) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 || a.Configure(cmd) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		seen := map[string]bool{}
		var names []string
		err := a.WithKernels(cmd, func(_ *cache.DB, kernels []*cache.Kernel) error {
			for _, k := range newestOfSeries(kernels) {
				events, err := k.Events(cmd.Context())
				if err != nil {
					return err
				}
				for i := range events {
					name := events[i].FullName()
					if !strings.HasPrefix(name, start) {
						name = events[i].Name
					}
					if strings.HasPrefix(name, start) && !seen[name] {
						seen[name] = true
						names = append(names, name)
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// newestOfSeries are the last kernels of each series, of kernels in the order
// of their releases.
func newestOfSeries(kernels []*cache.Kernel) []*cache.Kernel {
	var out []*cache.Kernel
	last := ""
	for i := len(kernels) - 1; i >= 0; i-- {
		if s := tpinfo.ParseRelease(kernels[i].Info().Release).Series; s != last {
			out, last = append(out, kernels[i]), s
		}
	}
	return out
}
