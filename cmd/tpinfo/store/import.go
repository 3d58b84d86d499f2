package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/merge"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

func importCommand(a *cli.App) *cobra.Command {
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
		Args: cli.Some("an exported file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			return takeIn(cmd.Context(), a, files, func(ctx context.Context, db *cache.DB, file string, trust cache.ImportOption) (merge.Result, error) {
				return importFile(ctx, a.In, db, file, trust)
			})
		},
	}
	verifyFlag(cmd)
	return cmd
}

// importFile adds an exported file, or with "-" what is read from in.
func importFile(ctx context.Context, in io.Reader, db *cache.DB, file string, trust cache.ImportOption) (res merge.Result, err error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return res, fmt.Errorf("%s: %w", file, cli.WithoutPath(err))
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
