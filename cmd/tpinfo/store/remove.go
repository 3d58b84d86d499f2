package store

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

func removeKernels(ctx context.Context, a *cli.App, names []string) error {
	return writeCache(ctx, a, func(db *cache.DB) error {
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
		return a.Write(func(w io.Writer) error { return printTakenOut(a, w, found) })
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

func printTakenOut(a *cli.App, w io.Writer, found []takenOutJSON) error {
	for _, k := range found {
		if a.Settings.Format == "json" {
			if err := cli.PrintJSON(w, k); err != nil {
				return err
			}
			continue
		}
		if a.Settings.Quiet {
			continue
		}
		also := ""
		if others := slices.DeleteFunc(slices.Clone(k.Releases), func(r string) bool { return r == k.Kernel }); len(others) > 0 {
			also = ", which is " + strings.Join(others, " and ") + " too"
		}
		fmt.Fprintf(w, "%s removed%s  %s\n", k.Kernel, also, a.Style.Dim("id "+cli.ShortID(k.ID)))
	}
	return nil
}
