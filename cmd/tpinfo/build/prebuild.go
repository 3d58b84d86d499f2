package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// Prebuild is "tpinfo prebuild".
func Prebuild(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "prebuild PATH...",
		Short: "Learn the tracepoints of many kernels, from their packages",
		Long: `Build one cache from everything that a package mirror has. PATH is a header
package (.deb, .rpm), a folder that is searched for them, or an unpacked build
tree. Packages are opened in a scratch folder (under TMPDIR) and nothing of them
is run. What belongs together is found by itself: a flavour's package and the
common one it needs, and beside them the image package, whose BTF fills what
headers leave open.

What is known is not built again: neither the same packages nor, under another
name, the same headers. Ended at any moment, the same command goes on where it
was. A kernel that cannot be built does not cost the others; it is entered into a
ledger ('tpinfo kernels --failed') and tried again when the compiler or tpinfo is
another one, or with --retry.

--shard builds one of several parts, for machines that see the same
packages: 1/4 to 4/4, or auto/4 in a Kubernetes job with completionMode Indexed.
'tpinfo cache merge' joins the caches.

--queue has the kernels built by 'tpinfo worker' on other machines, over a NATS
server with JetStream ('nats-server -js'). Packages travel to them; build trees
are built here. Ended at any moment, workers go on, and the same command collects
what they built.

--report writes what became of every kernel as one JSON file, also when the run
is interrupted: status (built, known, same, failed), events, every header that
failed with the compiler's words, every file that was skipped and why. With
--dry-run it is the plan: what would be built has the status planned.

Compilers are looked for first. --cc that names none is wrong usage, and where
there is none for some of the architectures (gcc for arm64 is a package of its
own) a note says so, and those kernels alone fail.

Exit status 1 when a kernel failed, or a package that should have been one; the
others are in the cache.`,
		Example: `  tpinfo prebuild /srv/mirror/pool/main/l/linux
  tpinfo prebuild --report report.json linux-headers-*.deb linux-image-*.deb
  tpinfo prebuild --dry-run packages
  tpinfo prebuild --source linux-source-6.1.tar.xz packages
  tpinfo prebuild --queue nats://queue.example.org packages
  tpinfo prebuild --shard 2/5 --cache part2.db packages`,
		Args: cli.Some("packages, a folder of packages, or build trees"),
		RunE: func(cmd *cobra.Command, paths []string) error { return prebuildAll(cmd.Context(), a, paths) },
	}
	f := cmd.Flags()
	f.IntP("jobs", "j", 0, "kernels built at once (default: one a core)")
	f.String("cc", "", "compiler: gcc, clang or a path (default: gcc, else clang)")
	f.StringSlice("source", nil, "full source tree, or a package or tarball of one, for the kernels of its version")
	f.String("shard", "", "build one part of the kernels: I/N, or auto/N in an indexed job")
	f.String("report", "", "write what became of every kernel to this file, as JSON")
	queueFlags(f)
	f.Bool("retry", false, "try again what failed before")
	f.Bool("force", false, "build again what is known")
	f.Bool("dry-run", false, "say what would be built, and build nothing")
	cli.Must(cmd.RegisterFlagCompletionFunc("cc", cobra.FixedCompletions([]string{"gcc", "clang"}, cobra.ShellCompDirectiveDefault)))
	return cmd
}

func prebuildAll(ctx context.Context, a *cli.App, paths []string) (err error) {
	start := time.Now()
	s := &a.Settings
	var shard fleet.Shard
	if s.Shard != "" {
		if shard, err = fleet.ParseShard(s.Shard, os.Getenv); err != nil {
			return cli.Usage(err)
		}
	}
	if s.Queue == "" {
		err = cc.Check(ctx, s.CC)
	} else {
		err = natsqueue.CheckCompiler(s.CC)
	}
	if err != nil {
		return cli.Usage(err)
	}
	// What the result goes to is opened first: that it cannot be written is
	// known before the work.
	if s.Report != "" {
		if err := cli.CheckWritable("report", s.Report); err != nil {
			return err
		}
	}
	report := fleet.NewReport(start)
	defer func() { err = errors.Join(err, saveReport(a, report, err)) }()
	db, err := openCache(ctx, a)
	if err != nil {
		return err
	}
	store := fleetStore{db}
	if db != nil {
		defer func() { err = errors.Join(err, db.Close()) }() // also where it was closed before
	}
	sets, skipped, err := kpkg.Find(ctx, append(paths, s.Sources...))
	if err != nil {
		return err
	}
	if err := checkSources(s.Sources, sets, skipped); err != nil {
		return cli.Usage(err)
	}
	with := &compilers{choice: s.CC}
	planner := &fleet.Planner{Store: store, Tools: with.tools, CC: s.CC, Shard: shard, Retry: s.Retry, Force: s.Force}
	plan, err := planner.Plan(ctx, sets, skipped)
	if err != nil {
		return err
	}
	if len(sets) == 0 && !slices.ContainsFunc(skipped, func(s kpkg.Skipped) bool { return !s.NotNeeded }) {
		return fmt.Errorf("no kernel headers in %s: it takes header packages (linux-headers-RELEASE with its common part, kernel-devel), folders of them, or build trees", strings.Join(paths, ", "))
	}
	if s.DryRun {
		report = fleet.OfPlan(plan, start)
		if err := a.Write(func(w io.Writer) error { return printPlan(a, w, plan) }); err != nil {
			return err
		}
		if plan.Failed() > 0 {
			return cli.ErrSilent // it was said
		}
		return nil
	}
	if s.Queue == "" {
		if err := with.check(ctx, a, plan); err != nil {
			return err
		}
	}
	err = a.Write(func(w io.Writer) error { return runPlan(ctx, a, w, db, plan, with, start, report) })
	if err == nil && report.Totals.Failed+report.Totals.FailedInputs > 0 {
		return cli.ErrSilent // the summary said it
	}
	return err
}

