package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

func version(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Tell which tpinfo this is", Args: cli.None,
		Long: `Tell which tpinfo this is. "overrides" is the digest of the override headers: two
programs with the same one extract the same kernels under the same ids.`,
		Example: "  tpinfo version\n  tpinfo version -f json",
		RunE: func(*cobra.Command, []string) error {
			v := cli.ThisProgram()
			return a.Write(func(w io.Writer) error {
				if a.Settings.Format == "json" {
					return cli.PrintJSON(w, v)
				}
				_, err := fmt.Fprintf(w, "%s\n%s %s, overrides %.12s\n", v.Name(), v.Go, v.Platform, v.Overrides)
				return err
			})
		},
	}
}
