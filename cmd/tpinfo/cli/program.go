package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/headers"
)

// Program is the JSON form of what this program is.
type Program struct {
	Schema    int    `json:"schema"`
	Version   string `json:"version"`
	Revision  string `json:"revision"` // of the source; empty when the build did not know it
	Go        string `json:"go"`
	Platform  string `json:"platform"`
	Overrides string `json:"overrides"` // digest of the override headers
}

// ThisProgram is what the build put down of this program.
func ThisProgram() Program {
	v := Program{
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

// Name is the program's version, and its revision where it has none.
func (v Program) Name() string {
	s := "tpinfo " + v.Version
	if v.Revision != "" {
		s += fmt.Sprintf(" (%.12s)", v.Revision)
	}
	return s
}
