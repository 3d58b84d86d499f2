package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/check/layout"
	"github.com/tpinfo/tpinfo/compiler/check/points"
	"github.com/tpinfo/tpinfo/compiler/check/sides"
	"github.com/tpinfo/tpinfo/compiler/check/target"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// Options are choices that a script does not make. Zero values stand for the
// defaults.
type Options struct {
	// StringSize is the most bytes a string takes with its NUL, 128 when 0;
	// it is rounded up to a multiple of 8.
	StringSize int
	// MapEntries is how many elements an array has whose declaration does not
	// say, 2048 when 0, as SystemTap's MAXMAPENTRIES.
	MapEntries int
	// AllowSystem lets a script run commands with system().
	AllowSystem bool
}

// The defaults are SystemTap's (man stap, MAXSTRINGLEN and MAXMAPENTRIES).
const (
	defaultStringSize = 128
	defaultMapEntries = 2048
	minStringSize     = 16 // what execname takes
	maxStringSize     = 4096
)

// Validate reports a choice that nothing can be made of.
func (o *Options) Validate() error {
	switch {
	case o.StringSize != 0 && (o.StringSize < minStringSize || o.StringSize > maxStringSize):
		return fmt.Errorf("a string size of %d: it is %d to %d bytes", o.StringSize, minStringSize, maxStringSize)
	case o.MapEntries != 0 && (o.MapEntries < 1 || o.MapEntries > infer.MaxElements):
		return fmt.Errorf("%d map entries: an array has 1 to %d elements", o.MapEntries, int64(infer.MaxElements))
	}
	return nil
}

// Check gives a script its meaning for the kernel of meta. The error is a
// *diag.List with everything that is wrong, or what kept meta from answering.
func Check(ctx context.Context, f *syntax.File, src *diag.Source, meta Metadata, opt Options) (*ir.Program, error) {
	x, err := Examine(ctx, f, src, meta, opt)
	return x.Program, err
}

// check is all passes, and the program where nothing is wrong.
func (c *checker) check(f *syntax.File) (*ir.Program, error) {
	c.declare(f)
	handlers, err := c.points.Expand(f)
	if err != nil {
		c.fail(err)
	}
	for _, h := range handlers {
		c.add(h)
	}
	c.checkCalls(f)
	c.showUnread(f)
	c.Doubtful = len(c.Errs.Errors) > 0
	if c.failed == nil {
		c.settle()
	}
	if c.failed != nil {
		return nil, c.failed
	}
	if c.Final {
		c.refuseRecursion()
		sides.Check(c.prog, c.builtin, c.places(), c.Errs)
	}
	if err := c.Errs.Err(); err != nil {
		return nil, err
	}
	c.finish()
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.prog, nil
}

// checker holds a check. What is above the blank line stays, the rest is of
// one pass; infer.Script has its share of both.
type checker struct {
	*infer.Script
	ctx     context.Context
	src     *diag.Source
	meta    Metadata
	kernel  *ctype.Kernel
	opt     Options
	failed  error // what meta could not do
	points  *points.Resolver
	script  map[string][]*function // the script's functions by name
	library map[string][]*function // the prelude's
	probes  []*handler
	builtin map[string]ir.Function
	reads   target.Reads // its Facts are of one pass

	prog   *ir.Program
	called []*function // functions in the order of their indices
}

func newChecker(ctx context.Context, f *syntax.File, src *diag.Source, meta Metadata, opt Options) *checker {
	stringSize := (cmp.Or(opt.StringSize, defaultStringSize) + 7) &^ 7
	c := &checker{
		Script: infer.NewScript(src, &diag.List{Source: src}, stringSize, cmp.Or(opt.MapEntries, defaultMapEntries)),
		ctx:    ctx, src: src, meta: meta, opt: opt, script: map[string][]*function{}, builtin: ir.Functions(),
	}
	c.kernel = ctype.NewKernel(ctx, meta, c.fail)
	c.points = points.NewResolver(ctx, f, c.Lines, meta, c.Errs)
	return c
}

// fail notes that the metadata could not answer: nothing more can be said.
func (c *checker) fail(err error) {
	if c.failed == nil {
		c.failed = err
	}
}

