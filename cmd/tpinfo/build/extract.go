package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/extractor"
)

// Extract is "tpinfo extract".
func Extract(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "extract [TREE...]",
		Short: "Learn every tracepoint of a kernel and keep it in the cache",
		Long: `Compile a kernel's trace headers and keep what they tell in the cache. TREE is a
release whose headers are installed, or the directory of a build tree; installed,
unpacked under another root, or built by hand. Without one it is the running
kernel; where that has no headers, its own BTF and tracefs are read instead.

A tree that has not changed since is left alone, by the content of every header
that was read. What headers alone cannot tell (types that only private headers
have) comes from the kernel's BTF with --btf.

With --source, the full source that the kernel was built from, every tracepoint
of the kernel is learned: those of the private trace headers of drivers and file
systems too, and which events the configuration does not build.`,
		Example: `  tpinfo extract
  tpinfo extract 6.1.0-56-cloud-amd64
  tpinfo extract unpacked/usr/src/linux-headers-6.12.1-amd64 --btf unpacked/boot/vmlinuz-6.12.1-amd64
  tpinfo extract 6.1.0-56-amd64 --source /usr/src/linux-source-6.1
  tpinfo extract --cc clang --force ~/linux/build`,
		ValidArgsFunction: func(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return installedReleases(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, trees []string) error {
			if len(trees) == 0 {
				trees = []string{""}
			}
			return extractTrees(cmd.Context(), a, trees)
		},
	}
	f := cmd.Flags()
	f.String("btf", "", "fill what headers leave open from this kernel image, ELF file or raw BTF")
	f.StringSlice("source", nil, "full kernel source of the same version: every private trace header too")
	f.String("cc", "", "compiler: gcc, clang or a path (default: gcc, else clang)")
	f.IntP("jobs", "j", 0, "compilers run at once (default: one a core)")
	f.Bool("force", false, "extract again what has not changed")
	cli.Must(cmd.RegisterFlagCompletionFunc("cc", cobra.FixedCompletions([]string{"gcc", "clang"}, cobra.ShellCompDirectiveDefault)))
	return cmd
}

// LearnRunning extracts the running kernel beside something else: all that is
// said of it goes to standard error.
func LearnRunning(ctx context.Context, a *cli.App) error {
	beside := *a
	beside.Settings.Format, beside.Out = "table", a.Err
	return extractTrees(ctx, &beside, []string{""})
}

