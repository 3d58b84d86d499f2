package fleet

import (
	"context"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
)

// Task is one kernel to build: a value that travels between machines.
type Task struct {
	// Key identifies what goes in: tpinfo.Origin tells of it.
	Key string   `json:"key"`
	Set kpkg.Set `json:"set"`
	// Source is the digest of the set's full source; empty without one.
	Source string `json:"source,omitempty"`
	// CC is the compiler asked for, as extractor.Request has it.
	CC string `json:"cc,omitempty"`
}

// Arch is the kernel's own word for the architecture, as tpinfo.Kernel has it:
// "x86" for the packages' "amd64". Where this version does not know it, it is the
// packages' word.
func (t Task) Arch() string {
	if arch, err := kbuild.ArchNamed(t.Set.Arch); err == nil {
		return arch.Name
	}
	return t.Set.Arch
}

// Result is what came of a task. A kernel that cannot be built is a result
// too: one of Snapshot, Same and Failure is set.
type Result struct {
	Task   Task
	Origin tpinfo.Origin
	// Snapshot is the kernel as extracted.
	Snapshot *tpinfo.Snapshot
	// Same is the id of a kernel that was known to have the same headers:
	// nothing was compiled.
	Same    string
	Failure *tpinfo.Failure
	Seconds float64
	// Worker names who did it; empty for this process.
	Worker string
}

// Queue brings tasks to builders and results back.
type Queue interface {
	// Run has every task built once and calls done for each, from one
	// goroutine at a time and in any order. An error of done ends the run. It
	// returns when all are done or ctx ends; a task whose result was not
	// handed to done is as if it had never been offered.
	Run(ctx context.Context, tasks []Task, done func(Result) error) error
}