// checkSources refuses before the work what --source names and is no source:
// it would be passed over, or taken for kernels. A source that fits no kernel,
// or is damaged, is reported with the kernels.
func checkSources(sources []string, sets []kpkg.Set, skipped []kpkg.Skipped) error {
	for _, source := range sources {
		path, err := filepath.Abs(source)
		if err != nil {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("--source: %w", err)
		}
		named := func(p string) bool {
			abs, err := filepath.Abs(p)
			return err == nil && abs == path
		}
		if !slices.ContainsFunc(sets, func(s kpkg.Set) bool { return named(s.Source) }) &&
			!slices.ContainsFunc(skipped, func(s kpkg.Skipped) bool { return named(s.Path) && !s.NotNeeded }) {
			return fmt.Errorf("--source %s is no full kernel source: give its top folder, a linux-source package or a tarball of it", source)
		}
	}
	return nil
}

// openCache opens the cache: for a dry run only to look, and none there is
// one that knows nothing.
func openCache(ctx context.Context, a *cli.App) (*cache.DB, error) {
	if !a.Settings.DryRun {
		return cache.Open(ctx, a.Settings.Cache)
	}
	db, err := a.ReadCache(ctx)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return db, err
}

// saveReport writes the report where one is asked for; err is how the command
// ended.
func saveReport(a *cli.App, report *fleet.Report, err error) error {
	s := &a.Settings
	if s.Report == "" {
		return nil
	}
	fillHead(a, report)
	if err != nil && !errors.Is(err, cli.ErrSilent) {
		report.End(err)
	}
	return cli.WriteFile("report", s.Report, report.Write)
}

// fillHead fills in what the report says of the program and the cache.
func fillHead(a *cli.App, report *fleet.Report) {
	s := &a.Settings
	report.Tpinfo, report.Cache, report.Shard = cli.ThisProgram().Name(), s.Cache, s.Shard
	if st, err := os.Stat(s.Cache); err == nil {
		report.CacheBytes = st.Size()
	}
}

// runPlan builds what is planned, and reports what became of it.
func runPlan(ctx context.Context, a *cli.App, w io.Writer, db *cache.DB, plan *fleet.Plan, with *compilers, start time.Time, report *fleet.Report) (err error) {
	s := &a.Settings
	scratch, err := fleet.NewScratch("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	opener := kpkg.NewOpener(scratch.Dir, archive.Limits{})
	for _, t := range plan.Tasks {
		opener.Expect(t.Set)
	}
	jobs := kernelsAtOnce(a)
	show := newDisplay(a, w, plan)
	builder := &fleet.Builder{Opener: opener, Scratch: scratch.Dir, Jobs: 1, Tools: with.tools, Known: db.SameHeaders}
	if s.Force {
		builder.Known = nil
	}
	run := &fleet.Run{
		Store: fleetStore{db}, Start: start, Each: show.kernel,
		Queue: &fleet.Local{Builder: builder, Jobs: jobs, Report: show},
	}
	if s.Queue != "" && len(plan.Tasks) > 0 {
		q, err := natsqueue.Connect(ctx, queueServer(a), noteLog(a, show.notes()))
		if err != nil {
			return err
		}
		defer q.Close()
		run.Queue = &natsqueue.Coordinator{Queue: q, Here: builder.Build, Known: builder.Known, Report: show}
	}
	done, err := run.Do(ctx, plan)
	show.close()
	*report = *done
	// Closed, so that its log is in the file and the size is the file's.
	if err = errors.Join(err, db.Close()); err != nil {
		if t := report.Totals; t.Waiting > 0 {
			a.Note("%d of %d kernels are through and kept; the same command goes on from there", t.Kernels-t.Waiting, t.Kernels)
		}
		return err
	}
	fillHead(a, report)
	return summarise(a, w, report)
}

// kernelsAtOnce is how many are built at once, and leaves memory to their
// compilers: beside two of them, a third of this program's for a tenth of its
// time is a good bargain. With one kernel at a time there is enough.
func kernelsAtOnce(a *cli.App) int {
	jobs := a.Settings.Jobs
	if jobs == 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	if jobs > 1 && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(40)
	}
	return jobs
}
