package cli

import (
	"fmt"
	"io"
)

// Streams are the program's standard streams.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// App is one run of the program: what a command is given to work with.
type App struct {
	Streams
	Settings Settings // filled in by Configure
	Style    Style    // of Out
}

// Note says something beside the results.
func (a *App) Note(format string, args ...any) {
	if !a.Settings.Quiet {
		fmt.Fprintf(a.Err, "note: "+format+"\n", args...)
	}
}
