package codegen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cilium/ebpf"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/codegen/plan"
	"github.com/tpinfo/tpinfo/compiler/codegen/vcode"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
)

// DefaultRing is the size of the ring buffer in bytes: a second's records of
// three numbers, at 200,000 a second, and some.
const DefaultRing = 8 << 20

// generator is the making of one object.
type generator struct {
	p     *ir.Program
	order binary.ByteOrder
	src   *diag.Source
	errs  *diag.List
	lines []string // of src, once one is asked for
	// What the target's kernel can do.
	fetches bool // atomic operations that give the old value, and and, or, xor (from 5.12)
	guarded bool // a raw tracepoint's program is not run inside itself (from 6.2)
	pads    bool // the name of a process comes with zeros behind it (from 6.4; 6.0 to 6.3 leave there what was there)

	literals  []byte
	literalAt map[string]int
	stops     bool        // some handler can end the script
	adders    map[int]int // of each aggregate: how many handlers add to it
	// shared are aggregates that handlers read or reset. No program can read all
	// CPUs' copies on every kernel, so of these there is one copy.
	shared  map[int]*ir.Node // where one does first
	scratch int              // bytes of working memory that the largest program needs
	needs   []needs          // of each handler
	zeros   int              // bytes of zeros needed in the literals
	ring    bool
	stacks  bool
}

// needs is what the first pass finds out about a handler.
type needs struct {
	scratch bool
	stops   bool
	uses    map[string]int // calls of steady functions
}

// Generate makes the object for a program; src is its script, for messages and
// lines. The error is a *diag.List.
func Generate(p *ir.Program, src *diag.Source) (*object.Object, error) {
	major, minor := version(p.Kernel.Release)
	after := func(wantMajor, wantMinor int) bool {
		return major > wantMajor || major == wantMajor && minor >= wantMinor
	}
	own := *p
	g := &generator{
		p: &own, src: src, errs: &diag.List{Source: src}, order: binary.LittleEndian,
		fetches: after(5, 12), guarded: after(6, 2), pads: after(6, 4),
	}
	if p.Kernel.ByteOrder == tpinfo.BigEndian {
		g.order = binary.BigEndian
	}
	plan.AddUpdaters(&own)
	g.needs = make([]needs, len(own.Probes))
	g.shared, g.adders = plan.Aggregates(&own)
	if !after(5, 11) {
		g.checkKeys()
	}
	g.checkVariances()
	sites := len(p.Sites)
	first := g.programs()
	if err := g.errs.Err(); err != nil {
		return nil, err
	}
	for _, n := range g.needs {
		g.stops = g.stops || n.stops
	}
	own.Sites = slices.Clone(p.Sites[:sites])
	programs := g.programs()
	if err := g.errs.Err(); err != nil {
		return nil, err
	}
	if len(first) != len(programs) {
		return nil, errors.New("the passes of code generation differ")
	}
	return g.object(programs), nil
}

// shortKeys is what the keys of an element take at most before 5.11
// (MAX_BPF_STACK, htab_map_alloc_check in kernel/bpf/hashtab.c).
const shortKeys = 512

func (g *generator) checkKeys() {
	for i := range g.p.Globals {
		if v := &g.p.Globals[i]; v.Array() && v.KeySize() > shortKeys {
			g.fail(v.Line, v.Column, "use fewer texts for keys, or shorter ones, as substr(s, 0, 31) is",
				"the keys of %s take %d bytes, and kernels before 5.11 have %d for them", v.Name, v.KeySize(), shortKeys)
		}
	}
}

// programs lowers every kernel-side probe.
func (g *generator) programs() []object.Program {
	g.literals, g.literalAt = nil, map[string]int{}
	g.p.Sites = slices.Clone(g.p.Sites)
	// Zeros come first in the literals.
	g.literals = make([]byte, g.zeros)
	var list []object.Program
	for n := range g.p.Probes {
		if probe := &g.p.Probes[n]; probe.Kind.InKernel() {
			list = append(list, g.program(n, len(list)))
		}
	}
	return list
}

func (g *generator) program(n, element int) object.Program {
	probe := &g.p.Probes[n]
	h := newHandler(g, probe, n, element)
	h.lower()
	out := object.Program{Name: probe.Program, Section: section(probe)}
	insns, places, err := h.f.Emit()
	if err != nil {
		hint := "split the handler, or do part of the work in a timer probe"
		if errors.Is(err, vcode.ErrStack) {
			hint = "use fewer variables at once, or split the handler"
		}
		g.fail(probe.Line, probe.Column, hint, "this probe is too large for the kernel: %v", err)
		return out
	}
	if len(insns) > 0 {
		insns[0] = insns[0].WithSymbol(probe.Program)
	}
	out.Insns = insns
	for _, p := range places {
		out.Lines = append(out.Lines, object.Line{Insn: p.Insn, Line: p.Line, Column: p.Column, Text: g.line(p.Line)})
	}
	return out
}

