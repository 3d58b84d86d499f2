package ir

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Bounds of a valid Program. They are far beyond what scripts need and keep
// what is made from one in memory.
const (
	MaxStringSize = 1 << 16  // bytes
	MaxDataSize   = 64 << 20 // bytes
	MaxKeys       = 9        // of an array
	MaxElements   = 1 << 30  // of an array
	MaxBuckets    = 1 << 14  // words of a linear histogram
	MaxBytes      = 1 << 20  // of a slot
	MaxWidth      = 1 << 16  // of a directive, or its precision
	MaxNesting    = 4000     // of nodes; encoding/json reads two levels a node, up to 10,000
)

// Validate reports the first thing in p that is not as this package says:
// an index that is out of range, a type that does not fit, a size that does not
// hold. A Program from outside is validated before it is used; one that passes
// can be walked with no further checks of its indices, types and sizes, but for
// recursion of functions.
func (p *Program) Validate() error {
	v := &validator{program: p, builtins: Functions()}
	if p.Version != Version {
		return fmt.Errorf("version %d of the form, not %d", p.Version, Version)
	}
	if o := p.Kernel.ByteOrder; o != tpinfo.LittleEndian && o != tpinfo.BigEndian {
		return fmt.Errorf("kernel: byte order %q", o)
	}
	if err := capacity(p.StringSize, MaxStringSize); err != nil {
		return fmt.Errorf("string size: %w", err)
	}
	if p.DataSize < ControlSize || p.DataSize > MaxDataSize || p.DataSize%8 != 0 {
		return fmt.Errorf("data size %d: not a multiple of 8 from %d to %d", p.DataSize, ControlSize, MaxDataSize)
	}
	arrays := map[string]bool{}
	for i := range p.Globals {
		g := &p.Globals[i]
		if err := v.global(g); err != nil {
			return fmt.Errorf("global %d (%s): %w", i, g.Name, err)
		}
		if arrays[g.Name] {
			return fmt.Errorf("global %d (%s): another has the name", i, g.Name)
		}
		arrays[g.Name] = true
	}
	for i := range p.Sites {
		if err := v.site(&p.Sites[i]); err != nil {
			return fmt.Errorf("site %d (line %d): %w", i, p.Sites[i].Line, err)
		}
	}
	for i := range p.Funcs {
		if err := v.function(&p.Funcs[i]); err != nil {
			return fmt.Errorf("function %d (%s): %w", i, p.Funcs[i].Name, err)
		}
	}
	programs := map[string]bool{}
	for i := range p.Probes {
		probe := &p.Probes[i]
		if err := v.probe(probe); err != nil {
			return fmt.Errorf("probe %d (%s): %w", i, probe.Point, err)
		}
		if probe.Kind.InKernel() && programs[probe.Program] {
			return fmt.Errorf("probe %d (%s): another has the program %q", i, probe.Point, probe.Program)
		}
		programs[probe.Program] = true
	}
	for i := range p.Facts {
		f := &p.Facts[i]
		if (f.Type == "") == (f.Event == "") || f.Member == "" && f.Event != "" || f.Offset < 0 || f.Size < 0 || f.BitOffset < 0 || f.BitSize < 0 {
			return fmt.Errorf("fact %d (%s%s, %s): incomplete", i, f.Type, f.Event, f.Member)
		}
	}
	return nil
}

// validator holds the nodes of one handler or function against the program.
type validator struct {
	program  *Program
	builtins map[string]Function

	locals []Local
	fn     *Func // whose body it is; nil in a probe
	user   bool  // the body runs in user space
	depth  int
	loops  int
}

// capacity checks the size of a string in bytes.
func capacity(size, most int) error {
	if size < 8 || size > most || size%8 != 0 {
		return fmt.Errorf("%d bytes: not a multiple of 8 from 8 to %d", size, most)
	}
	return nil
}

// sized checks the size in bytes of a Long or String.
func (v *validator) sized(t Type, size int) error {
	switch {
	case t == String:
		return capacity(size, v.program.StringSize)
	case t != Long:
		return fmt.Errorf("it is a %v", t)
	case size != 8:
		return fmt.Errorf("%d bytes for a long", size)
	}
	return nil
}

func (v *validator) global(g *Global) error {
	if g.Name == "" {
		return errors.New("no name")
	}
	if len(g.Keys) > MaxKeys || len(g.Keys) != len(g.KeySizes) {
		return fmt.Errorf("%d keys with %d sizes", len(g.Keys), len(g.KeySizes))
	}
	for i, t := range g.Keys {
		if err := v.sized(t, g.KeySizes[i]); err != nil {
			return fmt.Errorf("key %d: %w", i+1, err)
		}
	}
	if g.Array() && (g.Max < 1 || g.Max > MaxElements) {
		return fmt.Errorf("%d elements at most", g.Max)
	}
	if g.Type == Stats {
		if g.Init != nil {
			return errors.New("an aggregate with an initial value")
		}
		return g.Stats.validate(g.Size)
	}
	if g.Stats != nil {
		return fmt.Errorf("an aggregate of type %v", g.Type)
	}
	if err := v.sized(g.Type, g.Size); err != nil {
		return err
	}
	if g.Array() {
		if g.Init != nil {
			return errors.New("an array with an initial value")
		}
		return nil
	}
	if g.Offset < ControlSize || g.Offset%8 != 0 || g.Offset > v.program.DataSize-g.Size {
		return fmt.Errorf("%d bytes at %d of %d", g.Size, g.Offset, v.program.DataSize)
	}
	if n := g.Init; n != nil {
		if n.Op != Const && n.Op != Text || n.Type != g.Type {
			return fmt.Errorf("initial value %s of type %v", n.Op, n.Type)
		}
		return v.expression(n)
	}
	return nil
}

