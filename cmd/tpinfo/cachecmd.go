package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
)

func (a *app) cacheCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Look after the cache file",
		Args:  none,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "stats", Short: "Tell how full the cache is", Args: none,
			Example: "  tpinfo cache stats",
			RunE:    func(cmd *cobra.Command, _ []string) error { return a.cacheStats(cmd.Context()) },
		},
		&cobra.Command{
			Use: "verify", Short: "Read everything in the cache and check it", Args: none,
			Long: `Check the file, every layout and every kernel against its digest, and that nothing
is named that is not there. Exit status 1 when something is wrong.`,
			Example: "  tpinfo cache verify",
			RunE:    func(cmd *cobra.Command, _ []string) error { return a.cacheVerify(cmd.Context()) },
		},
		a.cacheMergeCommand(), a.cacheExportCommand(), a.cacheImportCommand(), a.cacheGCCommand(),
		&cobra.Command{
			Use: "remove KERNEL...", Short: "Take kernels out of the cache",
			Long:              "Take kernels out of the cache. 'tpinfo cache gc' then gives back the space that only they used.",
			Example:           "  tpinfo cache remove 5.10.0-46-cloud-amd64\n  tpinfo cache remove 1f6a0c2e",
			Args:              some("a kernel, as 'tpinfo kernels' lists them"),
			ValidArgsFunction: a.completeKernels,
			RunE:              func(cmd *cobra.Command, names []string) error { return a.cacheRemove(cmd.Context(), names) },
		},
	)
	return cmd
}

func (a *app) cacheStats(ctx context.Context) (err error) {
	db, err := a.readCache(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := db.Stats(ctx)
	if err != nil {
		return err
	}
	return a.write(func(w io.Writer) error {
		if a.settings.format == "json" {
			return printJSON(w, s)
		}
		t := &table{}
		t.add("file", s.Path)
		t.add("size", size(s.Bytes))
		t.add("kernels", fmt.Sprint(s.Kernels))
		t.add("events", fmt.Sprintf("%d layouts for %d uses", s.Events, s.EventUses))
		if s.Failures > 0 {
			t.add("failures", fmt.Sprint(s.Failures))
		}
		t.add("types", fmt.Sprintf("%d layouts for %d uses", s.Types, s.TypeUses))
		t.add("content", s.Content)
		return t.print(w, "")
	})
}

func (a *app) cacheVerify(ctx context.Context) (err error) {
	db, err := a.readCache(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	faults, err := db.Verify(ctx)
	if err != nil {
		return err
	}
	for _, f := range faults {
		if a.settings.format == "json" {
			if err := printJSON(a.out, f); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(a.out, "%s: %s\n", f.Where, f.What)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s found in %s; move it away and extract again", plural(len(faults), "fault"), db.Path())
	}
	if a.settings.format != "json" && !a.settings.quiet {
		fmt.Fprintln(a.out, "no fault found")
	}
	return nil
}

func (a *app) cacheRemove(ctx context.Context, names []string) error {
	return a.writeCache(ctx, func(db *cache.DB) error {
		var found []tpinfo.Kernel
		var ids []string
		for _, name := range names {
			k, err := db.Kernel(ctx, name)
			if err != nil {
				return err
			}
			if !slices.Contains(ids, k.Info().ID) {
				found, ids = append(found, k.Info().Kernel), append(ids, k.Info().ID)
			}
		}
		if err := db.Remove(ctx, ids...); err != nil {
			return err
		}
		for _, k := range found {
			if !a.settings.quiet {
				fmt.Fprintf(a.out, "%s removed  %s\n", k.Release, a.style.dim("id "+shortID(k.ID)))
			}
		}
		return nil
	})
}

// writeCache opens a cache that exists, for writing.
func (a *app) writeCache(ctx context.Context, f func(*cache.DB) error) (err error) {
	there, err := a.readCache(ctx)
	if err != nil {
		return err
	}
	if err := there.Close(); err != nil {
		return err
	}
	db, err := cache.Open(ctx, a.settings.cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return f(db)
}
