package fleet

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/headers"
)

// Status is how a kernel ended up.
type Status string

// The statuses. They are part of the JSON form and stay stable.
const (
	Built  Status = "built"  // compiled and stored
	Known  Status = "known"  // built from the same packages before
	Same   Status = "same"   // has the headers of a kernel that is there: one more release of it
	Failed Status = "failed" // Entry.Failure says why
	// Planned is for plans alone: it would be built.
	Planned Status = "planned"
	// Waiting had no turn before the run was ended.
	Waiting Status = "waiting"
)

// Entry is what a report says of one kernel.
type Entry struct {
	Schema  int    `json:"schema"`
	Release string `json:"release"`
	// Arch is the kernel's own word, as tpinfo.Kernel has it ("x86", "arm64"),
	// and PackageArch the packages' ("amd64", "arm64"). Where this version does
	// not know the architecture both are the packages'.
	Arch        string `json:"arch"`
	PackageArch string `json:"package_arch"`
	Status      Status `json:"status"`
	ID          string `json:"id"`  // of the kernel; empty for a failed one
	Key         string `json:"key"` // tpinfo.Origin
	// Events and Types count what the kernel has, Complete the events of which
	// nothing is unknown, NewLayouts what no kernel of the store had before.
	Events     int `json:"events"`
	Complete   int `json:"complete"`
	Types      int `json:"types"`
	NewLayouts int `json:"new_layouts"`
	// Seconds the kernel took, waiting for its turn not included.
	Seconds float64 `json:"seconds"`
	// Packages are the names of the files it is made of, or the tree's path.
	Packages []string `json:"packages"`
	Compiler string   `json:"compiler"` // that compiled it in this run: "gcc 12.2.0"
	Worker   string   `json:"worker"`   // the machine that built it; empty for this one
	// NoSource is why a full source that was given is not used for it, one
	// sentence in lower case.
	NoSource string `json:"no_source"`
	// Problems of the kernel as a whole: every header that failed, with the
	// compiler's words, and every input that was left out.
	Problems []tpinfo.Problem `json:"problems"`
	// Failure is why there is no kernel; Untried when that is known from an
	// earlier run with the same tools and was not tried again.
	Failure *tpinfo.Failure `json:"failure"`
	Untried bool            `json:"untried"`
}

// entryOf is what a result says by itself.
func entryOf(r Result) Entry {
	e := Entry{
		Schema: tpinfo.Schema, Release: r.Task.Set.Release, Arch: r.Task.Arch(), PackageArch: r.Task.Set.Arch, Key: r.Task.Key,
		Seconds: r.Seconds, Packages: names(r.Task.Set), Worker: r.Worker, NoSource: r.Task.Set.NoSource, Problems: []tpinfo.Problem{},
	}
	switch s := r.Snapshot; {
	case r.Failure != nil:
		e.Status, e.Failure = Failed, r.Failure
	case r.Same != "":
		e.Status, e.ID = Same, r.Same
	case s == nil:
		e.Status = Planned
	default:
		e.Status, e.ID, e.Compiler = Built, s.Kernel.ID, s.Kernel.Compiler
		if e.Release == "" {
			e.Release = s.Kernel.Release
		}
		kept := Kept{Arch: s.Kernel.Arch, Events: len(s.Events), Types: len(s.Types), Problems: s.Kernel.Problems}
		for i := range s.Events {
			if s.Events[i].Complete() {
				kept.Complete++
			}
		}
		e.describe(kept)
	}
	return e
}

// describe fills in what the kernel has.
func (e *Entry) describe(k Kept) {
	e.Events, e.Complete, e.Types = k.Events, k.Complete, k.Types
	if k.Problems != nil {
		e.Problems = k.Problems
	}
	if e.Arch == "" {
		e.Arch = k.Arch
	}
}

// Skipped is an input that made no kernel.
type Skipped struct {
	Path    string `json:"path"`
	Release string `json:"release"` // of the kernel it is for, where known
	Reason  string `json:"reason"`
	// Supply is what to do about it, as tpinfo.Problem has it.
	Supply []string `json:"supply"`
	// Failed: a kernel was to be expected of it, such as a flavour's package
	// without its common part, or a damaged one. It counts as failed; what is
	// merely no kernel's header package does not.
	Failed bool `json:"failed"`
}

