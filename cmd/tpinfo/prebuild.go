package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

func (a *app) prebuildCommand() *cobra.Command {
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
		Args: some("packages, a folder of packages, or build trees"),
		RunE: func(cmd *cobra.Command, paths []string) error { return a.prebuild(cmd.Context(), paths) },
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
	must(cmd.RegisterFlagCompletionFunc("cc", cobra.FixedCompletions([]string{"gcc", "clang"}, cobra.ShellCompDirectiveDefault)))
	return cmd
}

func (a *app) prebuild(ctx context.Context, paths []string) (err error) {
	start := time.Now()
	s := &a.settings
	var shard fleet.Shard
	if s.shard != "" {
		if shard, err = fleet.ParseShard(s.shard, os.Getenv); err != nil {
			return usageError{err}
		}
	}
	if s.queue == "" {
		err = cc.Check(ctx, s.cc)
	} else {
		err = natsqueue.CheckCompiler(s.cc)
	}
	if err != nil {
		return usageError{err}
	}
	// What the result goes to is opened first: that it cannot be written is
	// known before the work.
	if s.report != "" {
		if err := checkWritable("report", s.report); err != nil {
			return err
		}
	}
	report := fleet.NewReport(start)
	defer func() { err = errors.Join(err, a.saveReport(report, err)) }()
	db, err := a.prebuildCache(ctx)
	if err != nil {
		return err
	}
	store := fleetStore{db}
	if db != nil {
		defer func() { err = errors.Join(err, db.Close()) }() // also where it was closed before
	}
	sets, skipped, err := kpkg.Find(ctx, append(paths, s.sources...))
	if err != nil {
		return err
	}
	if err := checkSources(s.sources, sets, skipped); err != nil {
		return usageError{err}
	}
	planner := &fleet.Planner{Store: store, Tools: a.tools, CC: s.cc, Shard: shard, Retry: s.retry, Force: s.force}
	plan, err := planner.Plan(ctx, sets, skipped)
	if err != nil {
		return err
	}
	if len(sets) == 0 && !slices.ContainsFunc(skipped, func(s kpkg.Skipped) bool { return !s.NotNeeded }) {
		return fmt.Errorf("no kernel headers in %s: it takes header packages (linux-headers-RELEASE with its common part, kernel-devel), folders of them, or build trees", strings.Join(paths, ", "))
	}
	if s.dryRun {
		report = fleet.OfPlan(plan, start)
		if err := a.write(func(w io.Writer) error { return a.printPlan(w, plan) }); err != nil {
			return err
		}
		if plan.Failed() > 0 {
			return errSilent // it was said
		}
		return nil
	}
	if s.queue == "" {
		if err := a.checkCompilers(ctx, plan); err != nil {
			return err
		}
	}
	err = a.write(func(w io.Writer) error { return a.runPlan(ctx, w, db, plan, start, report) })
	if err == nil && report.Totals.Failed+report.Totals.FailedInputs > 0 {
		return errSilent // the summary said it
	}
	return err
}

