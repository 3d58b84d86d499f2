package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/merge"
)

func (a *app) cacheMergeCommand() *cobra.Command {
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
		Args: some("a cache or an exported file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			return a.takeIn(cmd.Context(), files, func(ctx context.Context, db *cache.DB, file string, trust cache.ImportOption) (merge.Result, error) {
				return db.Merge(ctx, file, trust)
			})
		},
	}
	verifyFlag(cmd)
	return cmd
}

func (a *app) cacheImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "import FILE...", Short: "Add the kernels of exported files to the cache",
		Long: `Add the kernels of files that 'tpinfo cache export' wrote; "-" is standard input.
Every digest is worked out anew; of each file all is added or nothing, and one that
is refused costs no other. With --verify, only files are taken that were signed by
one of these keys. Kernels that are known already lose nothing.

Commands that only read take an exported file as it is, with --cache.`,
		Example: `  tpinfo cache import kernels.tpz
  tpinfo cache import --verify team.pub kernels.tpz
  curl -s https://example.com/kernels.tpz | tpinfo cache import -`,
		Args: some("an exported file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			return a.takeIn(cmd.Context(), files, a.importFile)
		},
	}
	verifyFlag(cmd)
	return cmd
}

func verifyFlag(cmd *cobra.Command) {
	cmd.Flags().StringArray("verify", nil, "take only what the Ed25519 key in this file signed (may be repeated)")
}

func (a *app) importFile(ctx context.Context, db *cache.DB, file string, trust cache.ImportOption) (res merge.Result, err error) {
	in := a.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return res, fmt.Errorf("%s: %w", file, withoutPath(err))
		}
		defer f.Close()
		in = f
	}
	res, err = db.Import(ctx, in, trust)
	if errors.Is(err, bundle.ErrNotBundle) {
		err = fmt.Errorf("%w; a cache is added with 'tpinfo cache merge'", err)
	}
	if err != nil && !strings.Contains(err.Error(), file) {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return res, err
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
func (a *app) takeIn(ctx context.Context, files []string, add func(context.Context, *cache.DB, string, cache.ImportOption) (merge.Result, error)) (err error) {
	keys, err := trustedKeys(a.settings.verify)
	if err != nil {
		return err
	}
	db, err := cache.Open(ctx, a.settings.cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	failed := 0
	for _, file := range files {
		res, err := add(ctx, db, file, cache.Trust(keys...))
		err = adviseOnFile(err)
		switch {
		case err == nil:
		case ctx.Err() != nil || len(files) == 1:
			return err
		default:
			failed++
			fmt.Fprintf(a.err, "tpinfo: %v\n", err)
			continue
		}
		if err := a.printTaken(takenJSON{tpinfo.Schema, file, res, len(keys) > 0}); err != nil {
			return err
		}
	}
	switch failed {
	case 0:
		return nil
	case len(files):
		return fmt.Errorf("%s failed; the cache is as it was", plural(failed, "file"))
	}
	return fmt.Errorf("%d of %d files failed; the others are in the cache", failed, len(files))
}

// adviseOnFile adds the next step to what is wrong with a file that is an
// argument.
func adviseOnFile(err error) error {
	switch {
	case errors.Is(err, bundle.ErrDamaged):
		return advised{fmt.Errorf("%w; %s", err, anotherCopy)}
	case errors.Is(err, cache.ErrNotCache):
		return advised{fmt.Errorf("%w; give caches, or files that 'tpinfo cache export' wrote", err)}
	}
	return err
}

func (a *app) printTaken(t takenJSON) error {
	if a.settings.format == "json" {
		return printJSON(a.out, t)
	}
	if a.settings.quiet {
		return nil
	}
	parts := []string{plural(t.Kernels, "new kernel")}
	for _, part := range []struct {
		n    int
		what string
	}{{t.Grown, "that knows more now"}, {t.Known, "known already"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	if t.Failures > 0 {
		parts = append(parts, plural(t.Failures, "failure"))
	}
	by := ""
	switch {
	case t.Verified:
		by = "; signed by " + t.Signer
	case t.Signer != "":
		by = "; signed by " + t.Signer + ", whom nobody asked for (--verify)"
	}
	_, err := fmt.Fprintf(a.out, "%s: %s, %s%s\n", a.style.bold(t.File), strings.Join(parts, ", "), plural(t.Layouts, "new layout"), by)
	return err
}