// Report is what became of a fleet: the file that --report names.
type Report struct {
	Schema int `json:"schema"` // tpinfo.Schema
	// Tpinfo is the program's version, Overrides the digest of its override
	// headers, Compilers what compiled, each once: "gcc 12.2.0".
	Tpinfo    string   `json:"tpinfo"`
	Overrides string   `json:"overrides"`
	Compilers []string `json:"compilers"`
	// Cache is the file that holds the kernels, and its size at the end.
	Cache      string    `json:"cache"`
	CacheBytes int64     `json:"cache_bytes"`
	Shard      string    `json:"shard"`   // "2/5", of a part of the fleet
	Started    time.Time `json:"started"` // UTC
	Seconds    float64   `json:"seconds"` // of the run, planning included
	// DryRun: nothing was built; the kernels are as they would be.
	DryRun bool `json:"dry_run"`
	// Interrupted: the run was ended before all kernels had their turn, by the
	// user or by what Error says.
	Interrupted bool   `json:"interrupted"`
	Error       string `json:"error"`
	Totals      Totals `json:"totals"`
	// Kernels in the order of their packages.
	Kernels []Entry   `json:"kernels"`
	Skipped []Skipped `json:"skipped"`
}

// Totals count a report.
type Totals struct {
	// Kernels are all: Built, Known, Same, Failed and Waiting together, and in
	// the report of a plan Planned.
	Kernels int `json:"kernels"`
	Built   int `json:"built"`
	Known   int `json:"known"`
	Same    int `json:"same"`
	Failed  int `json:"failed"`
	Waiting int `json:"waiting"` // had no turn
	Planned int `json:"planned"` // would be built
	// Skipped are all inputs that made no kernel, FailedInputs those of them
	// that should have.
	Skipped      int `json:"skipped"`
	FailedInputs int `json:"failed_inputs"`
	// Events are those of all kernels, each counted; Complete those of them of
	// which nothing is unknown.
	Events     int `json:"events"`
	Complete   int `json:"complete"`
	NewLayouts int `json:"new_layouts"`
	// PerMinute is how many kernels were built in a minute of the run.
	PerMinute float64 `json:"per_minute"`
}

// sortEntries puts kernels into an order that does not depend on which was
// through first.
func sortEntries(list []Entry) {
	first := func(e *Entry) string { return append(e.Packages, "")[0] }
	slices.SortStableFunc(list, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(first(&a), first(&b)), cmp.Compare(a.Key, b.Key))
	})
}

// NewReport is a report of nothing yet, of a run that began at start.
func NewReport(start time.Time) *Report {
	return &Report{
		Schema: tpinfo.Schema, Overrides: headers.Digest(), Started: start.UTC().Truncate(time.Second),
		Compilers: []string{}, Kernels: []Entry{}, Skipped: []Skipped{},
	}
}

// End notes what ended the run; what was noted first stays.
func (r *Report) End(err error) {
	if r.Error == "" {
		r.Error = oneLine(err.Error())
	}
}

// count fills in the totals.
func (r *Report) count(took time.Duration) {
	t := Totals{Kernels: len(r.Kernels), Skipped: len(r.Skipped)}
	for i := range r.Kernels {
		e := &r.Kernels[i]
		switch e.Status {
		case Built:
			t.Built++
		case Known:
			t.Known++
		case Same:
			t.Same++
		case Failed:
			t.Failed++
		case Planned:
			t.Planned++
		case Waiting:
			t.Waiting++
		}
		t.Events += e.Events
		t.Complete += e.Complete
		t.NewLayouts += e.NewLayouts
	}
	for _, s := range r.Skipped {
		if s.Failed {
			t.FailedInputs++
		}
	}
	r.Seconds = took.Seconds()
	if r.Seconds > 0 {
		t.PerMinute = float64(t.Built) * 60 / r.Seconds
	}
	r.Totals = t
}

// OfPlan is the report of a dry run, which began at start: what is known of each
// kernel, and which would be built.
func OfPlan(plan *Plan, start time.Time) *Report {
	r := NewReport(start)
	r.DryRun = true
	r.Kernels = append(r.Kernels, plan.Entries()...)
	r.Skipped = append(r.Skipped, plan.Skipped...)
	r.count(time.Since(start))
	return r
}

// Write writes the report as indented JSON.
func (r *Report) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r)
}
