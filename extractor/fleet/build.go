package fleet

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/extractor/fault"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
)

// DefaultLimit is how long one kernel may take where a Builder says nothing.
// The slowest of Debian's takes seconds; a full source tree a minute or two.
const DefaultLimit = 15 * time.Minute

// ErrTooLong is wrapped by the failure of a kernel that reached its limit.
var ErrTooLong = errors.New("it takes too long")

// Opener opens sets; kpkg.Opener is one.
type Opener interface {
	Open(ctx context.Context, set kpkg.Set) (*kpkg.Opened, error)
}

// Builder turns tasks into results. It is safe for concurrent use.
type Builder struct {
	Opener Opener
	// Scratch is where units are compiled, as extractor.Request has it, and
	// where the Opener unpacks.
	Scratch string
	// CC is the compiler where a task names none, as extractor.Request has it.
	CC string
	// Jobs is how many compilers one kernel may run at once; 0 for one.
	Jobs int
	// Limit is how long one kernel may take; 0 for DefaultLimit.
	Limit time.Duration
	// Tools names what kernels of an architecture (the packages' word) are
	// built with: the compiler and the program. It goes into failures.
	Tools func(ctx context.Context, arch string) string
	// Known returns the id of a kernel that was built from headers with this
	// digest, "" for none; nil when nobody knows. An error is as good as "".
	Known func(ctx context.Context, headers string) (id string, err error)

	mu      sync.Mutex
	flights map[string]*flight // by digest of headers
}

// flight is one set of headers that is being compiled, or was.
type flight struct {
	landed chan struct{}
	id     string // of the kernel; empty when it failed
}

// Build builds one kernel. Whatever is wrong with it, a panic included, is a
// failure in the result. When ctx ends the result means nothing: nothing was
// found out about the task. Nothing is left behind.
func (b *Builder) Build(ctx context.Context, task Task, report func(extractor.Progress)) (res Result) {
	start := time.Now()
	res = Result{Task: task, Origin: tpinfo.Origin{Key: task.Key}}
	limit := b.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	tooLong := fmt.Errorf("%w: it was given up after %v", ErrTooLong, limit)
	limited, cancel := context.WithTimeoutCause(ctx, limit, tooLong)
	defer cancel()
	err := b.build(limited, &res, report)
	if limited.Err() != nil && ctx.Err() == nil {
		err = tooLong
	}
	if err != nil {
		f := failure(task, err)
		f.Reason = b.lasting(f.Reason)
		if b.Tools != nil && !passing(err) {
			f.Tools = b.Tools(ctx, task.Set.Arch)
		}
		res.Snapshot, res.Same, res.Failure = nil, "", &f
	}
	res.Seconds = time.Since(start).Seconds()
	return res
}

// build opens the task's set, and fills in what the result is.
func (b *Builder) build(ctx context.Context, res *Result, report func(extractor.Progress)) (err error) {
	defer fault.Catch(&err)
	land := func(*Result, error) {}
	defer func() { land(res, err) }() // after all else: what is told to others is certain
	task := res.Task
	opened, err := b.Opener.Open(ctx, task.Set)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	req := extractor.Request{
		Tree: opened.Build, BTF: opened.BTF, Source: opened.Source,
		CC: task.CC, Jobs: max(b.Jobs, 1), Scratch: b.Scratch, Report: report,
	}
	if req.CC == "" {
		req.CC = b.CC
	}
	res.Origin.Headers = headersKey(opened.Headers, task)
	var ours bool
	if res.Same, ours, err = b.board(ctx, res.Origin.Headers); err != nil || !ours {
		return err
	}
	land = b.land
	snap, err := extractor.Extract(ctx, req)
	if err != nil {
		return err
	}
	if task.Set.Tree == "" {
		// The folder it was opened in is gone when somebody reads this.
		snap.Kernel.Tree = where(task.Set)
	}
	res.Snapshot = snap
	b.lastingProblems(snap.Kernel.Problems)
	for i := range snap.Events {
		b.lastingProblems(snap.Events[i].Problems)
	}
	return nil
}

// lasting takes the scratch folder out of a text: the folder is gone when
// somebody reads it, and has another name the next time.
func (b *Builder) lasting(text string) string {
	if b.Scratch == "" || !strings.Contains(text, b.Scratch) {
		return text
	}
	return regexp.MustCompile(regexp.QuoteMeta(b.Scratch)+`/[^/\s]+/`).ReplaceAllString(text, "")
}

func (b *Builder) lastingProblems(list []tpinfo.Problem) {
	for i := range list {
		list[i].Subject, list[i].Message = b.lasting(list[i].Subject), b.lasting(list[i].Message)
	}
}

// board returns the id of the kernel with these headers where one is known,
// was built in this run, or is being built: then it waits. Otherwise it is
// ours to build, and land says how that went.
func (b *Builder) board(ctx context.Context, headers string) (id string, ours bool, err error) {
	if b.Known != nil {
		// Whoever cannot answer is not this kernel's fault: it is built.
		if id, err := b.Known(ctx, headers); err == nil && id != "" {
			return id, false, nil
		}
	}
	for {
		b.mu.Lock()
		f, there := b.flights[headers]
		if !there {
			if b.flights == nil {
				b.flights = map[string]*flight{}
			}
			b.flights[headers] = &flight{landed: make(chan struct{})}
		}
		b.mu.Unlock()
		if !there {
			return "", true, nil
		}
		select {
		case <-f.landed:
			if f.id != "" {
				return f.id, false, nil
			}
			// It failed; whether this one does is for this one to say.
		case <-ctx.Done():
			return "", false, context.Cause(ctx)
		}
	}
}

// land tells those who wait for the result's headers.
func (b *Builder) land(res *Result, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.flights[res.Origin.Headers]
	if err == nil && res.Snapshot != nil {
		f.id = res.Snapshot.Kernel.ID
	} else {
		delete(b.flights, res.Origin.Headers)
	}
	close(f.landed)
}
