package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/extractor"
)

func (a *app) extractCommand() *cobra.Command {
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
			return a.extract(cmd.Context(), trees)
		},
	}
	f := cmd.Flags()
	f.String("btf", "", "fill what headers leave open from this kernel image, ELF file or raw BTF")
	f.StringSlice("source", nil, "full kernel source of the same version: every private trace header too")
	f.String("cc", "", "compiler: gcc, clang or a path (default: gcc, else clang)")
	f.IntP("jobs", "j", 0, "compilers run at once (default: one a core)")
	f.Bool("force", false, "extract again what has not changed")
	must(cmd.RegisterFlagCompletionFunc("cc", cobra.FixedCompletions([]string{"gcc", "clang"}, cobra.ShellCompDirectiveDefault)))
	return cmd
}

// extract takes the trees in turn. One that fails does not cost the others.
func (a *app) extract(ctx context.Context, trees []string) (err error) {
	// Opened first: a cache that cannot be written is known before the work.
	db, err := cache.Open(ctx, a.settings.cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	failed := 0
	for _, tree := range trees {
		err := a.extractOne(ctx, db, tree)
		switch {
		case err == nil:
		case ctx.Err() != nil || len(trees) == 1:
			return err
		default:
			failed++
			fmt.Fprintf(a.err, "tpinfo: %s: %v\n", tree, advise(err))
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

func (a *app) extractOne(ctx context.Context, db *cache.DB, tree string) error {
	start := time.Now()
	if err := checkReadable("--btf", a.settings.btf); err != nil {
		return err
	}
	req := extractor.Request{Tree: tree, BTF: a.settings.btf, Jobs: a.settings.jobs}
	target, err := extractor.Resolve(ctx, req)
	if err != nil {
		return err
	}
	if target.Why != "" {
		a.note("no headers of the running kernel (%s); reading its BTF", target.Why)
	}
	if !target.FromBTF {
		req.BTF, req.CC = a.settings.btfFor(target.Release), a.settings.ccFor(target.Release)
		if req.Source, err = target.SourceAmong(a.settings.sourcesFor(target.Release)); err != nil {
			return err
		}
	}
	recorded, err := db.Recorded(ctx, target.Release, target.Tree)
	if err != nil {
		return err
	}
	if !a.settings.force {
		if id, err := unchanged(ctx, req, recorded); err != nil {
			return err
		} else if id != "" {
			k, err := db.Kernel(ctx, id)
			if err != nil {
				return err
			}
			absent, err := notBuilt(ctx, k, req)
			if err != nil {
				return err
			}
			return a.printExtraction(k.Info(), extraction{Status: "unchanged", NotBuilt: absent, Seconds: time.Since(start).Seconds()})
		}
	}
	bar := a.progress(target)
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
	err = a.printExtraction(k.Info(), extraction{
		Status: "extracted", NotBuilt: absent, NewLayouts: res.NewLayouts, Seconds: time.Since(start).Seconds(),
	})
	a.afterwards(ctx, db, snap)
	return err
}

// unchanged returns the id of the kernel that an earlier extraction of the
// same content gave; "" when there is none.
func unchanged(ctx context.Context, req extractor.Request, recorded []cache.Recorded) (string, error) {
	tried := map[string]bool{}
	for _, r := range recorded {
		if tried[r.Inputs.Digest] {
			continue
		}
		tried[r.Inputs.Digest] = true
		same, err := extractor.Unchanged(ctx, req, r.Inputs)
		if err != nil {
			return "", err
		}
		if same {
			return r.KernelID, nil
		}
	}
	return "", nil
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

func (a *app) printExtraction(k cache.Info, x extraction) error {
	x.Schema, x.Kernel, x.ID, x.Tree = tpinfo.Schema, k.Release, k.ID, k.Tree
	x.Events, x.Complete, x.Types = k.Events, k.Events-k.Incomplete, k.Types
	if a.settings.format == "json" {
		return printJSON(a.out, x)
	}
	if a.settings.quiet {
		return nil
	}
	what := fmt.Sprintf("%s, %d complete, ", plural(x.Events, "event"), x.Complete)
	if x.NotBuilt > 0 {
		what += fmt.Sprintf("%d not built, ", x.NotBuilt)
	}
	what += plural(x.Types, "type")
	if x.Status == "unchanged" {
		what = "unchanged: " + what
	}
	_, err := fmt.Fprintf(a.out, "%s  %s  %s  %s\n", a.style.bold(k.Release), what,
		a.style.dim("id "+shortID(k.ID)), a.style.dim(fmt.Sprintf("%.1f s", x.Seconds)))
	return err
}

// afterwards says what somebody should know about what was just extracted.
func (a *app) afterwards(ctx context.Context, db *cache.DB, snap *tpinfo.Snapshot) {
	for _, p := range snap.Kernel.Problems {
		if a.settings.verbose || slices.Contains([]tpinfo.ProblemCode{tpinfo.HeaderFailed, tpinfo.LayoutRandomised, tpinfo.InputSkipped}, p.Code) {
			a.note("%s", p)
		}
	}
	all, err := db.Kernels(ctx)
	if err != nil {
		return // said already where it matters
	}
	for _, k := range all {
		if k.Release == snap.Kernel.Release && k.ID != snap.Kernel.ID {
			a.note("the cache holds another %s with different content (from %s): tell them apart by -k %s and -k %s",
				k.Release, k.Tree, shortID(snap.Kernel.ID), shortID(k.ID))
		}
	}
}
