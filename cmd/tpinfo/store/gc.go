package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

func gcCommand(a *cli.App) *cobra.Command {
	var policy cache.Policy
	var older string
	cmd := &cobra.Command{
		Use: "gc", Short: "Remove kernels by a policy, and what no kernel uses any more", Args: cli.None,
		Long: `Remove what no kernel uses any more, and give the space back. With options that
pick kernels, those that all of the options pick are removed first; of a kernel
that is known under several releases, each must be picked. Kernels that
--keep-kernels names stay in any case. Kernels that were imported do not say when
they were extracted, and --older-than never picks them.`,
		Example: `  tpinfo cache gc
  tpinfo cache gc --keep 3 --dry-run
  tpinfo cache gc --keep 2 --older-than 90d --keep-kernels '*-rt-*'
  tpinfo cache gc -k '5.10.*'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// The configuration's kernel is about questions to one.
			var err error
			policy.Matching, err = cmd.Flags().GetStringArray("kernel")
			cli.Must(err)
			switch {
			case cmd.Flags().Changed("keep") && policy.Newest < 1:
				err = fmt.Errorf("--keep %d: it takes one or more", policy.Newest)
			case older != "":
				if policy.Older, err = days(older); err != nil {
					err = fmt.Errorf("--older-than %q: it is a time such as 90d, 12w or 36h", older)
				}
			case len(policy.Keep) > 0 && policy.Newest == 0 && len(policy.Matching) == 0:
				err = errors.New("--keep-kernels protects from what --keep, --older-than and -k pick; give one of these too")
			}
			if err != nil {
				return cli.Usage(err)
			}
			return collect(cmd.Context(), a, policy)
		},
	}
	f := cmd.Flags()
	f.IntVar(&policy.Newest, "keep", 0, "pick all but the newest `N` releases of each series and flavour")
	f.StringVar(&older, "older-than", "", "pick what was extracted before this `time`: 90d, 12w, 36h")
	f.StringArrayP("kernel", "k", nil, "pick these: a release, a glob, or the start of an id (may be repeated)")
	f.StringArrayVar(&policy.Keep, "keep-kernels", nil, "never pick these (may be repeated)")
	f.Bool("dry-run", false, "tell what would be removed, and remove nothing")
	cli.Must(cmd.RegisterFlagCompletionFunc("kernel", a.CompleteKernels))
	cli.Must(cmd.RegisterFlagCompletionFunc("keep-kernels", a.CompleteKernels))
	return cmd
}

// days reads a time, which may be one of days or weeks.
func days(text string) (time.Duration, error) {
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseUint(number, 10, 16)
			return time.Duration(n) * length, err
		}
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = errors.New("it is negative")
	}
	return d, err
}

// collectedJSON is the JSON form of what a collection removed.
type collectedJSON struct {
	Schema int `json:"schema"`
	cache.GCResult
	DryRun  bool          `json:"dry_run"`
	Removed []removedJSON `json:"removed"`
}

type removedJSON struct {
	Kernel string `json:"kernel"`
	ID     string `json:"id"`
}

func collect(ctx context.Context, a *cli.App, policy cache.Policy) error {
	return writeCache(ctx, a, func(db *cache.DB) error {
		kernels, err := db.EveryRelease(ctx)
		var empty *cache.NotFoundError
		if err != nil && !errors.As(err, &empty) {
			return err
		}
		picked, err := policy.Choose(kernels, time.Now())
		if err != nil {
			return cli.Usage(err)
		}
		nothing, beside, err := policy.Named(kernels)
		if err != nil {
			return cli.Usage(err)
		}
		for _, name := range nothing {
			if !cli.IsPattern(name) {
				return &cache.NotFoundError{What: "kernel", Name: name, In: "the cache"}
			}
			a.Note("no kernel is called %s", name)
		}
		if len(beside) > 0 {
			a.Note("kernels that are also %s stay; name all of their releases with -k, or use 'tpinfo cache remove'", strings.Join(beside, ", "))
		}
		req := cache.GCRequest{DryRun: a.Settings.DryRun}
		removed := []removedJSON{}
		for _, k := range picked {
			req.Kernels = append(req.Kernels, k.ID)
			removed = append(removed, removedJSON{k.Release, k.ID})
		}
		res, err := db.GC(ctx, req)
		if err != nil {
			return err
		}
		return a.Write(func(w io.Writer) error {
			if a.Settings.Format == "json" {
				return cli.PrintJSON(w, collectedJSON{tpinfo.Schema, res, req.DryRun, removed})
			}
			return printCollected(a, w, removed, res)
		})
	})
}

func printCollected(a *cli.App, w io.Writer, removed []removedJSON, res cache.GCResult) error {
	if a.Settings.Quiet {
		return nil
	}
	done := "removed"
	if a.Settings.DryRun {
		done = "would be removed"
	}
	for _, k := range removed {
		fmt.Fprintf(w, "%s %s  %s\n", a.Style.Bold(k.Kernel), done, a.Style.Dim("id "+cli.ShortID(k.ID)))
	}
	what := cli.Plural(res.Layouts, "unused layout") + " " + done
	if len(removed) > 0 {
		what = cli.Plural(len(removed), "kernel") + " and " + what
	}
	if a.Settings.DryRun {
		_, err := fmt.Fprintf(w, "%s; %s as it is\n", what, cli.Size(res.Before))
		return err
	}
	_, err := fmt.Fprintf(w, "%s; %s before, %s now\n", what, cli.Size(res.Before), cli.Size(res.After))
	return err
}