// checkCompilers says before the work for which of the planned kernels there is
// no compiler. They fail, and are tried again once there is one; where there is
// none for any, nothing is begun.
func (a *app) checkCompilers(ctx context.Context, plan *fleet.Plan) error {
	lacking := map[string]int{} // kernels by architecture
	total := 0
	for _, t := range plan.Tasks {
		if _, err := a.compiler(ctx, t.Set.Arch); errors.Is(err, cc.ErrNoCompiler) {
			lacking[t.Set.Arch]++
			total++
		}
	}
	for _, arch := range slices.Sorted(maps.Keys(lacking)) {
		_, err := a.compiler(ctx, arch)
		if total == len(plan.Tasks) {
			return fmt.Errorf("%w; nothing was built", err)
		}
		a.note("%v; without it %s will fail", err, plural(lacking[arch], arch+" kernel"))
	}
	return nil
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

// prebuildCache opens the cache: for a dry run only to look, and none there is
// one that knows nothing.
func (a *app) prebuildCache(ctx context.Context) (*cache.DB, error) {
	if !a.settings.dryRun {
		return cache.Open(ctx, a.settings.cache)
	}
	db, err := a.readCache(ctx)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return db, err
}

// saveReport writes the report where one is asked for; err is how the command
// ended.
func (a *app) saveReport(report *fleet.Report, err error) error {
	s := &a.settings
	if s.report == "" {
		return nil
	}
	a.head(report)
	if err != nil && !errors.Is(err, errSilent) {
		report.End(err)
	}
	return writeFile("report", s.report, report.Write)
}

// head fills in what the report says of the program and the cache.
func (a *app) head(report *fleet.Report) {
	s := &a.settings
	report.Tpinfo, report.Cache, report.Shard = programName(), s.cache, s.shard
	if st, err := os.Stat(s.cache); err == nil {
		report.CacheBytes = st.Size()
	}
}

// runPlan builds what is planned, and reports what became of it.
func (a *app) runPlan(ctx context.Context, w io.Writer, db *cache.DB, plan *fleet.Plan, start time.Time, report *fleet.Report) (err error) {
	s := &a.settings
	scratch, err := fleet.NewScratch("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	opener := kpkg.NewOpener(scratch.Dir, archive.Limits{})
	for _, t := range plan.Tasks {
		opener.Expect(t.Set)
	}
	jobs := a.kernelsAtOnce()
	show := a.newPrebuildDisplay(w, plan)
	builder := &fleet.Builder{Opener: opener, Scratch: scratch.Dir, Jobs: 1, Tools: a.tools, Known: db.SameHeaders}
	if s.force {
		builder.Known = nil
	}
	run := &fleet.Run{
		Store: fleetStore{db}, Start: start, Each: show.kernel,
		Queue: &fleet.Local{Builder: builder, Jobs: jobs, Report: show},
	}
	if s.queue != "" && len(plan.Tasks) > 0 {
		q, err := natsqueue.Connect(ctx, a.queueServer(), a.noteLog(show.notes()))
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
			a.note("%d of %d kernels are through and kept; the same command goes on from there", t.Kernels-t.Waiting, t.Kernels)
		}
		return err
	}
	a.head(report)
	return a.summary(w, report)
}

// kernelsAtOnce is how many are built at once, and leaves memory to their
// compilers: beside two of them, a third of this program's for a tenth of its
// time is a good bargain. With one kernel at a time there is enough.
func (a *app) kernelsAtOnce() int {
	jobs := a.settings.jobs
	if jobs == 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	if jobs > 1 && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(40)
	}
	return jobs
}

// tools names what kernels of an architecture are built with.
func (a *app) tools(ctx context.Context, arch string) string {
	of, err := a.compiler(ctx, arch)
	if err != nil {
		of = "no compiler"
	}
	return programName() + ", " + of
}

// compiler names the one for kernels of an architecture, the packages' word.
// Each is asked once in a run.
func (a *app) compiler(ctx context.Context, arch string) (name string, err error) {
	a.compilers.Lock()
	defer a.compilers.Unlock()
	c, ok := a.compilers.asked[arch]
	if !ok {
		var target *kbuild.Arch
		if target, c.err = kbuild.ArchNamed(arch); c.err == nil {
			var found *cc.Compiler
			if found, c.err = cc.Find(ctx, a.settings.cc, target); c.err == nil {
				c.name = found.String()
			}
		}
		if a.compilers.asked == nil {
			a.compilers.asked = map[string]askedCompiler{}
		}
		a.compilers.asked[arch] = c
	}
	return c.name, c.err
}

// programName is this program's version, and its revision where it has none.
func programName() string {
	v := about()
	s := "tpinfo " + v.Version
	if v.Revision != "" {
		s += fmt.Sprintf(" (%.12s)", v.Revision)
	}
	return s
}

// fleetStore is a cache as a fleet sees it. Without one, nothing is known.
type fleetStore struct{ *cache.DB }

func (s fleetStore) BuiltFrom(ctx context.Context, key string) (string, error) {
	if s.DB == nil {
		return "", nil
	}
	return s.DB.BuiltFrom(ctx, key)
}

func (s fleetStore) FailureOf(ctx context.Context, key string) (*tpinfo.Failure, error) {
	if s.DB == nil {
		return nil, nil
	}
	return s.DB.FailureOf(ctx, key)
}

// Kept implements fleet.Store.
func (s fleetStore) Kept(ctx context.Context, id string) (fleet.Kept, error) {
	k, err := s.Kernel(ctx, id)
	if err != nil {
		return fleet.Kept{}, err
	}
	i := k.Info()
	return fleet.Kept{Arch: i.Arch, Compiler: i.Compiler, Events: i.Events, Complete: i.Events - i.Incomplete, Types: i.Types, Problems: i.Problems}, nil
}

// PutFrom implements fleet.Store.
func (s fleetStore) PutFrom(ctx context.Context, snap *tpinfo.Snapshot, origin tpinfo.Origin) (int, error) {
	res, err := s.DB.PutFrom(ctx, snap, origin)
	return res.NewLayouts, err
}
