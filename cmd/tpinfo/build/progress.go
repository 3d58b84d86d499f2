package build

import (
	"fmt"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/extractor"
)

// progress shows how far an extraction is: on a terminal one line that
// changes, elsewhere one line a stage.
type progress struct {
	report func(extractor.Progress)
	done   func()
}

func newProgress(a *cli.App, target *extractor.Target) progress {
	name := target.Release
	if name == "" {
		name = target.Tree
	}
	bars := a.Bars()
	switch {
	case a.Settings.Quiet:
		return progress{report: func(extractor.Progress) {}, done: func() {}}
	case bars != nil:
		return progressBar(bars, name)
	}
	return progressLines(a, name)
}

// progressLines writes what stages say of themselves, and each step only when
// asked for more.
func progressLines(a *cli.App, name string) progress {
	return progress{
		report: func(p extractor.Progress) {
			if p.Detail == "" && !a.Settings.Verbose {
				return
			}
			fmt.Fprintf(a.Err, "%s: %s\n", name, describe(p))
		},
		done: func() {},
	}
}

func describe(p extractor.Progress) string {
	s := string(p.Stage)
	if p.Round > 1 {
		s += fmt.Sprintf(", round %d", p.Round)
	}
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	return s
}

// progressBar draws a spinner and the last thing a stage said.
func progressBar(bars *mpb.Progress, name string) progress {
	var now atomic.Value // the text, a string
	now.Store("")
	bar := bars.New(0, mpb.SpinnerStyle("⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"),
		mpb.BarRemoveOnComplete(), mpb.BarWidth(1),
		mpb.AppendDecorators(
			decor.Name(" "+name+" "),
			decor.Any(func(decor.Statistics) string { return now.Load().(string) }),
			decor.Elapsed(decor.ET_STYLE_GO, decor.WCSyncSpace),
		))
	return progress{
		report: func(p extractor.Progress) { now.Store(describe(p)) },
		done: func() {
			bar.Abort(true)
			bars.Wait()
		},
	}
}
