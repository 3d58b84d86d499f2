package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	Schema int `json:"schema"`
	tpinfo.Kernel
	Events     int   `json:"events"`
	Incomplete int   `json:"incomplete"`
	Types      int   `json:"types"`
	Bytes      int64 `json:"own_bytes"`
}

func (a *app) kernelsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "kernels",
		Short: "List the kernels in the cache",
		Long: `List the kernels in the cache, the newest release first. "complete" counts the
events of which every argument and field is known; "problems" concern the kernel
as a whole, and -v prints them. "own" is what only this kernel needs of the file:
layouts are shared.`,
		Example: `  tpinfo kernels
  tpinfo kernels -f json | jq -r .release`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.kernels(cmd.Context()) },
	}
}

func (a *app) kernels(ctx context.Context) (err error) {
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
	return a.write(func(w io.Writer) error {
		if a.settings.format == "json" {
			for _, k := range infos {
				if err := printJSON(w, kernelJSON{tpinfo.Schema, k.Kernel, k.Events, k.Incomplete, k.Types, own[k.ID]}); err != nil {
					return err
				}
			}
			return nil
		}
		if len(infos) == 0 {
			fmt.Fprintln(a.err, "The cache is empty; 'tpinfo extract' adds a kernel.")
			return nil
		}
		return a.kernelTable(w, infos, own)
	})
}

func (a *app) kernelTable(w io.Writer, infos []cache.Info, own map[string]int64) error {
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
		t.add(k.Release, shortID(k.ID), k.Arch, source, strconv.Itoa(k.Events), strconv.Itoa(k.Events-k.Incomplete),
			strconv.Itoa(k.Types), strconv.Itoa(len(k.Problems)), age(time.Since(k.Extracted)), size(own[k.ID]))
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
