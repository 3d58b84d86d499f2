package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/merge"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

func mergeCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use: "merge FILE...", Short: "Add what other caches hold to this one",
		Long: `Add the kernels that other caches or exported files hold, with their releases and
what they were built from, and what failed to build. Of each file all is added or
nothing; one that is refused costs no other. In whatever order caches are merged,
and how often, the same comes of it: 'tpinfo cache stats' shows equal contents.

Two extractions of one kernel that differ, since one had --btf or --source, become
one that has every event and type as the extraction knew it that knew more of it.

With --verify, only exported files are taken that were signed by one of these keys.`,
		Example: `  tpinfo cache merge --cache all.db shard-*.db
  tpinfo cache merge /mnt/ci/nightly.db`,
		Args: cli.Some("a cache or an exported file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			return takeIn(cmd.Context(), a, files, func(ctx context.Context, db *cache.DB, file string, trust cache.ImportOption) (merge.Result, error) {
				return db.Merge(ctx, file, trust)
			})
		},
	}
	verifyFlag(cmd)
	return cmd
}

func verifyFlag(cmd *cobra.Command) {
	cmd.Flags().StringArray("verify", nil, "take only what the Ed25519 key in this file signed (may be repeated)")
}

// takenJSON is the JSON form of a file that was added.
type takenJSON struct {
	Schema int    `json:"schema"`
	File   string `json:"file"`
	merge.Result
	// Verified: a key was asked for, and signed it.
	Verified bool `json:"verified"`
}

// takeIn adds files in turn.
func takeIn(ctx context.Context, a *cli.App, files []string, add func(context.Context, *cache.DB, string, cache.ImportOption) (merge.Result, error)) (err error) {
	keys, err := cli.TrustedKeys(a.Settings.Verify)
	if err != nil {
		return err
	}
	db, err := cache.Open(ctx, a.Settings.Cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	failed := 0
	for _, file := range files {
		res, err := add(ctx, db, file, cache.Trust(keys...))
		err = cli.AdviseOnFile(err)
		switch {
		case err == nil:
		case ctx.Err() != nil || len(files) == 1:
			return err
		default:
			failed++
			fmt.Fprintf(a.Err, "tpinfo: %v\n", err)
			continue
		}
		if err := printTaken(a, takenJSON{tpinfo.Schema, file, res, len(keys) > 0}); err != nil {
			return err
		}
	}
	switch failed {
	case 0:
		return nil
	case len(files):
		return fmt.Errorf("%s failed; the cache is as it was", cli.Plural(failed, "file"))
	}
	return fmt.Errorf("%d of %d files failed; the others are in the cache", failed, len(files))
}

func printTaken(a *cli.App, t takenJSON) error {
	if a.Settings.Format == "json" {
		return cli.PrintJSON(a.Out, t)
	}
	if a.Settings.Quiet {
		return nil
	}
	parts := []string{cli.Plural(t.Kernels, "new kernel")}
	for _, part := range []struct {
		n    int
		what string
	}{{t.Grown, "that knows more now"}, {t.Known, "known already"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	if t.Failures > 0 {
		parts = append(parts, cli.Plural(t.Failures, "failure"))
	}
	by := ""
	switch {
	case t.Verified:
		by = "; signed by " + t.Signer
	case t.Signer != "":
		by = "; signed by " + t.Signer + ", whom nobody asked for (--verify)"
	}
	_, err := fmt.Fprintf(a.Out, "%s: %s, %s%s\n", a.Style.Bold(t.File), strings.Join(parts, ", "), cli.Plural(t.Layouts, "new layout"), by)
	return err
}