// extractTrees takes the trees in turn. One that fails does not cost the others.
func extractTrees(ctx context.Context, a *cli.App, trees []string) (err error) {
	// Opened first: a cache that cannot be written is known before the work.
	db, err := cache.Open(ctx, a.Settings.Cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	failed := 0
	for _, tree := range trees {
		err := extractOne(ctx, a, db, tree)
		switch {
		case err == nil:
		case ctx.Err() != nil || len(trees) == 1:
			return err
		default:
			failed++
			fmt.Fprintf(a.Err, "tpinfo: %s: %v\n", tree, cli.Advise(err))
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d kernels failed; the others are in the cache", failed, len(trees))
	}
	return nil
}

// extraction is the outcome for one tree.
type extraction struct {
	Schema     int     `json:"schema"`
	Kernel     string  `json:"kernel"`
	ID         string  `json:"id"`
	Tree       string  `json:"tree"`
	Status     string  `json:"status"` // "extracted" or "unchanged"
	Events     int     `json:"events"`
	Complete   int     `json:"complete"`  // of Events; nothing of them is unknown
	NotBuilt   int     `json:"not_built"` // of Events; only a source tells
	Types      int     `json:"types"`
	NewLayouts int     `json:"new_layouts"`
	Seconds    float64 `json:"seconds"`
}

func extractOne(ctx context.Context, a *cli.App, db *cache.DB, tree string) error {
	start := time.Now()
	if err := cli.CheckReadable("--btf", a.Settings.BTF); err != nil {
		return err
	}
	req := extractor.Request{Tree: tree, BTF: a.Settings.BTF, Jobs: a.Settings.Jobs}
	target, err := extractor.Resolve(ctx, req)
	if err != nil {
		return err
	}
	if target.Why != "" {
		a.Note("no headers of the running kernel (%s); reading its BTF", target.Why)
	}
	if !target.FromBTF {
		req.BTF, req.CC = a.Settings.BTFFor(target.Release), a.Settings.CCFor(target.Release)
		if req.Source, err = target.SourceAmong(a.Settings.SourcesFor(target.Release)); err != nil {
			return err
		}
	}
	recorded, err := db.Recorded(ctx, target.Release, target.Tree)
	if err != nil {
		return err
	}
	if !a.Settings.Force {
		if id, err := cli.Unchanged(ctx, req, recorded); err != nil {
			return err
		} else if id != "" {
			k, err := db.Kernel(ctx, id)
			if err != nil {
				return err
			}
			last := slices.IndexFunc(recorded, func(r cache.Recorded) bool { return r.Tree == target.Tree })
			if last >= 0 && recorded[last].KernelID != id {
				// The tree is again as it was then.
				as := k.Info().Kernel
				as.Release, as.Tree, as.Extracted = cmp.Or(target.Release, as.Release), target.Tree, time.Now()
				if err := db.AddAlias(ctx, id, as, tpinfo.Origin{}); err != nil {
					return err
				}
			}
			absent, err := notBuilt(ctx, k, req)
			if err != nil {
				return err
			}
			return printExtraction(a, k.Info(), extraction{Status: "unchanged", NotBuilt: absent, Seconds: time.Since(start).Seconds()})
		}
	}
	bar := newProgress(a, target)
	req.Report = bar.report
	snap, err := extractor.Extract(ctx, req)
	bar.done()
	if err != nil {
		return err
	}
	res, err := db.Put(ctx, snap)
	if err != nil {
		return err
	}
	k, err := db.Kernel(ctx, res.ID)
	if err != nil {
		return err
	}
	absent, err := notBuilt(ctx, k, req)
	if err != nil {
		return err
	}
	err = printExtraction(a, k.Info(), extraction{
		Status: "extracted", NotBuilt: absent, NewLayouts: res.NewLayouts, Seconds: time.Since(start).Seconds(),
	})
	afterwards(ctx, a, db, snap)
	return err
}

// notBuilt counts the events that a kernel's source has and the kernel has not.
func notBuilt(ctx context.Context, k *cache.Kernel, req extractor.Request) (n int, err error) {
	if req.Source == "" {
		return 0, nil
	}
	events, err := k.Events(ctx)
	for i := range events {
		if !events[i].Built() {
			n++
		}
	}
	return n, err
}

func printExtraction(a *cli.App, k cache.Info, x extraction) error {
	x.Schema, x.Kernel, x.ID, x.Tree = tpinfo.Schema, k.Release, k.ID, k.Tree
	x.Events, x.Complete, x.Types = k.Events, k.Events-k.Incomplete, k.Types
	if a.Settings.Format == "json" {
		return cli.PrintJSON(a.Out, x)
	}
	if a.Settings.Quiet {
		return nil
	}
	what := fmt.Sprintf("%s, %d complete, ", cli.Plural(x.Events, "event"), x.Complete)
	if x.NotBuilt > 0 {
		what += fmt.Sprintf("%d not built, ", x.NotBuilt)
	}
	what += cli.Plural(x.Types, "type")
	if x.Status == "unchanged" {
		what = "unchanged: " + what
	}
	_, err := fmt.Fprintf(a.Out, "%s  %s  %s  %s\n", a.Style.Bold(k.Release), what,
		a.Style.Dim("id "+cli.ShortID(k.ID)), a.Style.Dim(fmt.Sprintf("%.1f s", x.Seconds)))
	return err
}

// afterwards says what somebody should know about what was just extracted.
func afterwards(ctx context.Context, a *cli.App, db *cache.DB, snap *tpinfo.Snapshot) {
	for _, p := range snap.Kernel.Problems {
		if a.Settings.Verbose || slices.Contains([]tpinfo.ProblemCode{tpinfo.HeaderFailed, tpinfo.LayoutRandomised, tpinfo.InputSkipped}, p.Code) {
			a.Note("%s", p)
		}
	}
	all, err := db.Kernels(ctx)
	if err != nil {
		return // said already where it matters
	}
	for _, k := range all {
		switch {
		case k.Release != snap.Kernel.Release || k.ID == snap.Kernel.ID:
		case k.Superseded:
			a.Note("it differs from what was extracted from %s before, which -k %[2]s still names; 'tpinfo cache remove %[2]s' takes that out", k.Tree, cli.ShortID(k.ID))
		default:
			a.Note("the cache holds another %s with different content (from %s): tell them apart by -k %s and -k %s",
				k.Release, k.Tree, cli.ShortID(snap.Kernel.ID), cli.ShortID(k.ID))
		}
	}
}

// installedReleases are those with a build tree under /lib/modules.
func installedReleases() []string {
	builds, err := filepath.Glob("/lib/modules/*/build")
	if err != nil {
		return nil
	}
	var names []string
	for _, b := range builds {
		if _, err := os.Stat(b); err == nil {
			names = append(names, filepath.Base(filepath.Dir(b)))
		}
	}
	return names
}