func (a *Aggregate) validate(size int) error {
	if a == nil {
		return errors.New("nothing says what the aggregate keeps")
	}
	if a.Linear {
		// In this order nothing overflows.
		if a.Width < 1 || a.Stop < a.Start || a.Stop-a.Start < 0 || (a.Stop-a.Start)/a.Width > MaxBuckets-3 {
			return fmt.Errorf("linear histogram from %d to %d by %d: at most %d buckets", a.Start, a.Stop, a.Width, MaxBuckets)
		}
	}
	if want := a.Layout().Size; size != want {
		return fmt.Errorf("%d bytes for an aggregate of %d", size, want)
	}
	return nil
}

func (v *validator) checkLocals(locals []Local) error {
	for i, l := range locals {
		switch l.Type {
		case Long:
		case String:
			if err := capacity(l.Size, v.program.StringSize); err != nil {
				return fmt.Errorf("local %d (%s): %w", i, l.Name, err)
			}
		default:
			return fmt.Errorf("local %d (%s): it is a %v", i, l.Name, l.Type)
		}
	}
	return nil
}

func (v *validator) function(f *Func) error {
	if err := v.checkLocals(f.Locals); err != nil {
		return err
	}
	if f.Params < 0 || f.Params > len(f.Locals) {
		return fmt.Errorf("%d parameters of %d locals", f.Params, len(f.Locals))
	}
	switch f.Result {
	case Void, Long:
	case String:
		if err := capacity(f.Size, v.program.StringSize); err != nil {
			return fmt.Errorf("its result: %w", err)
		}
	default:
		return fmt.Errorf("its result is a %v", f.Result)
	}
	v.locals, v.fn, v.user = f.Locals, f, false
	return v.body(f.Body)
}

// updater checks that the globals are there and fit the array's keys.
func (v *validator) updater(u *Updater) error {
	globals := v.program.Globals
	if u == nil || u.Global < 0 || u.Global >= len(globals) || !globals[u.Global].Array() || globals[u.Global].Type != Long {
		return errors.New("it updates no array of numbers")
	}
	g := &globals[u.Global]
	if len(u.Keys) != len(g.Keys) {
		return fmt.Errorf("%d keys for an array of %d", len(u.Keys), len(g.Keys))
	}
	scalar := func(i int, t Type, size int) bool {
		return i >= 0 && i < len(globals) && !globals[i].Mapped() && globals[i].Type == t && globals[i].Size == size
	}
	for n, k := range u.Keys {
		if !scalar(k, g.Keys[n], g.KeySizes[n]) {
			return fmt.Errorf("key %d is in no global of its size", n+1)
		}
	}
	for _, i := range []int{u.Delta, u.Result, u.Full} {
		if !scalar(i, Long, 8) {
			return fmt.Errorf("no number is the global %d", i)
		}
	}
	return nil
}

func (v *validator) probe(p *Probe) error {
	if err := v.checkLocals(p.Locals); err != nil {
		return err
	}
	switch p.Kind {
	case Begin, End, Error:
	case Timer:
		if p.Interval < 1 || p.Random < 0 {
			return fmt.Errorf("a timer every %d ns and up to %d more", p.Interval, p.Random)
		}
	case RawTracepoint, Tracepoint:
		if !pathSafe(p.Event) || p.Kind == Tracepoint && !pathSafe(p.System) {
			return fmt.Errorf("no event is named %q", p.System+":"+p.Event)
		}
	case PerfEvent:
		if p.Perf == nil || p.Perf.Period == 0 && p.Perf.Frequency == 0 {
			return errors.New("nothing says which perf event samples, and how often")
		}
	case UserUpdate:
		if err := v.updater(p.Updater); err != nil {
			return err
		}
	default:
		return fmt.Errorf("of kind %q", p.Kind)
	}
	v.locals, v.fn, v.user = p.Locals, nil, !p.Kind.InKernel()
	if p.Kind.InKernel() {
		if p.Program == "" {
			return errors.New("no program")
		}
		if p.Body == nil {
			return nil
		}
	}
	return v.body(p.Body)
}

// pathSafe reports whether a name can be that of a system or an event: these
// become parts of paths in tracefs.
func pathSafe(name string) bool {
	return name != "" && name[0] != '.' && strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

func (v *validator) body(n *Node) error {
	v.depth, v.loops = 0, 0
	return v.statement(n)
}