// section is where libbpf looks for how to attach a program.
func section(p *ir.Probe) string {
	switch p.Kind {
	case ir.RawTracepoint:
		return "raw_tp/" + p.Event
	case ir.UserUpdate:
		return "raw_tp"
	case ir.Tracepoint:
		return "tp/" + p.System + "/" + p.Event
	default:
		return "perf_event"
	}
}

func (g *generator) object(programs []object.Program) *object.Object {
	o := &object.Object{Order: g.order, Programs: programs, Data: g.p.DataSize, Const: g.literals}
	for i := range g.p.Globals {
		if m, ok := globalMap(&g.p.Globals[i], g.shared[i] != nil); ok {
			o.Maps = append(o.Maps, m)
		}
	}
	if g.ring {
		o.Maps = append(o.Maps, object.Map{Name: ir.RingMap, Type: ebpf.RingBuf, MaxEntries: DefaultRing})
	}
	if g.scratch > 0 {
		o.Maps = append(o.Maps, object.Map{Name: ir.ScratchMap, Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: g.scratch, MaxEntries: len(programs)})
	}
	if g.stacks {
		o.Maps = append(o.Maps, object.Map{Name: ir.StackMap, Type: ebpf.StackTrace, KeySize: 4, ValueSize: 127 * 8, MaxEntries: 4096})
	}
	script := *g.p
	script.Probes = slices.Clone(script.Probes)
	for i := range script.Probes {
		if script.Probes[i].Kind.InKernel() {
			script.Probes[i].Body, script.Probes[i].Locals = nil, nil
		}
	}
	o.Script = &script
	return o
}

// globalMap is the map of a global that is not in the data map; shared when it
// is an aggregate of which there is one copy for all CPUs.
func globalMap(v *ir.Global, shared bool) (object.Map, bool) {
	m := object.Map{Name: v.Name, Type: ebpf.Hash, KeySize: v.KeySize(), ValueSize: v.Size, MaxEntries: v.Max}
	switch {
	case v.Type == ir.Stats && !v.Array():
		m.Type, m.MaxEntries = ebpf.PerCPUArray, 1
		if shared {
			m.Type = ebpf.Array
		}
	case v.Type == ir.Stats && shared && !v.Wraps:
	case v.Type == ir.Stats && shared:
		m.Type = ebpf.LRUHash
	case v.Type == ir.Stats && v.Wraps:
		m.Type = ebpf.LRUCPUHash
	case v.Type == ir.Stats:
		m.Type = ebpf.PerCPUHash
	case !v.Array():
		return m, false
	case v.Wraps:
		m.Type = ebpf.LRUHash
	}
	return m, true
}

// literal puts a string among the literals, zero up to size.
func (g *generator) literal(text string, size int) int {
	key := strconv.Itoa(size) + ":" + text
	if at, ok := g.literalAt[key]; ok {
		return at
	}
	at := len(g.literals)
	g.literals = append(g.literals, text...)
	g.literals = append(g.literals, make([]byte, size-len(text))...)
	g.literalAt[key] = at
	return at
}

// zero makes sure that so many zeros stand at the start of the literals.
func (g *generator) zero(size int) { g.zeros = max(g.zeros, (size+7)&^7) }

// fail notes an error at a line and a column.
func (g *generator) fail(line, column int, hint, format string, args ...any) {
	g.errs.Add(g.span(line, column), hint, format, args...)
}

// span is the place in the script of a line and a column.
func (g *generator) span(line, column int) diag.Span {
	at := g.src.Begin()
	for n := 1; n < line; n++ {
		next := strings.IndexByte(g.src.Text[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	for n := 1; n < column && at < len(g.src.Text); n++ {
		_, size := utf8.DecodeRuneInString(g.src.Text[at:])
		at += size
	}
	return diag.Span{Start: at, End: at + 1}
}

// line is the text of a line of the script.
func (g *generator) line(n int) string {
	if g.lines == nil {
		g.lines = strings.Split(g.src.Text[g.src.Begin():], "\n")
	}
	if n < 1 || n > len(g.lines) {
		return ""
	}
	return strings.TrimRight(g.lines[n-1], "\r")
}

// version reads the first two numbers of a release.
func version(release string) (major, minor int) {
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return 0, 0 // the oldest: nothing new is used
	}
	return major, minor
}

func fits32(n int64) bool { return n >= math.MinInt32 && n <= math.MaxInt32 }
