package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/tpinfo/tpinfo/extractor"
)

// progress shows how far an extraction is: on a terminal one line that
// changes, elsewhere one line a stage.
type progress struct {
	report func(extractor.Progress)
	done   func()
}

// refresh is how often the line on a terminal changes.
const refresh = 80 * time.Millisecond

func (a *app) progress(target *extractor.Target) progress {
	name := target.Release
	if name == "" {
		name = target.Tree
	}
	switch {
	case a.settings.quiet:
		return progress{report: func(extractor.Progress) {}, done: func() {}}
	case isTerminal(a.err):
		return a.progressBar(name)
	}
	return a.progressLines(name)
}

// progressLines writes what stages say of themselves, and each step only when
// asked for more.
func (a *app) progressLines(name string) progress {
	return progress{
		report: func(p extractor.Progress) {
			if p.Detail == "" && !a.settings.verbose {
				return
			}
			fmt.Fprintf(a.err, "%s: %s\n", name, describe(p))
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
func (a *app) progressBar(name string) progress {
	container := mpb.New(mpb.WithOutput(a.err), mpb.WithWidth(24), mpb.WithRefreshRate(refresh))
	var now atomic.Value // the text, a string
	now.Store("")
	bar := container.New(0, mpb.SpinnerStyle("⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"),
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
			container.Wait()
		},
	}
}