func (c *checker) err() error {
	if c.failed != nil {
		return c.failed
	}
	return c.Errs.Err()
}

// declare notes the names of globals and functions.
func (c *checker) declare(f *syntax.File) {
	c.DeclareGlobals(f)
	for _, decl := range f.Functions {
		fn := c.newFunction(decl, nil)
		for _, other := range c.script[decl.Name] {
			if len(other.params) == len(fn.params) {
				line, _ := c.Lines.Place(other.decl.Span.Start)
				c.Errs.Add(decl.Span, "", "function %s with %s is declared in line %d already", decl.Name, diag.Count(len(fn.params), "parameter"), line)
			}
		}
		c.script[decl.Name] = append(c.script[decl.Name], fn)
	}
}

// maxPasses bounds what is a few passes for any script; each learns something,
// and there is only so much to learn.
const maxPasses = 10000

// settle runs passes until nothing new is learned, and the one that counts.
func (c *checker) settle() {
	for range maxPasses {
		c.pass()
		if c.failed != nil {
			return
		}
		if !c.Changed && !c.close() {
			break
		}
	}
	c.Final = true
	c.pass()
}

// close makes a long of everything that is still open, and says whether there
// was anything.
func (c *checker) close() bool {
	some := false
	settle := func(list ...*infer.Variable) {
		some = infer.Close(list) || some
	}
	for _, v := range c.Order {
		if v.Index >= 0 {
			settle(v)
			settle(v.Keys...)
		}
	}
	for _, fn := range c.called {
		settle(fn.scope.All...)
		if fn.hasValue {
			settle(fn.result)
		}
	}
	for _, h := range c.probes {
		settle(h.scope.All...)
	}
	return some
}

// pass lowers the whole script with what is known so far.
func (c *checker) pass() {
	c.Begin()
	for _, fn := range c.called {
		fn.index = -1
	}
	c.prog = &ir.Program{Version: ir.Version, Name: c.src.Name, Kernel: c.identity(), StringSize: c.StringSize}
	c.called, c.reads.Facts = nil, nil
	for _, h := range c.probes {
		if err := c.ctx.Err(); err != nil {
			c.fail(err)
			return
		}
		p := h.Probe
		p.Body = h.lower()
		p.Locals = h.scope.Locals()
		c.prog.Probes = append(c.prog.Probes, p)
	}
	for i := 0; i < len(c.called); i++ { // lowering one may call more
		fn := c.called[i]
		c.prog.Funcs = append(c.prog.Funcs, fn.lower())
	}
}

// places tell where the program stands.
func (c *checker) places() sides.Places {
	p := sides.Places{Nodes: c.Spans}
	for _, h := range c.probes {
		p.Probes = append(p.Probes, h.At)
	}
	for _, fn := range c.called {
		p.Prelude = append(p.Prelude, fn.scope.At != nil)
	}
	return p
}

// identity is what an object says of its kernel: nothing that differs from one
// extraction of it to the next.
func (c *checker) identity() tpinfo.Kernel {
	k := c.kernel.Identity
	return tpinfo.Kernel{ID: k.ID, Release: k.Release, Arch: k.Arch, ByteOrder: k.ByteOrder, WordSize: k.WordSize}
}

// finish fills in what follows from the whole: sizes, places, facts.
func (c *checker) finish() {
	c.prog.Globals = c.UsedGlobals()
	layout.Complete(c.prog, c.builtin)
	slices.SortFunc(c.reads.Facts, compareFacts)
	c.prog.Facts = slices.Compact(c.reads.Facts)
}

func compareFacts(a, b ir.Fact) int {
	for _, d := range []int{
		strings.Compare(a.Type, b.Type), strings.Compare(a.Event, b.Event), strings.Compare(a.Member, b.Member),
		int(a.Offset - b.Offset), int(a.Size - b.Size), a.BitOffset - b.BitOffset, a.BitSize - b.BitSize,
	} {
		if d != 0 {
			return d
		}
	}
	if a.Record != b.Record {
		if b.Record {
			return -1
		}
		return 1
	}
	return strings.Compare(a.CType, b.CType)
}
