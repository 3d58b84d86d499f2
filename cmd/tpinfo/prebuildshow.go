package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/extractor/fleet"
)

// prebuildDisplay shows a fleet being built: a line for each kernel that is
// through, and on a terminal a bar for each that is being built, above one for
// all of them. It is safe for concurrent use.
type prebuildDisplay struct {
	a     *app
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

func (a *app) newPrebuildDisplay(w io.Writer, plan *fleet.Plan) *prebuildDisplay {
	d := &prebuildDisplay{a: a, out: w, running: map[string]*kernelBar{}}
	for i := range plan.Tasks {
		d.width = max(d.width, len(plan.Tasks[i].Set.Release))
	}
	for i := range plan.Settled {
		d.width = max(d.width, len(plan.Settled[i].Release))
	}
	if a.settings.quiet || !isTerminal(a.err) || len(plan.Tasks) == 0 {
		return d
	}
	d.bars = mpb.New(mpb.WithOutput(a.err), mpb.WithWidth(24), mpb.WithRefreshRate(refresh))
	d.all = d.bars.New(int64(len(plan.Tasks)), mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("·"),
		mpb.BarPriority(len(plan.Tasks)+1), mpb.BarRemoveOnComplete(),
		mpb.AppendDecorators(
			decor.CountersNoUnit(" %d of %d kernels "),
			decor.Elapsed(decor.ET_STYLE_GO),
		))
	if isTerminal(w) {
		d.out = d.bars // above the bars
	}
	return d
}

// Began, Step and Ended implement fleet.Progress.
func (d *prebuildDisplay) Began(t fleet.Task) {
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
			decor.Name(" "+displayName(t.Set.Release, t.Set.Tree)+" "),
			decor.Any(func(decor.Statistics) string { return k.now.Load().(string) }),
			decor.Elapsed(decor.ET_STYLE_GO, decor.WCSyncSpace),
		))
}

func (d *prebuildDisplay) Step(t fleet.Task, p extractor.Progress) {
	if d.bars != nil {
		d.mu.Lock()
		k := d.running[t.Key]
		d.mu.Unlock()
		k.now.Store(describe(p))
	} else if d.a.settings.verbose {
		fmt.Fprintf(d.a.err, "%s: %s\n", displayName(t.Set.Release, t.Set.Tree), describe(p))
	}
}

