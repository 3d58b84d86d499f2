package fleet

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo/extractor"
)

// Local is the queue of one process: it builds several kernels at once and
// hands each result on before the next task begins, so that no more of them
// are in memory than are being built.
type Local struct {
	Builder *Builder
	Jobs    int // kernels at once; at least 1
	// Report receives each task's progress, from several goroutines at a
	// time, Began and Ended around it; nil for none.
	Report Progress
}

// Progress follows the tasks of a queue.
type Progress interface {
	Began(Task)
	Step(Task, extractor.Progress)
	Ended(Task)
}

// Run implements Queue.
func (l *Local) Run(ctx context.Context, tasks []Task, done func(Result) error) error {
	next := make(chan Task)
	var handing sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(next)
		for _, task := range tasks {
			select {
			case next <- task:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range max(l.Jobs, 1) {
		g.Go(func() error {
			for task := range next {
				res := l.build(ctx, task)
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				handing.Lock()
				err := done(res)
				handing.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (l *Local) build(ctx context.Context, task Task) Result {
	if l.Report == nil {
		return l.Builder.Build(ctx, task, nil)
	}
	l.Report.Began(task)
	defer l.Report.Ended(task)
	return l.Builder.Build(ctx, task, func(p extractor.Progress) { l.Report.Step(task, p) })
}
