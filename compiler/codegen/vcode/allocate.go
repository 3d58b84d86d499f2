package vcode

import (
	"errors"
	"math"
	"slices"

	"github.com/cilium/ebpf/asm"
)

// Registers 0 to 5 do not survive a call, 6 to 9 do.
const (
	firstKept = asm.R6
	lastReg   = asm.R9
)

// interval is where a virtual register is alive, from its first definition to
// its last use: instruction n reads at 2n and writes at 2n+1.
type interval struct {
	reg        Reg
	start, end int
	weight     float64 // of spilling it
	crosses    bool    // a call
	hints      []hint
	phys       asm.Register
}

// hint says that a register would best be the same as another, or a certain one.
type hint struct {
	with Reg // or None
	phys asm.Register
}

// allocation is where each virtual register is.
type allocation []asm.Register

// allocate finds a register for each virtual one. What finds none is kept on
// the stack, or made anew where it is a constant, and comes into a register
// just where it is used.
func (f *Func) allocate() (allocation, error) {
	fixed := map[Reg]bool{} // those that live too short to be spilled
	for _, r := range f.near {
		fixed[r] = true
	}
	for {
		list := f.intervals(fixed)
		spilled := scan(list, f.regs)
		if len(spilled) == 0 {
			where := make(allocation, f.regs)
			for _, iv := range list {
				where[iv.reg] = iv.phys
			}
			return where, nil
		}
		for _, r := range spilled {
			if fixed[r] {
				return nil, errors.New("an instruction needs more registers than there are")
			}
		}
		f.spill(spilled, fixed)
	}
}

func (f *Func) intervals(fixed map[Reg]bool) []*interval {
	blocks := f.live()
	depth := f.depths()
	byReg := make([]*interval, f.regs)
	at := func(r Reg, pos int) *interval {
		iv := byReg[r]
		if iv == nil {
			iv = &interval{reg: r, start: pos, end: pos}
			byReg[r] = iv
		}
		iv.start, iv.end = min(iv.start, pos), max(iv.end, pos)
		return iv
	}
	var calls []int
	for _, b := range blocks {
		b.in.each(func(r Reg) { at(r, 2*b.start) })
		b.out.each(func(r Reg) { at(r, 2*b.end) })
		for n := b.start; n < b.end; n++ {
			i := &f.code[n]
			cost := math.Pow(10, float64(depth[n]))
			i.uses(func(r *Reg) { at(*r, 2*n).weight += cost })
			if d := i.def(); d != nil {
				at(*d, 2*n+1).weight += cost
			}
			f.hints(i, byReg)
			if i.kind == kCall {
				calls = append(calls, 2*n)
			}
		}
	}
	var list []*interval
	for _, iv := range byReg {
		if iv == nil {
			continue
		}
		n, _ := slices.BinarySearch(calls, iv.start)
		iv.crosses = n < len(calls) && calls[n] < iv.end
		iv.weight /= float64(iv.end - iv.start + 1)
		if fixed[iv.reg] {
			iv.weight = math.Inf(1)
		}
		list = append(list, iv)
	}
	slices.SortStableFunc(list, func(a, b *interval) int { return a.start - b.start })
	return list
}

// hints notes which registers would save a move.
func (f *Func) hints(i *inst, byReg []*interval) {
	switch i.kind {
	case kMov, kTrunc:
		if i.src != None {
			byReg[i.dst].hints = append(byReg[i.dst].hints, hint{with: i.src})
			byReg[i.src].hints = append(byReg[i.src].hints, hint{with: i.dst})
		}
	case kContext:
		byReg[i.dst].hints = append(byReg[i.dst].hints, hint{None, asm.R1})
	case kCall:
		for n, a := range i.args {
			if a.Reg != None {
				byReg[a.Reg].hints = append(byReg[a.Reg].hints, hint{None, asm.R1 + asm.Register(n)})
			}
		}
		if i.dst != None {
			byReg[i.dst].hints = append(byReg[i.dst].hints, hint{None, asm.R0})
		}
	}
}

// depths counts the loops around each instruction.
func (f *Func) depths() []int {
	at := make([]int, f.labels)
	for n := range f.code {
		if f.code[n].kind == kLabel {
			at[f.code[n].label] = n
		}
	}
	depth := make([]int, len(f.code))
	for n := range f.code {
		i := &f.code[n]
		if (i.kind == kJump || i.kind == kGoto) && at[i.label] < n {
			for in := at[i.label]; in <= n; in++ {
				depth[in] = min(depth[in]+1, 6)
			}
		}
	}
	return depth
}

