package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// Worker is "tpinfo worker".
func Worker(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "worker --queue URL",
		Short: "Build kernels for 'tpinfo prebuild --queue' on other machines",
		Long: `Take kernels from a queue, build them and send what was learned back, until ^C.
The queue is a NATS server with JetStream: 'nats-server -js' starts one. It needs
a compiler and no packages: those come through the queue. Any number of workers
may share one, and come and go; what is being built when one ends is given back
at once, and what was being built when one is killed goes to another after half a
minute. A package that took three workers along, or that three could not work on,
is set aside and named in the report of whoever offered it.

A worker that has no compiler for an architecture leaves its kernels to others.
It waits for a queue that went away, as long as it takes. One line says what is
taken, built and given back; with -f json one object.`,
		Example: `  tpinfo worker --queue nats://queue.example.org
  tpinfo worker --queue nats://fleet:secret@10.0.0.5:4222 -j 8
  tpinfo worker --queue nats://queue:4222 --idle-exit 5m     in a CI job`,
		Args: cli.None,
		RunE: func(cmd *cobra.Command, _ []string) error { return work(cmd.Context(), a) },
	}
	f := cmd.Flags()
	queueFlags(f)
	f.IntP("jobs", "j", 0, "kernels built at once (default: one a core)")
	f.String("cc", "", "compiler: gcc, clang or a path (default: what is asked for, or gcc, else clang)")
	f.Duration("idle-exit", 0, "end when there was no work for so long, such as 5m (default: never)")
	cli.Must(cmd.RegisterFlagCompletionFunc("cc", cobra.FixedCompletions([]string{"gcc", "clang"}, cobra.ShellCompDirectiveDefault)))
	return cmd
}

func work(ctx context.Context, a *cli.App) (err error) {
	s := &a.Settings
	switch {
	case s.Queue == "":
		return cli.Usagef("which queue? Give --queue nats://HOST; 'nats-server -js' starts one")
	case s.IdleExit < 0:
		return cli.Usagef("--idle-exit %v: it is a time such as 5m", s.IdleExit)
	}
	scratch, err := fleet.NewScratch("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	packages, opened := filepath.Join(scratch.Dir, "packages"), filepath.Join(scratch.Dir, "opened")
	for _, dir := range []string{packages, opened} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return fmt.Errorf("scratch folder: %w", err)
		}
	}
	jobs := kernelsAtOnce(a)
	q, err := natsqueue.Connect(ctx, queueServer(a), workerLog(a))
	if err != nil {
		return err
	}
	defer q.Close()
	b := &bench{compilers: &compilers{choice: s.CC}, scratch: opened, opener: kpkg.NewOpener(opened, archive.Limits{}), room: jobs + 1}
	w := &natsqueue.Worker{
		Queue: q, Build: b.build, Able: b.able, Tools: b.compilers.tools,
		Jobs: jobs, Scratch: packages, IdleExit: s.IdleExit,
	}
	return w.Run(ctx)
}

// bench is where a worker builds.
type bench struct {
	compilers *compilers
	scratch   string // where the opener unpacks
	opener    *kpkg.Opener
	room      int // how many sets' shared packages stay unpacked

	mu     sync.Mutex
	recent []kpkg.Set
	found  map[string]bool // compilers that are there
}

// build builds one kernel. The builder is a new one each time: what an old one
// built may have gone to a coordinator that is no more.
func (b *bench) build(ctx context.Context, t fleet.Task, at natsqueue.Building) fleet.Result {
	b.expect(t.Set)
	t.CC = b.cc(t)
	builder := &fleet.Builder{Opener: b.opener, Scratch: b.scratch, Jobs: 1, Tools: b.compilers.tools, Known: at.Known}
	return builder.Build(ctx, t, at.Report)
}

// expect keeps what this set shares with others unpacked for a while: kernels
// of one version come one after the other.
func (b *bench) expect(s kpkg.Set) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opener.Expect(s, s) // to be opened, and to stay
	b.recent = append(b.recent, s)
	if len(b.recent) > b.room {
		// A folder that cannot be removed is removed with the scratch folder.
		_ = b.opener.Forget(b.recent[0])
		b.recent = b.recent[1:]
	}
}

// cc is the compiler for a task: this worker's own choice comes first.
func (b *bench) cc(t fleet.Task) string {
	if own := b.compilers.choice; own != "" {
		return own
	}
	return t.CC
}

// able says what is missing for a task.
func (b *bench) able(ctx context.Context, t fleet.Task) error {
	arch, err := kbuild.ArchNamed(t.Set.Arch)
	if err != nil {
		return nil // the tree tells, and the failure says more
	}
	choice := b.cc(t)
	key := choice + " for " + arch.GNU
	b.mu.Lock()
	found := b.found[key]
	b.mu.Unlock()
	if found {
		return nil
	}
	if _, err := cc.Find(ctx, choice, arch); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.found == nil {
		b.found = map[string]bool{}
	}
	b.found[key] = true
	return nil
}
