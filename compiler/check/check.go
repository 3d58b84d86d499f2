package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/check/layout"
	"github.com/tpinfo/tpinfo/compiler/check/points"
	"github.com/tpinfo/tpinfo/compiler/check/sides"
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
	case o.MapEntries != 0 && (o.MapEntries < 1 || o.MapEntries > maxElements):
		return fmt.Errorf("%d map entries: an array has 1 to %d elements", o.MapEntries, int64(maxElements))
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
		c.probes = append(c.probes, c.newHandler(h))
	}
	c.checkCalls(f)
	c.showUnread(f)
	c.doubtful = len(c.errs.Errors) > 0
	if c.failed == nil {
		c.settle()
	}
	if c.failed != nil {
		return nil, c.failed
	}
	if c.final {
		c.refuseRecursion()
		sides.Check(c.prog, c.builtin, c.places(), c.errs)
	}
	if err := c.errs.Err(); err != nil {
		return nil, err
	}
	c.finish()
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.prog, nil
}

// checker holds a check. What is above the blank line stays, the rest is of
// one pass.
type checker struct {
	ctx     context.Context
	src     *diag.Source
	lines   *diag.Lines
	meta    Metadata
	kernel  *ctype.Kernel
	opt     Options
	errs    *diag.List
	failed  error // what meta could not do
	globals map[string]*variable
	order   []*variable // the globals as declared
	points  *points.Resolver
	script  map[string][]*function // the script's functions by name
	library map[string][]*function // the prelude's
	probes  []*handler
	builtin map[string]ir.Function

	final bool // errors count
	// doubtful: a declaration was left out for an error, and what it would give
	// a value is not known.
	doubtful bool
	changed  bool // this pass learned something
	quiet    int  // inside @defined, where errors say "no"
	faults   int  // errors of this pass, quiet ones too
	prog     *ir.Program
	used     []*variable // globals in the order of their indices
	called   []*function // functions likewise
	facts    []ir.Fact
	uses     []Use
	spans    map[*ir.Node]diag.Span
}

func newChecker(ctx context.Context, f *syntax.File, src *diag.Source, meta Metadata, opt Options) *checker {
	if opt.StringSize == 0 {
		opt.StringSize = defaultStringSize
	}
	opt.StringSize = (opt.StringSize + 7) &^ 7
	if opt.MapEntries == 0 {
		opt.MapEntries = defaultMapEntries
	}
	c := &checker{
		ctx: ctx, src: src, meta: meta, lines: diag.NewLines(src.Text), opt: opt, errs: &diag.List{Source: src},
		globals: map[string]*variable{}, script: map[string][]*function{}, builtin: ir.Functions(),
	}
	c.kernel = ctype.NewKernel(ctx, meta, c.fail)
	c.points = points.NewResolver(ctx, f, c.lines, meta, c.errs)
	return c
}

func (c *checker) errorf(at diag.Span, hint, format string, args ...any) {
	c.faults++
	if c.final && c.quiet == 0 {
		c.errs.Add(at, hint, format, args...)
	}
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
	return c.errs.Err()
}

// declare notes the names of globals and functions.
func (c *checker) declare(f *syntax.File) {
	for _, g := range f.Globals {
		if old := c.globals[g.Name]; old != nil {
			line, _ := c.lines.Place(old.global.Span.Start)
			c.errs.Add(g.Span, "", "global %s is declared in line %d already", g.Name, line)
			continue
		}
		v := newVariable(g.Name)
		v.global = g
		c.globals[g.Name] = v
		c.order = append(c.order, v)
		c.declareGlobal(v, g)
	}
	for _, decl := range f.Functions {
		fn := c.newFunction(decl, nil)
		for _, other := range c.script[decl.Name] {
			if len(other.params) == len(fn.params) {
				line, _ := c.lines.Place(other.decl.Span.Start)
				c.errs.Add(decl.Span, "", "function %s with %s is declared in line %d already", decl.Name, count(len(fn.params), "parameter"), line)
			}
		}
		c.script[decl.Name] = append(c.script[decl.Name], fn)
	}
}

func (c *checker) declareGlobal(v *variable, g *syntax.Global) {
	if g.Array {
		v.shape, v.shaped = array, g.Span
	}
	if g.Size != nil && (g.Size.Value < 1 || g.Size.Value > maxElements) {
		c.errs.Add(g.Size.Span, "", "an array has 1 to %d elements", int64(maxElements))
	}
	switch init := g.Init.(type) {
	case *syntax.NumberLit:
		v.typ, v.where = ir.Long, init.Span
	case *syntax.StringLit:
		v.typ, v.where = ir.String, init.Span
	default:
		return
	}
	if g.Array {
		c.errs.Add(g.Span, "fill it in a begin probe", "array %s cannot start with a value", g.Name)
	}
	v.shape, v.shaped = scalar, g.Span
}

// maxElements bounds an array: bpf maps count in 32 bits, and memory ends long
// before.
const maxElements = 1 << 28

// maxPasses bounds what is a few passes for any script; each learns something,
// and there is only so much to learn.
const maxPasses = 10000

// settle runs passes until nothing new is learned, and the one that counts.
func (c *checker) settle() {
	for range maxPasses {
		c.changed = false
		c.pass()
		if c.failed != nil {
			return
		}
		if !c.changed && !c.close() {
			break
		}
	}
	c.final = true
	c.pass()
}

// close makes a long of everything that is still open, and says whether there
// was anything.
func (c *checker) close() bool {
	some := false
	settle := func(list []*variable) {
		for _, v := range list {
			if v.typ == open {
				v.typ, v.guessed, some = ir.Long, true, true
			}
		}
	}
	for _, v := range c.order {
		if v.index >= 0 {
			settle([]*variable{v})
			settle(v.keys)
		}
	}
	for _, fn := range c.called {
		settle(fn.scope.all)
		if fn.hasValue {
			settle([]*variable{fn.result})
		}
	}
	for _, h := range c.probes {
		settle(h.scope.all)
	}
	return some
}

// pass lowers the whole script with what is known so far.
func (c *checker) pass() {
	for _, v := range c.order {
		v.index = -1
		v.stats, v.linear = ir.Aggregate{}, diag.Span{}
	}
	for _, fn := range c.called {
		fn.index = -1
	}
	c.prog = &ir.Program{Version: ir.Version, Name: c.src.Name, Kernel: c.identity(), StringSize: c.opt.StringSize}
	c.used, c.called, c.facts, c.faults, c.spans = nil, nil, nil, 0, map[*ir.Node]diag.Span{}
	for i, h := range c.probes {
		if err := c.ctx.Err(); err != nil {
			c.fail(err)
			return
		}
		h.index = i
		p := h.Probe
		p.Body = h.lower()
		p.Locals = h.scope.table()
		c.prog.Probes = append(c.prog.Probes, p)
	}
	for i := 0; i < len(c.called); i++ { // lowering one may call more
		fn := c.called[i]
		c.prog.Funcs = append(c.prog.Funcs, fn.lower())
	}
}

// places tell where the program stands.
func (c *checker) places() sides.Places {
	p := sides.Places{Nodes: c.spans}
	for _, h := range c.probes {
		p.Probes = append(p.Probes, h.At)
	}
	for _, fn := range c.called {
		p.Prelude = append(p.Prelude, fn.scope.at != nil)
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
	c.layGlobals()
	layout.Complete(c.prog, c.builtin)
	slices.SortFunc(c.facts, compareFacts)
	c.prog.Facts = slices.Compact(c.facts)
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
