package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

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
is named that is not there. Exit status 1 when something is wrong. -f json prints
one object, with the list of faults.`,
			Example: "  tpinfo cache verify\n  tpinfo cache verify -f json | jq '.faults[].where'",
			RunE:    func(cmd *cobra.Command, _ []string) error { return a.cacheVerify(cmd.Context()) },
		},
		a.cacheMergeCommand(), a.cacheExportCommand(), a.cacheImportCommand(), a.cacheGCCommand(),
		&cobra.Command{
			Use: "remove KERNEL...", Short: "Take kernels out of the cache",
			Long: `Take kernels out of the cache: all that are named or, when one of them is not there,
none. A kernel that is known under several releases goes with all of them. -f json
prints an object for each. 'tpinfo cache gc' then gives back the space that only
they used.`,
			Example:           "  tpinfo cache remove 5.10.0-46-cloud-amd64\n  tpinfo cache remove 1f6a0c2e",
			Args:              some("a kernel, as 'tpinfo kernels' lists them"),
			ValidArgsFunction: a.completeKernels,
			RunE:              func(cmd *cobra.Command, names []string) error { return a.cacheRemove(cmd.Context(), names) },
		},
	)
	return cmd
}

// statsJSON is the JSON form of what a cache holds.
type statsJSON struct {
	Schema     int `json:"schema"`
	FileSchema int `json:"file_schema"` // of the cache file
	cache.Stats
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
			return printJSON(w, statsJSON{tpinfo.Schema, s.Schema, s})
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
	if err := a.write(func(w io.Writer) error { return a.printFaults(w, db.Path(), faults) }); err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s found in %s; use another copy, or move it away and make it anew", plural(len(faults), "fault"), db.Path())
	}
	return nil
}

// verifiedJSON is the JSON form of what was found wrong with a cache.
type verifiedJSON struct {
	Schema int           `json:"schema"`
	Path   string        `json:"path"`
	Faults []cache.Fault `json:"faults"`
}

func (a *app) printFaults(w io.Writer, path string, faults []cache.Fault) error {
	if a.settings.format == "json" {
		return printJSON(w, verifiedJSON{tpinfo.Schema, path, notNil(faults)})
	}
	for _, f := range faults {
		fmt.Fprintf(w, "%s: %s\n", f.Where, f.What)
	}
	if len(faults) == 0 && !a.settings.quiet {
		fmt.Fprintln(w, "no fault found")
	}
	return nil
}

func (a *app) cacheRemove(ctx context.Context, names []string) error {
	return a.writeCache(ctx, func(db *cache.DB) error {
		contents, err := db.Contents(ctx)
		if err != nil {
			return err
		}
		var found []takenOutJSON
		var ids []string
		for _, name := range names {
			k, err := db.Kernel(ctx, name)
			if err != nil {
				return err
			}
			id := k.Info().ID
			if slices.Contains(ids, id) {
				continue
			}
			at := slices.IndexFunc(contents, func(c cache.KernelContent) bool { return c.ID == id })
			if at < 0 {
				return &cache.NotFoundError{What: "kernel", Name: name, In: "the cache: it was removed meanwhile"}
			}
			ids = append(ids, id)
			found = append(found, takenOutJSON{tpinfo.Schema, k.Info().Release, id, contents[at].Releases})
		}
		if err := db.Remove(ctx, ids...); err != nil {
			return err
		}
		return a.write(func(w io.Writer) error { return a.printTakenOut(w, found) })
	})
}

// takenOutJSON is the JSON form of a kernel that was removed.
type takenOutJSON struct {
	Schema int    `json:"schema"`
	Kernel string `json:"kernel"`
	ID     string `json:"id"`
	// Releases are all that it was known as: they went with it.
	Releases []string `json:"releases"`
}

func (a *app) printTakenOut(w io.Writer, found []takenOutJSON) error {
	for _, k := range found {
		if a.settings.format == "json" {
			if err := printJSON(w, k); err != nil {
				return err
			}
			continue
		}
		if a.settings.quiet {
			continue
		}
		also := ""
		if others := slices.DeleteFunc(slices.Clone(k.Releases), func(r string) bool { return r == k.Kernel }); len(others) > 0 {
			also = ", which is " + strings.Join(others, " and ") + " too"
		}
		fmt.Fprintf(w, "%s removed%s  %s\n", k.Kernel, also, a.style.dim("id "+shortID(k.ID)))
	}
	return nil
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
