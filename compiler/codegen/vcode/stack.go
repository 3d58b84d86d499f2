package vcode

import (
	"cmp"
	"errors"
	"slices"
)

// ErrStack says that a program needs more stack than there is.
var ErrStack = errors.New("more than 512 bytes of stack")

// slot is the place of a spilled register, and where something is in it:
// instruction n reads at 2n and writes at 2n+1.
type slot struct{ id, start, end int }

// settle places spilled registers in the frame, behind what is there. Those that
// are not alive at the same time share a place.
func (f *Func) settle() error {
	list := f.slotIntervals()
	slices.SortStableFunc(list, func(a, b slot) int { return cmp.Compare(a.start, b.start) })
	places := make([]int, f.slots)
	var ends []int // of what is in each place
	for _, s := range list {
		n := slices.IndexFunc(ends, func(end int) bool { return end < s.start })
		if n < 0 {
			n = len(ends)
			ends = append(ends, 0)
		}
		ends[n], places[s.id] = s.end, n
	}
	top := (f.high + 7) &^ 7
	if top+8*len(ends) > StackSize {
		return ErrStack
	}
	for n := range f.code {
		if m := &f.code[n].mem; m.Base == spilled {
			*m = Mem{None, -top - 8*(places[m.Off]+1)}
		}
	}
	return nil
}

// slotIntervals finds where each slot is in use, as live and intervals do for
// registers.
func (f *Func) slotIntervals() []slot {
	blocks, _ := f.blocks()
	words := (f.slots + 63) / 64
	for _, b := range blocks {
		b.in, b.out = make(set, words), make(set, words)
	}
	for changed := true; changed; {
		changed = false
		for n := len(blocks) - 1; n >= 0; n-- {
			b := blocks[n]
			for _, next := range b.next {
				for w, bits := range blocks[next].in {
					b.out[w] |= bits
				}
			}
			now := slices.Clone(b.out)
			for at := b.end - 1; at >= b.start; at-- {
				if i := &f.code[at]; i.mem.Base == spilled && i.kind == kStore {
					now.drop(Reg(i.mem.Off))
				} else if i.mem.Base == spilled {
					now.put(Reg(i.mem.Off))
				}
			}
			if !slices.Equal(now, b.in) {
				b.in, changed = now, true
			}
		}
	}
	all := make([]slot, f.slots)
	for id := range all {
		all[id] = slot{id, 2 * len(f.code), -1}
	}
	at := func(id Reg, pos int) {
		s := &all[id]
		s.start, s.end = min(s.start, pos), max(s.end, pos)
	}
	for _, b := range blocks {
		b.in.each(func(r Reg) { at(r, 2*b.start) })
		b.out.each(func(r Reg) { at(r, 2*b.end) })
		for n := b.start; n < b.end; n++ {
			if i := &f.code[n]; i.mem.Base == spilled && i.kind == kStore {
				at(Reg(i.mem.Off), 2*n+1)
			} else if i.mem.Base == spilled {
				at(Reg(i.mem.Off), 2*n)
			}
		}
	}
	return slices.DeleteFunc(all, func(s slot) bool { return s.end < 0 })
}
