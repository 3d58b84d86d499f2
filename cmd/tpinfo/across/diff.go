package across

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/compare"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// difference is what "tpinfo diff" was asked.
type difference struct {
	patterns []string // of events
	types    []string // names and globs
	exitCode bool
}

// Diff is "tpinfo diff".
func Diff(a *cli.App) *cobra.Command {
	d := difference{}
	cmd := &cobra.Command{
		Use:   "diff KERNEL KERNEL [PATTERN...]",
		Short: "Tell what changed from one kernel to another",
		Long: `Tell what changed from one kernel of the cache to another: events that are new,
gone, or perhaps renamed; arguments and fields of records that were added,
removed, moved, or have another type, size or sign. A kernel is a release, a glob
that matches one, or the start of an id; a pattern is one of 'tpinfo list'.

With --type, definitions of C types are compared instead: members that were
added, removed, moved, or have another type or size. Events are compared too
where a pattern asks for them.

What one of the kernels does not know is no difference: events that its sources
could not show, sizes that nobody could measure. They are counted at the end,
and -v lists them. The exit status is 0 whether anything differs or not, unless
--exit-code asks for 1 where something does.`,
		Example: `  tpinfo diff '5.10*' 6.1.0-56-cloud-amd64
  tpinfo diff 5.10.0-46-amd64 6.1.0-56-amd64 'sched:*' 'block:*'
  tpinfo diff 6.1.0-55-amd64 6.1.0-56-amd64 --exit-code >/dev/null || echo changed
  tpinfo diff 5.10.0-46-amd64 6.1.0-56-amd64 --type task_struct
  tpinfo diff A B -f json | jq -r 'select(.how | index("retyped")) | .event'`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) < 2:
				return cli.Usagef("expected two kernels, as in tpinfo diff 5.10.0-46-amd64 6.1.0-56-amd64")
			case cmd.Flags().Changed("kernel"):
				return cli.Usagef("diff takes its kernels as arguments, without -k")
			}
			return nil
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
			if len(args) < 2 {
				return a.CompleteKernels(cmd, args, start)
			}
			return completeEventsOf(a, cmd, args[1], start)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			d.patterns = args[2:]
			return diffKernels(cmd.Context(), a, args[0], args[1], d)
		},
	}
	cmd.Flags().StringArrayVar(&d.types, "type", nil, "compare C types of this name or glob (may be repeated)")
	cmd.Flags().BoolVar(&d.exitCode, "exit-code", false, "exit with status 1 when something differs")
	cli.Must(cmd.RegisterFlagCompletionFunc("type", func(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
		if len(args) < 2 || cmd.Flags().Set("kernel", args[1]) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.CompleteTypes(cmd, args, start)
	}))
	return cmd
}

func diffKernels(ctx context.Context, a *cli.App, from, to string, d difference) (err error) {
	db, err := a.ReadCache(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	x, err := db.Kernel(ctx, from)
	if err != nil {
		return err
	}
	y, err := db.Kernel(ctx, to)
	if err != nil {
		return err
	}
	noteKernels(a, x, y)
	res := &compare.Result{}
	if len(d.types) == 0 || len(d.patterns) > 0 {
		if res, err = diffEvents(ctx, x, y, d.patterns); err != nil {
			return err
		}
	}
	if len(d.types) > 0 {
		found, err := diffTypes(ctx, x, y, d.types)
		if err != nil {
			return err
		}
		res.Changes = append(res.Changes, found...)
	}
	if err := a.Write(func(w io.Writer) error {
		buffered := bufio.NewWriter(w)
		if err := printDiff(a, buffered, x, y, res, d); err != nil {
			return err
		}
		return buffered.Flush()
	}); err != nil {
		return err
	}
	if d.exitCode && slices.ContainsFunc(res.Changes, func(c compare.Change) bool { return !c.OnlyUnknown() }) {
		return cli.ErrSilent
	}
	return nil
}

// noteKernels says what in the choice of two kernels explains much of what
// differs, or why nothing does.
func noteKernels(a *cli.App, x, y *cache.Kernel) {
	i, j := x.Info(), y.Info()
	if i.ID == j.ID {
		a.Note("%s and %s are one kernel, with the same headers (id %s)", i.Release, j.Release, cli.ShortID(i.ID))
	}
	if i.Arch != j.Arch {
		a.Note("%s is for %s and %s for %s: what differs may be the architecture's", i.Release, i.Arch, j.Release, j.Arch)
	}
}

// diffEvents compares the events that match any of the patterns.
func diffEvents(ctx context.Context, x, y *cache.Kernel, patterns []string) (*compare.Result, error) {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return nil, fmt.Errorf("pattern %q: %w", p, err)
		}
	}
	var sides [2]compare.Side
	g, gctx := errgroup.WithContext(ctx)
	for n, k := range []*cache.Kernel{x, y} {
		g.Go(func() (err error) {
			sides[n].Kernel = k.Identity()
			sides[n].Events, err = k.Events(gctx)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if len(patterns) == 0 {
		return compare.Kernels(sides[0], sides[1], nil), nil
	}
	match := func(e *tpinfo.Tracepoint) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return cache.Matches(p, e) })
	}
	for _, p := range patterns {
		if !anyMatches(p, sides[0].Events) && !anyMatches(p, sides[1].Events) {
			return nil, noEventOf(p, sides[:])
		}
	}
	return compare.Kernels(sides[0], sides[1], match), nil
}

