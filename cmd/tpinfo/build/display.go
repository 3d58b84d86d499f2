package build

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/extractor/fleet"
)

// display shows a fleet being built: a line for each kernel that is through,
// and on a terminal a bar for each that is being built, above one for all of
// them. It is safe for concurrent use.
type display struct {
	a     *cli.App
	out   io.Writer
	width int // of the longest release
	bars  *mpb.Progress
	all   *mpb.Bar

	mu      sync.Mutex
	running map[string]*kernelBar // by key
}

// kernelBar is the bar of one kernel.
type kernelBar struct {
	bar *mpb.Bar
	now atomic.Value // what it is at, a string
}

func newDisplay(a *cli.App, w io.Writer, plan *fleet.Plan) *display {
	d := &display{a: a, out: w, running: map[string]*kernelBar{}}
	for i := range plan.Tasks {
		d.width = max(d.width, len(plan.Tasks[i].Set.Release))
	}
	for i := range plan.Settled {
		d.width = max(d.width, len(plan.Settled[i].Release))
	}
	if len(plan.Tasks) == 0 {
		return d
	}
	if d.bars = a.Bars(); d.bars == nil {
		return d
	}
	d.all = d.bars.New(int64(len(plan.Tasks)), mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("·"),
		mpb.BarPriority(len(plan.Tasks)+1), mpb.BarRemoveOnComplete(),
		mpb.AppendDecorators(
			decor.CountersNoUnit(" %d of %d kernels "),
			decor.Elapsed(decor.ET_STYLE_GO),
		))
	if cli.IsTerminal(w) {
		d.out = d.bars // above the bars
	}
	return d
}

// Began, Step and Ended implement fleet.Progress.
func (d *display) Began(t fleet.Task) {
	if d.bars == nil {
		return
	}
	k := &kernelBar{}
	k.now.Store("open")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running[t.Key] = k
	k.bar = d.bars.New(0, mpb.SpinnerStyle("⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"),
		mpb.BarRemoveOnComplete(), mpb.BarWidth(1),
		mpb.AppendDecorators(
			decor.Name(" "+cmp.Or(t.Set.Release, t.Set.Tree)+" "),
			decor.Any(func(decor.Statistics) string { return k.now.Load().(string) }),
			decor.Elapsed(decor.ET_STYLE_GO, decor.WCSyncSpace),
		))
}

func (d *display) Step(t fleet.Task, p extractor.Progress) {
	if d.bars != nil {
		d.mu.Lock()
		k := d.running[t.Key]
		d.mu.Unlock()
		k.now.Store(describe(p))
	} else if d.a.Settings.Verbose {
		fmt.Fprintf(d.a.Err, "%s: %s\n", cmp.Or(t.Set.Release, t.Set.Tree), describe(p))
	}
}

func (d *display) Ended(t fleet.Task) {
	if d.bars == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running[t.Key].bar.Abort(true)
	delete(d.running, t.Key)
	d.all.Increment()
}

// notes is where lines beside the results go.
func (d *display) notes() io.Writer {
	if d.bars != nil {
		return d.bars // above the bars
	}
	return d.a.Err
}

// close ends the bars; what is printed after it stays where it is.
func (d *display) close() {
	if d.bars == nil {
		return
	}
	d.all.Abort(true)
	d.bars.Wait()
}

// kernel prints the line of a kernel that is through.
func (d *display) kernel(e fleet.Entry) error {
	if d.a.Settings.Format == "json" {
		return cli.PrintJSON(d.out, e)
	}
	if d.a.Settings.Quiet {
		return nil
	}
	what := fmt.Sprintf("%s, %d complete", cli.Plural(e.Events, "event"), e.Complete)
	switch e.Status {
	case fleet.Built:
		what += ", " + cli.Plural(e.NewLayouts, "new layout")
	case fleet.Failed:
		what = e.Failure.Reason
		if e.Untried {
			what = "not tried again: " + what
		}
	}
	status := fmt.Sprintf("%-6s", e.Status)
	if e.Status == fleet.Failed {
		status = d.a.Style.Warn(status)
	}
	line := fmt.Sprintf("%s%s  %s  %s", d.a.Style.Bold(cmp.Or(e.Release, first(e.Packages))),
		strings.Repeat(" ", max(d.width-len(e.Release), 0)), status, what)
	if e.Status == fleet.Built {
		line += d.a.Style.Dim(fmt.Sprintf("  %.1f s", e.Seconds))
	}
	_, err := fmt.Fprintln(d.out, line)
	return err
}
