package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/headers"
)

// versionJSON is the JSON form of what this program is.
type versionJSON struct {
	Schema    int    `json:"schema"`
	Version   string `json:"version"`
	Revision  string `json:"revision"` // of the source; empty when the build did not know it
	Go        string `json:"go"`
	Platform  string `json:"platform"`
	Overrides string `json:"overrides"` // digest of the override headers
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Tell which tpinfo this is", Args: none,
		Long: `Tell which tpinfo this is. "overrides" is the digest of the override headers: two
programs with the same one extract the same kernels under the same ids.`,
		Example: "  tpinfo version\n  tpinfo version -f json",
		RunE: func(*cobra.Command, []string) error {
			v := about()
			if a.settings.format == "json" {
				return printJSON(a.out, v)
			}
			fmt.Fprintf(a.out, "tpinfo %s", v.Version)
			if v.Revision != "" {
				fmt.Fprintf(a.out, " (%.12s)", v.Revision)
			}
			_, err := fmt.Fprintf(a.out, "\n%s %s, overrides %.12s\n", v.Go, v.Platform, v.Overrides)
			return err
		},
	}
}

func about() versionJSON {
	v := versionJSON{
		Schema: tpinfo.Schema, Version: "(development)", Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Overrides: headers.Digest(),
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Revision = s.Value
		}
	}
	return v
}