func anyMatches(pattern string, events []tpinfo.Tracepoint) bool {
	for i := range events {
		if cache.Matches(pattern, &events[i]) {
			return true
		}
	}
	return false
}

// noEventOf is the error for a pattern that names no event of either kernel.
func noEventOf(pattern string, sides []compare.Side) error {
	var names []string
	for _, s := range sides {
		for i := range s.Events {
			name := s.Events[i].Name
			if strings.Contains(pattern, ":") {
				name = s.Events[i].FullName()
			}
			names = append(names, name)
		}
	}
	in := sides[0].Kernel.Release + " and " + sides[1].Kernel.Release
	return &cache.NotFoundError{What: "event", Name: pattern, In: in, Near: tpinfo.Near(pattern, names, 5, false)}
}

// diffTypes compares the types that any of the names and globs name.
func diffTypes(ctx context.Context, x, y *cache.Kernel, names []string) ([]compare.Change, error) {
	a, err := typesNamed(ctx, x, names)
	if err != nil {
		return nil, err
	}
	b, err := typesNamed(ctx, y, names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if len(a[name])+len(b[name]) > 0 {
			continue
		}
		if _, err := y.Type(ctx, name); err != nil && !cli.IsPattern(name) {
			return nil, err
		}
		return nil, fmt.Errorf("no type matches %q in %s and %s", name, x.Info().Release, y.Info().Release)
	}
	i, j := x.Identity(), y.Identity()
	return compare.Types(&i, &j, sorted(a), sorted(b)), nil
}

// typesNamed are the types that each name or glob stands for.
func typesNamed(ctx context.Context, k *cache.Kernel, names []string) (map[string][]tpinfo.Type, error) {
	out := map[string][]tpinfo.Type{}
	for _, name := range names {
		if !cli.IsPattern(name) {
			t, err := k.TypeIfKnown(ctx, name)
			if err != nil {
				return nil, err
			}
			if t != nil {
				out[name] = []tpinfo.Type{*t}
			}
			continue
		}
		wanted, err := k.TypeNames(ctx, name)
		if err != nil {
			return nil, err
		}
		all, err := k.Types(ctx)
		if err != nil {
			return nil, err
		}
		out[name] = slices.DeleteFunc(all, func(t tpinfo.Type) bool {
			_, found := slices.BinarySearch(wanted, t.Name)
			return !found
		})
	}
	return out, nil
}

// sorted joins types in the order of their names, each once.
func sorted(byName map[string][]tpinfo.Type) []tpinfo.Type {
	var all []tpinfo.Type
	for _, list := range byName {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b tpinfo.Type) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b tpinfo.Type) bool { return a.Name == b.Name })
}

// changeJSON is the JSON form of a change.
type changeJSON struct {
	Schema int    `json:"schema"`
	From   string `json:"from"` // releases
	To     string `json:"to"`
	*compare.Change
}