// preference is the order in which registers are tried.
var (
	preferAny  = []asm.Register{asm.R0, asm.R1, asm.R2, asm.R3, asm.R4, asm.R5, asm.R6, asm.R7, asm.R8, asm.R9}
	preferKept = []asm.Register{asm.R6, asm.R7, asm.R8, asm.R9}
)

// scan is a linear scan over intervals sorted by start; it returns the virtual
// registers that found none.
func scan(list []*interval, regs int) []Reg {
	where := make([]*interval, regs)
	var active []*interval
	var spilled []Reg
	for _, iv := range list {
		active = slices.DeleteFunc(active, func(a *interval) bool { return a.end < iv.start })
		var taken [lastReg + 1]*interval
		for _, a := range active {
			taken[a.phys] = a
		}
		allowed := preferAny
		if iv.crosses {
			allowed = preferKept
		}
		phys, ok := choose(iv, allowed, &taken, where)
		if !ok {
			// The one that costs least goes: this one, or one in its way.
			cheapest := iv
			for _, r := range allowed {
				if a := taken[r]; a.weight < cheapest.weight {
					cheapest = a
				}
			}
			spilled = append(spilled, cheapest.reg)
			if cheapest == iv {
				continue
			}
			phys = cheapest.phys
			active = slices.DeleteFunc(active, func(a *interval) bool { return a == cheapest })
		}
		iv.phys = phys
		where[iv.reg] = iv
		active = append(active, iv)
	}
	return spilled
}

func choose(iv *interval, allowed []asm.Register, taken *[lastReg + 1]*interval, where []*interval) (asm.Register, bool) {
	for _, h := range iv.hints {
		phys := h.phys
		if h.with != None {
			if where[h.with] == nil {
				continue
			}
			phys = where[h.with].phys
		}
		if taken[phys] == nil && slices.Contains(allowed, phys) {
			return phys, true
		}
	}
	for _, r := range allowed {
		if taken[r] == nil {
			return r, true
		}
	}
	return 0, false
}

// spill rewrites the code so that registers live on the stack: a load before
// each use, a store behind each definition. A register that is set once, to
// what costs no more than a load, is set anew instead.
func (f *Func) spill(regs []Reg, fixed map[Reg]bool) {
	once := f.constants(regs)
	slots := map[Reg]Mem{}
	for _, r := range regs {
		if _, ok := once[r]; !ok {
			slots[r] = Mem{spilled, f.slots}
			f.slots++
		}
	}
	temp := func() Reg { r := f.Reg(); fixed[r] = true; return r }
	code := make([]inst, 0, len(f.code)+8*len(regs))
	for _, i := range f.code {
		before := map[Reg]Reg{}
		i.args = slices.Clone(i.args)
		for n := range i.args {
			if a := i.args[n].Addr; a != nil {
				own := *a
				i.args[n].Addr = &own
			}
		}
		d := i.def()
		if d != nil {
			if _, ok := once[*d]; ok {
				continue
			}
		}
		i.uses(func(r *Reg) {
			old := *r
			slot, onStack := slots[old]
			again, constant := once[old]
			if !onStack && !constant {
				return
			}
			t, ok := before[old]
			if !ok {
				t = temp()
				before[old] = t
				make := inst{kind: kLoad, dst: t, src: None, mem: slot, size: asm.DWord}
				if constant {
					make = again
					make.dst = t
				}
				make.line, make.column = i.line, i.column
				code = append(code, make)
			}
			*r = t
		})
		if d = i.def(); d == nil {
			code = append(code, i)
			continue
		}
		for old, t := range before {
			// Read and written: uses has renamed it already.
			if *d == t {
				code = append(code, i, inst{kind: kStore, dst: None, src: t, mem: slots[old], size: asm.DWord, line: i.line, column: i.column})
				d = nil
				break
			}
		}
		if d == nil {
			continue
		}
		if slot, ok := slots[*d]; ok {
			t := temp()
			*d = t
			code = append(code, i, inst{kind: kStore, dst: None, src: t, mem: slot, size: asm.DWord, line: i.line, column: i.column})
			continue
		}
		code = append(code, i)
	}
	f.code = code
}

// constants finds those of the registers that are set just once, by an
// instruction that can be repeated anywhere.
func (f *Func) constants(regs []Reg) map[Reg]inst {
	sets := map[Reg]int{}
	by := map[Reg]inst{}
	for n := range f.code {
		i := &f.code[n]
		if d := i.def(); d != nil {
			sets[*d]++
			by[*d] = *i
		}
	}
	out := map[Reg]inst{}
	for _, r := range regs {
		i := by[r]
		repeatable := i.kind == kData || i.kind == kMap || i.kind == kMov && i.src == None || i.kind == kAddr && i.mem.Base == None
		if sets[r] == 1 && repeatable {
			out[r] = i
		}
	}
	return out
}
