package build

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/extractor/fleet"
)

// summarise says what became of all kernels: what there is now to standard
// output, what is missing and what to do about it to standard error.
func summarise(a *cli.App, w io.Writer, r *fleet.Report) error {
	t := &r.Totals
	for i := range r.Kernels {
		if e := &r.Kernels[i]; e.Status == fleet.Failed {
			complain(a, cmp.Or(e.Release, first(e.Packages)), e.Failure.Subject, e.Failure.Reason, e.Failure.Supply, e.Untried)
		}
	}
	for _, s := range r.Skipped {
		switch {
		case s.Failed:
			complain(a, s.Path, "", s.Reason, s.Supply, false)
		case a.Settings.Verbose:
			a.Note("skipped %s: %s", s.Path, s.Reason)
		}
	}
	noteSources(a, r.Kernels)
	if a.Settings.Format == "json" || a.Settings.Quiet {
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
	what := cli.Plural(t.Kernels, "kernel")
	if len(parts) > 0 {
		what += ": " + strings.Join(parts, ", ")
	}
	if inputs > 0 {
		what += "; " + cli.Plural(inputs, "input") + " that made no kernel"
	}
	speed := ""
	if t.Built > 0 {
		speed = fmt.Sprintf(", %.0f kernels a minute", t.PerMinute)
	}
	_, err := fmt.Fprintf(w, "%s; %s, %d complete, %s\n%s: %s; %.1f s%s\n",
		what, cli.Plural(t.Events, "event"), t.Complete, cli.Plural(t.NewLayouts, "new layout"),
		r.Cache, cli.Size(r.CacheBytes), r.Seconds, speed)
	if others := t.Skipped - inputs; err == nil && others > 0 && !a.Settings.Verbose {
		what := "are no kernel's headers; -v lists them"
		if others == 1 {
			what = "is no kernel's headers; -v names it"
		}
		a.Note("%s skipped that %s", cli.Plural(others, "file"), what)
	}
	if err == nil {
		noteIncomplete(a, r)
	}
	return err
}

// noteIncomplete leads on from events of which something is not known.
func noteIncomplete(a *cli.App, r *fleet.Report) {
	for i := range r.Kernels {
		if e := &r.Kernels[i]; e.Complete < e.Events {
			a.Note("%s not complete: 'tpinfo list --incomplete -k %s' names those of one kernel, and 'tpinfo show' says of each what would supply the rest",
				cli.Plural(r.Totals.Events-r.Totals.Complete, "event"), cmp.Or(e.Release, cli.ShortID(e.ID)))
			return
		}
	}
}

// noteSources says for which kernels a full source is not used, once for each
// reason.
func noteSources(a *cli.App, kernels []fleet.Entry) {
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
		why[e.NoSource] = append(why[e.NoSource], cmp.Or(e.Release, first(e.Packages)))
	}
	for _, reason := range order {
		names := why[reason]
		who := names[0]
		if n := len(names) - 1; n > 0 {
			who += " and " + cli.Plural(n, "more kernel")
		}
		a.Note("%s: %s", who, reason)
	}
}

// complain names what failed, why, and the next step.
func complain(a *cli.App, name, subject, reason string, supply []string, untried bool) {
	text := cli.Explanation(name, subject, reason, supply)
	if untried {
		text += " (failed before with the same tools; --retry tries it all the same)"
	}
	fmt.Fprintf(a.Err, "tpinfo: %s: %s\n", name, text)
}

// printPlan says what a run would do.
func printPlan(a *cli.App, w io.Writer, plan *fleet.Plan) error {
	entries := plan.Entries()
	if a.Settings.Format == "json" {
		for _, e := range entries {
			if err := cli.PrintJSON(w, e); err != nil {
				return err
			}
		}
		return nil
	}
	t := &cli.Table{Paint: []func(string) string{a.Style.Bold}}
	t.Add("RELEASE", "ARCH", "STATUS", "PACKAGES")
	for _, e := range entries {
		status := string(e.Status)
		if e.Status == fleet.Failed {
			status += " before: " + e.Failure.Reason
		}
		t.Add(e.Release, e.Arch, status, strings.Join(e.Packages, " "))
	}
	if err := t.Print(w, ""); err != nil {
		return err
	}
	noteSources(a, entries)
	for _, s := range plan.Skipped {
		if s.Failed {
			complain(a, s.Path, "", s.Reason, s.Supply, false)
		} else if a.Settings.Verbose {
			a.Note("skipped %s: %s", s.Path, s.Reason)
		}
	}
	return nil
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
