package main

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
)

// shortID is as much of a kernel's id as people need.
func shortID(id string) string { return id[:min(len(id), 12)] }

// kernelJSON is the JSON form of a kernel.
type kernelJSON struct {
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
	Extracted *time.Time           `json:"extracted"`
	Problems  []tpinfo.ProblemJSON `json:"problems"`
	Events    int                  `json:"events"`
	Complete  int                  `json:"complete"` // events of which nothing is unknown
	Types     int                  `json:"types"`
	Bytes     int64                `json:"own_bytes"`
}

func kernelForm(k *cache.Info, releases []string, own int64) kernelJSON {
	return kernelJSON{
		Schema: tpinfo.Schema, ID: k.ID, Release: k.Release, Releases: releases, Arch: k.Arch, ByteOrder: k.ByteOrder, WordSize: k.WordSize,
		Source: k.Source, Compiler: k.Compiler, Tree: k.Tree, Extracted: notZero(k.Extracted), Problems: tpinfo.ProblemsJSON(k.Problems),
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

func (a *app) kernelsCommand() *cobra.Command {
	failed := false
	cmd := &cobra.Command{
		Use:   "kernels [KERNEL...]",
		Short: "List the kernels in the cache",
		Long: `List the kernels in the cache, or those that are named: by a release, a glob over
releases, or the start of an id; the newest release first. "complete" counts the
events of which every argument and field is known; "problems" concern the kernel
as a whole, and -v prints them. "own" is what only this kernel needs of the file:
layouts are shared. A kernel that is known under several releases, whose headers
are the same, stands there with each of them.

--failed lists instead the kernels that 'tpinfo prebuild' could not build: what
was at fault, why, and what to do about it. A file that made no kernel, such as a
damaged package, is not among them: every run that finds it names it, and so does
its report.`,
		Example: `  tpinfo kernels
  tpinfo kernels '6.1.*-cloud-amd64'
  tpinfo kernels --failed
  tpinfo kernels -f json | jq -r '.releases[]'`,
		ValidArgsFunction: a.completeKernels,
		RunE: func(cmd *cobra.Command, names []string) error {
			switch {
			case failed && len(names) > 0:
				return usageError{errors.New("--failed lists all that failed, and takes no kernel")}
			case failed:
				return a.failedKernels(cmd.Context())
			}
			return a.kernels(cmd.Context(), names)
		},
	}
	cmd.Flags().BoolVar(&failed, "failed", false, "list what could not be built, and why")
	return cmd
}

// failureJSON is the JSON form of an entry of the ledger.
type failureJSON struct {
	Schema  int       `json:"schema"`
	Key     string    `json:"key"`
	Release string    `json:"release"` // empty when not even that is known
	Arch    string    `json:"arch"`
	Subject string    `json:"subject"`
	Reason  string    `json:"reason"`
	Supply  []string  `json:"supply"`
	Tools   string    `json:"tools"`
	Tries   int       `json:"tries"`
	When    time.Time `json:"when"`
}

func failureForm(f *tpinfo.Failure) failureJSON {
	return failureJSON{tpinfo.Schema, f.Key, f.Release, f.Arch, f.Subject, f.Reason, notNil(f.Supply), f.Tools, f.Tries, f.When}
}

// failedKernels prints the ledger.
func (a *app) failedKernels(ctx context.Context) (err error) {
	db, err := a.readCache(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	list, err := db.Failures(ctx)
	if err != nil {
		return err
	}
	return a.write(func(w io.Writer) error {
		if a.settings.format == "json" {
			for i := range list {
				if err := printJSON(w, failureForm(&list[i])); err != nil {
					return err
				}
			}
			return nil
		}
		if len(list) == 0 {
			fmt.Fprintln(a.err, "Nothing in the cache's ledger: no kernel failed.")
			return nil
		}
		for _, f := range list {
			tools := f.Tools
			if tools == "" {
				tools = "will be tried again"
			}
			fmt.Fprintf(w, "%s  %s\n", a.style.bold(displayName(f.Release, f.Subject)),
				a.style.dim(fmt.Sprintf("%s, tried %s, %s", f.Arch, plural(f.Tries, "time"), tools)))
			fmt.Fprintf(w, "  %s\n", explanation(displayName(f.Release, f.Subject), f.Subject, f.Reason, f.Supply))
		}
		return nil
	})
}

func (a *app) kernels(ctx context.Context, selectors []string) (err error) {
	db, err := a.readCache(ctx)
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
		named, err := db.Releases(ctx, selectors...)
		if err != nil {
			return err
		}
		infos = slices.DeleteFunc(infos, func(i cache.Info) bool {
			return !slices.ContainsFunc(named, func(k *cache.Kernel) bool { return k.Info().ID == i.ID })
		})
	}
	return a.write(func(w io.Writer) error {
		if a.settings.format == "json" {
			for i := range infos {
				if err := printJSON(w, kernelForm(&infos[i], releases[infos[i].ID], own[infos[i].ID])); err != nil {
					return err
				}
			}
			return nil
		}
		if len(infos) == 0 {
			fmt.Fprintln(a.err, "The cache is empty; 'tpinfo extract' adds a kernel.")
			return nil
		}
		return a.kernelTable(w, infos, releases, own)
	})
}

// releasesByID are all names of the kernels of a cache, the oldest first.
func releasesByID(ctx context.Context, db *cache.DB) (map[string][]string, error) {
	all, err := db.Releases(ctx)
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

func (a *app) kernelTable(w io.Writer, infos []cache.Info, releases map[string][]string, own map[string]int64) error {
	t := &table{
		right: []bool{false, false, false, false, true, true, true, true, true, true},
		paint: []func(string) string{a.style.bold, a.style.dim},
	}
	t.add("RELEASE", "ID", "ARCH", "SOURCE", "EVENTS", "COMPLETE", "TYPES", "PROBLEMS", "AGE", "OWN")
	for _, k := range infos {
		source := string(k.Source)
		if k.Compiler != "" {
			source += ", " + k.Compiler
		}
		old := "-" // of an exported file, which does not say
		if !k.Extracted.IsZero() {
			old = age(time.Since(k.Extracted))
		}
		t.add(k.Release, shortID(k.ID), cmp.Or(k.Arch, "-"), source, strconv.Itoa(k.Events), strconv.Itoa(k.Events-k.Incomplete),
			strconv.Itoa(k.Types), strconv.Itoa(len(k.Problems)), old, size(own[k.ID]))
		for _, r := range slices.Backward(releases[k.ID]) {
			if r != k.Release {
				t.add(r, shortID(k.ID), "the same")
			}
		}
	}
	if err := t.print(w, ""); err != nil || !a.settings.verbose {
		return err
	}
	for _, k := range infos {
		for i, p := range k.Problems {
			if i == 0 {
				fmt.Fprintf(w, "\n%s\n", a.style.bold(k.Release))
			}
			fmt.Fprintf(w, "  %s\n", p)
		}
	}
	return nil
}
