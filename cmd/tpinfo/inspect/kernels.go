package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// KernelJSON is the JSON form of a kernel.
type KernelJSON struct {
	Schema    int              `json:"schema"`
	ID        string           `json:"id"`
	Release   string           `json:"release"`  // the one extracted last
	Releases  []string         `json:"releases"` // all that it is known as
	Arch      string           `json:"arch"`
	ByteOrder tpinfo.ByteOrder `json:"byte_order"`
	WordSize  int              `json:"word_size"`
	Source    tpinfo.Source    `json:"source"`
	Compiler  string           `json:"compiler"` // empty for BTF
	Tree      string           `json:"tree"`
	// Extracted is null for a kernel of an exported file, which does not say.
	Extracted *time.Time `json:"extracted"`
	// Superseded: it was extracted again since from the same tree, with another
	// outcome, and is named by its id alone.
	Superseded bool                 `json:"superseded"`
	Problems   []tpinfo.ProblemJSON `json:"problems"`
	Events     int                  `json:"events"`
	Complete   int                  `json:"complete"` // events of which nothing is unknown
	Types      int                  `json:"types"`
	Bytes      int64                `json:"own_bytes"`
}

func kernelForm(k *cache.Info, releases []string, own int64) KernelJSON {
	return KernelJSON{
		Schema: tpinfo.Schema, ID: k.ID, Release: k.Release, Releases: releases, Arch: k.Arch, ByteOrder: k.ByteOrder, WordSize: k.WordSize,
		Source: k.Source, Compiler: k.Compiler, Tree: k.Tree, Extracted: notZero(k.Extracted), Superseded: k.Superseded, Problems: tpinfo.ProblemsJSON(k.Problems),
		Events: k.Events, Complete: k.Events - k.Incomplete, Types: k.Types, Bytes: own,
	}
}

// notZero is a time, or nil where there is none.
func notZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Kernels is "tpinfo kernels".
func Kernels(a *cli.App) *cobra.Command {
	failed := false
	cmd := &cobra.Command{
		Use:   "kernels [KERNEL...]",
		Short: "List the kernels in the cache",
		Long: `List the kernels in the cache, or those that are named: by a release, a glob over
releases, or the start of an id; the newest release first. "complete" counts the
events of which every argument and field is known; "problems" concern the kernel
as a whole, and -v prints them. A kernel that was extracted again since from the
same tree, with another outcome, is superseded: its id alone names it. "own" is
what only this kernel needs of the file: layouts are shared. A kernel that is
known under several releases, whose headers are the same, stands there with each
of them.

--failed lists instead the kernels that 'tpinfo prebuild' could not build: what
was at fault, why, and what to do about it. A file that made no kernel, such as a
damaged package, is not among them: every run that finds it names it, and so does
its report.`,
		Example: `  tpinfo kernels
  tpinfo kernels '6.1.*-cloud-amd64'
  tpinfo kernels --failed
  tpinfo kernels -f json | jq -r '.releases[]'`,
		ValidArgsFunction: a.CompleteKernels,
		RunE: func(cmd *cobra.Command, names []string) error {
			switch {
			case failed && len(names) > 0:
				return cli.Usagef("--failed lists all that failed, and takes no kernel")
			case failed:
				return listFailed(cmd.Context(), a)
			}
			return listKernels(cmd.Context(), a, names)
		},
	}
	cmd.Flags().BoolVar(&failed, "failed", false, "list what could not be built, and why")
	return cmd
}

func listKernels(ctx context.Context, a *cli.App, selectors []string) (err error) {
	db, err := a.ReadCache(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	infos, err := db.Kernels(ctx)
	if err != nil {
		return err
	}
	own, err := db.OwnBytes(ctx)
	if err != nil {
		return err
	}
	releases, err := releasesByID(ctx, db)
	if err != nil {
		return err
	}
	if len(selectors) > 0 {
		named, err := db.EveryRelease(ctx, selectors...)
		if err != nil {
			return err
		}
		infos = slices.DeleteFunc(infos, func(i cache.Info) bool {
			return !slices.ContainsFunc(named, func(k *cache.Kernel) bool { return k.Info().ID == i.ID })
		})
	}
	return a.Write(func(w io.Writer) error {
		if a.Settings.Format == "json" {
			for i := range infos {
				if err := cli.PrintJSON(w, kernelForm(&infos[i], releases[infos[i].ID], own[infos[i].ID])); err != nil {
					return err
				}
			}
			return nil
		}
		if len(infos) == 0 {
			fmt.Fprintln(a.Err, "The cache is empty; 'tpinfo extract' adds a kernel.")
			return nil
		}
		return kernelTable(a, w, infos, releases, own)
	})
}

// releasesByID are all names of the kernels of a cache, the oldest first.
func releasesByID(ctx context.Context, db *cache.DB) (map[string][]string, error) {
	all, err := db.EveryRelease(ctx)
	var empty *cache.NotFoundError
	if err != nil && !errors.As(err, &empty) {
		return nil, err
	}
	names := map[string][]string{}
	for _, k := range all {
		i := k.Info()
		names[i.ID] = append(names[i.ID], i.Release)
	}
	return names, nil
}

func kernelTable(a *cli.App, w io.Writer, infos []cache.Info, releases map[string][]string, own map[string]int64) error {
	t := &cli.Table{
		Right: []bool{false, false, false, false, true, true, true, true, true, true},
		Paint: []func(string) string{a.Style.Bold, a.Style.Dim},
	}
	t.Add("RELEASE", "ID", "ARCH", "SOURCE", "EVENTS", "COMPLETE", "TYPES", "PROBLEMS", "AGE", "OWN")
	for _, k := range infos {
		source := string(k.Source)
		if k.Compiler != "" {
			source += ", " + k.Compiler
		}
		if k.Superseded {
			source += ", superseded"
		}
		old := "-" // of an exported file, which does not say
		if !k.Extracted.IsZero() {
			old = age(time.Since(k.Extracted))
		}
		t.Add(k.Release, cli.ShortID(k.ID), cmp.Or(k.Arch, "-"), source, strconv.Itoa(k.Events), strconv.Itoa(k.Events-k.Incomplete),
			strconv.Itoa(k.Types), strconv.Itoa(len(k.Problems)), old, cli.Size(own[k.ID]))
		for _, r := range slices.Backward(releases[k.ID]) {
			if r != k.Release {
				t.Add(r, cli.ShortID(k.ID), "the same")
			}
		}
	}
	if err := t.Print(w, ""); err != nil || !a.Settings.Verbose {
		return err
	}
	for _, k := range infos {
		for i, p := range k.Problems {
			if i == 0 {
				fmt.Fprintf(w, "\n%s\n", a.Style.Bold(k.Release))
			}
			fmt.Fprintf(w, "  %s\n", p)
		}
	}
	return nil
}

// age is how long ago, in the largest unit.
func age(since time.Duration) string {
	switch {
	case since < time.Minute:
		return "now"
	case since < time.Hour:
		return fmt.Sprintf("%dm", since/time.Minute)
	case since < 48*time.Hour:
		return fmt.Sprintf("%dh", since/time.Hour)
	}
	return fmt.Sprintf("%dd", since/(24*time.Hour))
}