func (d *prebuildDisplay) Ended(t fleet.Task) {
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
func (d *prebuildDisplay) notes() io.Writer {
	if d.bars != nil {
		return d.bars // above the bars
	}
	return d.a.err
}

// close ends the bars; what is printed after it stays where it is.
func (d *prebuildDisplay) close() {
	if d.bars == nil {
		return
	}
	d.all.Abort(true)
	d.bars.Wait()
}

// kernel prints the line of a kernel that is through.
func (d *prebuildDisplay) kernel(e fleet.Entry) error {
	if d.a.settings.format == "json" {
		return printJSON(d.out, e)
	}
	if d.a.settings.quiet {
		return nil
	}
	what := fmt.Sprintf("%s, %d complete", plural(e.Events, "event"), e.Complete)
	switch e.Status {
	case fleet.Built:
		what += ", " + plural(e.NewLayouts, "new layout")
	case fleet.Failed:
		what = e.Failure.Reason
		if e.Untried {
			what = "not tried again: " + what
		}
	}
	status := fmt.Sprintf("%-6s", e.Status)
	if e.Status == fleet.Failed {
		status = d.a.style.warn(status)
	}
	line := fmt.Sprintf("%s%s  %s  %s", d.a.style.bold(displayName(e.Release, first(e.Packages))),
		strings.Repeat(" ", max(d.width-len(e.Release), 0)), status, what)
	if e.Status == fleet.Built {
		line += d.a.style.dim(fmt.Sprintf("  %.1f s", e.Seconds))
	}
	_, err := fmt.Fprintln(d.out, line)
	return err
}

// displayName is a release, or where it is not known the path.
func displayName(release, path string) string {
	if release == "" {
		return path
	}
	return release
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// summary says what became of all kernels: what there is now to standard
// output, what is missing and what to do about it to standard error.
func (a *app) summary(w io.Writer, r *fleet.Report) error {
	t := &r.Totals
	for i := range r.Kernels {
		if e := &r.Kernels[i]; e.Status == fleet.Failed {
			a.complain(displayName(e.Release, first(e.Packages)), e.Failure.Subject, e.Failure.Reason, e.Failure.Supply, e.Untried)
		}
	}
	for _, s := range r.Skipped {
		switch {
		case s.Failed:
			a.complain(s.Path, "", s.Reason, s.Supply, false)
		case a.settings.verbose:
			a.note("skipped %s: %s", s.Path, s.Reason)
		}
	}
	a.noteSources(r.Kernels)
	if a.settings.format == "json" || a.settings.quiet {
		return nil
	}
	inputs := t.FailedInputs
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{t.Built, "built"}, {t.Same, "with the headers of another"}, {t.Known, "known already"}, {t.Failed, "failed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	what := plural(t.Kernels, "kernel")
	if len(parts) > 0 {
		what += ": " + strings.Join(parts, ", ")
	}
	if inputs > 0 {
		what += "; " + plural(inputs, "input") + " that made no kernel"
	}
	speed := ""
	if t.Built > 0 {
		speed = fmt.Sprintf(", %.0f kernels a minute", t.PerMinute)
	}
	_, err := fmt.Fprintf(w, "%s; %s, %d complete, %s\n%s: %s; %.1f s%s\n",
		what, plural(t.Events, "event"), t.Complete, plural(t.NewLayouts, "new layout"),
		r.Cache, size(r.CacheBytes), r.Seconds, speed)
	if others := t.Skipped - inputs; err == nil && others > 0 && !a.settings.verbose {
		what := "are no kernel's headers; -v lists them"
		if others == 1 {
			what = "is no kernel's headers; -v names it"
		}
		a.note("%s skipped that %s", plural(others, "file"), what)
	}
	if err == nil {
		a.noteIncomplete(r)
	}
	return err
}

// noteIncomplete leads on from events of which something is not known.
func (a *app) noteIncomplete(r *fleet.Report) {
	for i := range r.Kernels {
		if e := &r.Kernels[i]; e.Complete < e.Events {
			a.note("%s not complete: 'tpinfo list --incomplete -k %s' names those of one kernel, and 'tpinfo show' says of each what would supply the rest",
				plural(r.Totals.Events-r.Totals.Complete, "event"), cmp.Or(e.Release, shortID(e.ID)))
			return
		}
	}
}

// noteSources says for which kernels a full source is not used, once for each
// reason.
func (a *app) noteSources(kernels []fleet.Entry) {
	why := map[string][]string{}
	var order []string
	for i := range kernels {
		e := &kernels[i]
		if e.NoSource == "" {
			continue
		}
		if why[e.NoSource] == nil {
			order = append(order, e.NoSource)
		}
		why[e.NoSource] = append(why[e.NoSource], displayName(e.Release, first(e.Packages)))
	}
	for _, reason := range order {
		names := why[reason]
		who := names[0]
		if n := len(names) - 1; n > 0 {
			who += " and " + plural(n, "more kernel")
		}
		a.note("%s: %s", who, reason)
	}
}

// complain names what failed, why, and the next step.
func (a *app) complain(name, subject, reason string, supply []string, untried bool) {
	text := explanation(name, subject, reason, supply)
	if untried {
		text += " (failed before with the same tools; --retry tries it all the same)"
	}
	fmt.Fprintf(a.err, "tpinfo: %s: %s\n", name, text)
}

// explanation is why something failed and the next step, on one line: the
// subject where it adds to the name.
func explanation(name, subject, reason string, supply []string) string {
	text := reason
	if subject != "" && subject != name && !strings.Contains(reason, subject) {
		text = subject + ": " + text
	}
	if len(supply) > 0 {
		text += "; what helps: " + strings.Join(supply, ", or ")
	}
	return text
}

// printPlan says what a run would do.
func (a *app) printPlan(w io.Writer, plan *fleet.Plan) error {
	entries := plan.Entries()
	if a.settings.format == "json" {
		for _, e := range entries {
			if err := printJSON(w, e); err != nil {
				return err
			}
		}
		return nil
	}
	t := &table{paint: []func(string) string{a.style.bold}}
	t.add("RELEASE", "ARCH", "STATUS", "PACKAGES")
	for _, e := range entries {
		status := string(e.Status)
		if e.Status == fleet.Failed {
			status += " before: " + e.Failure.Reason
		}
		t.add(e.Release, e.Arch, status, strings.Join(e.Packages, " "))
	}
	if err := t.print(w, ""); err != nil {
		return err
	}
	a.noteSources(entries)
	for _, s := range plan.Skipped {
		if s.Failed {
			a.complain(s.Path, "", s.Reason, s.Supply, false)
		} else if a.settings.verbose {
			a.note("skipped %s: %s", s.Path, s.Reason)
		}
	}
	return nil
}