func printDiff(a *cli.App, w io.Writer, x, y *cache.Kernel, res *compare.Result, d difference) error {
	if a.Settings.Format != "json" {
		return diffTable(a, w, res, d)
	}
	for i := range res.Changes {
		c := &res.Changes[i]
		if c.OnlyUnknown() && !a.Settings.Verbose {
			continue
		}
		if err := cli.PrintJSON(w, changeJSON{tpinfo.Schema, x.Info().Release, y.Info().Release, c}); err != nil {
			return err
		}
	}
	return nil
}

// everyRecord is what changes of the common fields are listed under.
const everyRecord = "(every record)"

func diffTable(a *cli.App, w io.Writer, res *compare.Result, d difference) error {
	t := &cli.Table{Paint: []func(string) string{a.Style.Name}}
	shifted := map[string]bool{}
	unknown := 0
	for list := res.Changes; len(list) > 0; {
		subject := list[0].Event + list[0].Type
		n := 1
		for n < len(list) && list[n].Event+list[n].Type == subject {
			n++
		}
		var shown []compare.Change
		for _, c := range list[:n] {
			switch {
			case c.Shifted:
				shifted[subject] = true
			case c.OnlyUnknown() && !a.Settings.Verbose:
				unknown++
			default:
				shown = append(shown, c)
			}
		}
		for _, line := range diffLines(a, shown) {
			t.Add(cmp.Or(subject, everyRecord), line)
		}
		list = list[n:]
	}
	if err := t.Print(w, ""); err != nil {
		return err
	}
	if a.Settings.Quiet {
		return nil
	}
	if len(t.Rows) > 0 {
		fmt.Fprintln(w)
	}
	diffSummary(a, w, res, len(shifted), unknown-res.Omitted, d)
	return nil
}

// diffLines says the changes of one event or type; of an event that is new or
// gone, with its arguments.
func diffLines(a *cli.App, found []compare.Change) []string {
	if len(found) == 1 && found[0].Part == compare.PartEvent && !found[0].OnlyUnknown() {
		line := found[0].String()
		for _, side := range []any{found[0].Before, found[0].After} {
			if e, ok := side.(*tpinfo.Tracepoint); ok {
				return []string{line + " " + a.Style.Dim(cli.Prototype(e))}
			}
		}
	}
	return compare.Lines(found)
}

func diffSummary(a *cli.App, w io.Writer, res *compare.Result, shifted, unknown int, d difference) {
	if len(d.types) == 0 || len(d.patterns) > 0 {
		fmt.Fprintf(w, "%s: %d added, %d removed, %d perhaps renamed, %d changed, %d the same\n", a.Style.Bold("events"),
			res.Added, res.Removed, res.Renamed, res.Differ, res.Same)
		if shifted > 0 {
			fmt.Fprintf(w, "of %s, fields lie elsewhere only because the part that every record begins with changed\n", cli.Plural(shifted, "event"))
		}
		if res.Omitted > 0 {
			fmt.Fprintf(w, "%s only one of the two kernels' sources could show; %s\n", cli.Plural(res.Omitted, "event"), whereListed(a))
		}
	}
	if unknown > 0 {
		fmt.Fprintf(w, "not compared: %s known on one side only; %s\n", cli.Plural(unknown, "part"), whereListed(a))
	}
	if len(d.types) > 0 {
		types := map[string]bool{}
		for i := range res.Changes {
			if c := &res.Changes[i]; c.Type != "" && !c.OnlyUnknown() {
				types[c.Type] = true
			}
		}
		fmt.Fprintf(w, "%s: %d changed\n", a.Style.Bold("types"), len(types))
	}
}

// whereListed says where what was only counted is listed.
func whereListed(a *cli.App) string {
	if a.Settings.Verbose {
		return "listed above"
	}
	return "-v lists them"
}

// completeEventsOf completes events of a kernel that is an argument.
func completeEventsOf(a *cli.App, cmd *cobra.Command, selector, start string) ([]string, cobra.ShellCompDirective) {
	if err := cmd.Flags().Set("kernel", selector); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.CompleteEvents(cmd, nil, start)
}
