package vcode

import "math/bits"

// set is a set of registers.
type set []uint64

func (s set) has(r Reg) bool { return s[r/64]&(1<<(r%64)) != 0 }
func (s set) put(r Reg)      { s[r/64] |= 1 << (r % 64) }
func (s set) drop(r Reg)     { s[r/64] &^= 1 << (r % 64) }

func (s set) each(f func(Reg)) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			f(Reg(i*64 + bits.TrailingZeros64(w)))
		}
	}
}

// block is code that runs from its first instruction to its last.
type block struct {
	start, end int // indices into code, end excluded
	next       []int
	in, out    set
}

// uses calls see for each register that an instruction reads.
func (i *inst) uses(see func(*Reg)) {
	if i.mem.Base >= 0 && (i.kind == kLoad || i.kind == kStore || i.kind == kAtomic || i.kind == kAddr) {
		see(&i.mem.Base)
	}
	switch i.kind {
	case kMov, kTrunc, kStore, kAtomic:
		if i.src != None {
			see(&i.src)
		}
	case kALU, kJump:
		see(&i.dst)
		if i.src != None {
			see(&i.src)
		}
	case kNeg, kSwap:
		see(&i.dst)
	case kCall:
		for n := range i.args {
			a := &i.args[n]
			switch {
			case a.Addr != nil && a.Addr.Base != None:
				see(&a.Addr.Base)
			case a.Reg != None:
				see(&a.Reg)
			}
		}
	}
}

// def is the register that an instruction writes, or nil.
func (i *inst) def() *Reg {
	switch i.kind {
	case kMov, kTrunc, kALU, kNeg, kSwap, kLoad, kMap, kData, kAddr, kContext, kCall:
		if i.dst != None {
			return &i.dst
		}
	case kAtomic:
		if fetches(i.atomic) {
			return &i.src
		}
	}
	return nil
}

// pure instructions have no effect but their result.
func (i *inst) pure() bool {
	switch i.kind {
	case kMov, kTrunc, kALU, kNeg, kSwap, kLoad, kMap, kData, kAddr, kContext:
		return true
	}
	return false
}

func (i *inst) ends() bool { return i.kind == kJump || i.kind == kGoto || i.kind == kExit }

// blocks cuts the code; labels tell the block each label starts.
func (f *Func) blocks() (list []*block, labels []int) {
	labels = make([]int, f.labels)
	start := 0
	cut := func(end int) {
		if end > start {
			list = append(list, &block{start: start, end: end})
			start = end
		}
	}
	for n := range f.code {
		i := &f.code[n]
		if i.kind == kLabel {
			if n > start && f.code[n-1].kind != kLabel {
				cut(n)
			}
			labels[i.label] = len(list)
		}
		if i.ends() {
			cut(n + 1)
		}
	}
	cut(len(f.code))
	for n, b := range list {
		last := &f.code[b.end-1]
		if last.kind == kJump || last.kind == kGoto {
			b.next = append(b.next, labels[last.label])
		}
		if last.kind != kGoto && last.kind != kExit && n+1 < len(list) {
			b.next = append(b.next, n+1)
		}
	}
	return list, labels
}

// live finds what is alive where blocks start and end.
func (f *Func) live() []*block {
	list, _ := f.blocks()
	words := (f.regs + 63) / 64
	for _, b := range list {
		b.in, b.out = make(set, words), make(set, words)
	}
	for changed := true; changed; {
		changed = false
		for n := len(list) - 1; n >= 0; n-- {
			b := list[n]
			for _, next := range b.next {
				for w, bits := range list[next].in {
					b.out[w] |= bits
				}
			}
			now := append(set{}, b.out...)
			for at := b.end - 1; at >= b.start; at-- {
				f.code[at].before(now)
			}
			for w := range now {
				if now[w] != b.in[w] {
					b.in, changed = now, true
					break
				}
			}
		}
	}
	return list
}

// before turns what is alive behind an instruction into what is before it.
func (i *inst) before(s set) {
	if d := i.def(); d != nil {
		s.drop(*d)
	}
	i.uses(func(r *Reg) { s.put(*r) })
}
