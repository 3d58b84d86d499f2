package matrix

import (
	"cmp"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/codegen"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/object"
)

// Verdict is what a script is on a kernel, or one of its probe points. The
// words are part of the JSON form and stay stable.
type Verdict string

// The verdicts, the best first.
const (
	Same    Verdict = "same"    // compiles and means the same as on the baseline
	Differs Verdict = "differs" // compiles and means something else
	Fails   Verdict = "fails"   // does not compile
	// Absent is of probe points: the kernel does not have it, and the script
	// says that it may be so.
	Absent Verdict = "absent"
)

// Report is a script on many kernels.
type Report struct {
	// Columns are the script's probe points on events, in its order.
	Columns []Column
	// Baseline is the kernel that others are held against, an index of
	// Results; -1 when the script compiles on none.
	Baseline int
	// Results are in the order of the kernels.
	Results []Result
}

// Result is a script on one kernel.
type Result struct {
	Kernel  tpinfo.Kernel
	Verdict Verdict
	// Cells are the verdicts by column.
	Cells []Verdict
	// Reasons say why it does not compile, or what means something else, as
	// warnings; notes are about what the script says may differ.
	Reasons []diag.Error
}

// Check holds a script against kernels. baseline is the index of the one whose
// meaning counts; where it does not compile there, and for -1, it is the last
// of the list on which it does. The error is what kept the metadata from
// answering: what is wrong with the script is in the results.
func Check(ctx context.Context, src *diag.Source, kernels []check.Metadata, baseline int, opt compiler.Options) (*Report, error) {
	all := make([]*compiled, len(kernels))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, meta := range kernels {
		g.Go(func() (err error) {
			all[i], err = compile(gctx, src, meta, opt)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	r := &Report{Baseline: chooseBaseline(all, baseline), Columns: columns(src, all)}
	var base *compiled
	if r.Baseline >= 0 {
		base = all[r.Baseline]
	}
	for _, c := range all {
		c.prepare(r.Columns)
	}
	r.Results = make([]Result, len(all))
	g, gctx = errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range all {
		g.Go(func() (err error) {
			r.Results[i], err = c.result(gctx, r.Columns, base)
			return err
		})
	}
	return r, g.Wait()
}

// compiled is a script on one kernel.
type compiled struct {
	src    *diag.Source
	meta   check.Metadata
	kernel tpinfo.Kernel
	points []point // what its tree has, which the preprocessor decides
	found  *check.Examination
	errs   []diag.Error // why it does not compile

	uses   map[useKey]*used
	events []resolved // by column
}

// compile does all that compiler.Compile and writing the object do, and keeps
// what it learns: what cannot be written does not compile.
func compile(ctx context.Context, src *diag.Source, meta check.Metadata, opt compiler.Options) (*compiled, error) {
	c := &compiled{src: src, meta: meta, kernel: meta.Identity(), found: &check.Examination{}}
	f, err := compiler.Parse(src, meta, opt)
	if f != nil {
		c.points = pointsOf(f)
	}
	if err == nil {
		c.found, err = check.Examine(ctx, f, src, meta, opt.Options)
	}
	var o *object.Object
	if err == nil {
		o, err = codegen.Generate(c.found.Program, src)
	}
	if err == nil {
		err = o.Write(io.Discard)
	}
	var list *diag.List
	if errors.As(err, &list) {
		c.errs, err = list.Errors, nil
	}
	return c, err
}

// chooseBaseline is the kernel to hold others against.
func chooseBaseline(all []*compiled, wanted int) int {
	if wanted >= 0 && len(all[wanted].errs) == 0 {
		return wanted
	}
	for i := len(all) - 1; i >= 0; i-- {
		if len(all[i].errs) == 0 {
			return i
		}
	}
	return -1
}

// result is the verdict on one kernel; base is nil when there is nothing to
// hold it against.
func (c *compiled) result(ctx context.Context, cols []Column, base *compiled) (Result, error) {
	r := Result{Kernel: c.kernel, Verdict: Same, Cells: make([]Verdict, len(cols))}
	for i := range cols {
		r.Cells[i] = Same
		if !cols[i].in(c.points) || cols[i].optional && len(c.events[i]) == 0 {
			r.Cells[i] = Absent
		}
	}
	if c != base && base != nil {
		c.compare(base, cols, &r)
	}
	if len(c.errs) > 0 {
		r.Verdict = Fails
	}
	for _, e := range c.errs {
		e.Message = impersonal(e.Message, c.kernel.Release)
		e.Hint = impersonal(e.Hint, c.kernel.Release)
		if base != nil && c != base {
			fix, err := c.fix(ctx, base, e)
			if err != nil {
				return r, err
			}
			e.Hint = cmp.Or(fix, e.Hint)
		}
		r.Reasons = append(r.Reasons, e)
		for i := range cols {
			if cols[i].covers(e.Span) {
				r.Cells[i] = Fails
			}
		}
	}
	slices.SortFunc(r.Reasons, func(a, b diag.Error) int {
		return cmp.Or(a.Span.Start-b.Span.Start, b.Span.End-a.Span.End, cmp.Compare(a.Level, b.Level), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Hint, b.Hint))
	})
	r.Reasons = slices.Compact(r.Reasons)
	return r, nil
}

// impersonal takes the kernel's name out of a message, so that kernels with one
// reason are told together.
func impersonal(message, release string) string {
	return strings.ReplaceAll(message, "kernel "+release, "the kernel")
}
