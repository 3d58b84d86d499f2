package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// Cache is "tpinfo cache", with all that looks after the cache file.
func Cache(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Look after the cache file",
		Args:  cli.None,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "stats", Short: "Tell how full the cache is", Args: cli.None,
			Example: "  tpinfo cache stats",
			RunE:    func(cmd *cobra.Command, _ []string) error { return showStats(cmd.Context(), a) },
		},
		&cobra.Command{
			Use: "verify", Short: "Read everything in the cache and check it", Args: cli.None,
			Long: `Check the file, every layout and every kernel against its digest, and that nothing
is named that is not there. Exit status 1 when something is wrong. -f json prints
one object, with the list of faults.`,
			Example: "  tpinfo cache verify\n  tpinfo cache verify -f json | jq '.faults[].where'",
			RunE:    func(cmd *cobra.Command, _ []string) error { return verifyCache(cmd.Context(), a) },
		},
		mergeCommand(a), exportCommand(a), importCommand(a), gcCommand(a),
		&cobra.Command{
			Use: "remove KERNEL...", Short: "Take kernels out of the cache",
			Long: `Take kernels out of the cache: all that are named or, when one of them is not there,
none. A kernel that is known under several releases goes with all of them. -f json
prints an object for each. 'tpinfo cache gc' then gives back the space that only
they used.`,
			Example:           "  tpinfo cache remove 5.10.0-46-cloud-amd64\n  tpinfo cache remove 1f6a0c2e",
			Args:              cli.Some("a kernel, as 'tpinfo kernels' lists them"),
			ValidArgsFunction: a.CompleteKernels,
			RunE:              func(cmd *cobra.Command, names []string) error { return removeKernels(cmd.Context(), a, names) },
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

func showStats(ctx context.Context, a *cli.App) (err error) {
	db, err := a.ReadCache(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := db.Stats(ctx)
	if err != nil {
		return err
	}
	return a.Write(func(w io.Writer) error {
		if a.Settings.Format == "json" {
			return cli.PrintJSON(w, statsJSON{tpinfo.Schema, s.Schema, s})
		}
		t := &cli.Table{}
		t.Add("file", s.Path)
		t.Add("size", cli.Size(s.Bytes))
		t.Add("kernels", fmt.Sprint(s.Kernels))
		t.Add("events", fmt.Sprintf("%d layouts for %d uses", s.Events, s.EventUses))
		if s.Failures > 0 {
			t.Add("failures", fmt.Sprint(s.Failures))
		}
		t.Add("types", fmt.Sprintf("%d layouts for %d uses", s.Types, s.TypeUses))
		t.Add("content", s.Content)
		return t.Print(w, "")
	})
}

func verifyCache(ctx context.Context, a *cli.App) (err error) {
	db, err := a.ReadCache(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	faults, err := db.Verify(ctx)
	if err != nil {
		return err
	}
	if err := a.Write(func(w io.Writer) error { return printFaults(a, w, db.Path(), faults) }); err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s found in %s; use another copy, or move it away and make it anew", cli.Plural(len(faults), "fault"), db.Path())
	}
	return nil
}

// verifiedJSON is the JSON form of what was found wrong with a cache.
type verifiedJSON struct {
	Schema int           `json:"schema"`
	Path   string        `json:"path"`
	Faults []cache.Fault `json:"faults"`
}

func printFaults(a *cli.App, w io.Writer, path string, faults []cache.Fault) error {
	if a.Settings.Format == "json" {
		return cli.PrintJSON(w, verifiedJSON{tpinfo.Schema, path, cli.NotNil(faults)})
	}
	for _, f := range faults {
		fmt.Fprintf(w, "%s: %s\n", f.Where, f.What)
	}
	if len(faults) == 0 && !a.Settings.Quiet {
		fmt.Fprintln(w, "no fault found")
	}
	return nil
}

// writeCache opens a cache that exists, for writing.
func writeCache(ctx context.Context, a *cli.App, f func(*cache.DB) error) (err error) {
	there, err := a.ReadCache(ctx)
	if err != nil {
		return err
	}
	if err := there.Close(); err != nil {
		return err
	}
	db, err := cache.Open(ctx, a.Settings.Cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return f(db)
}
