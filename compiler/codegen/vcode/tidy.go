package vcode

// tidy takes out what cannot be reached, which the kernel refuses, and what
// nothing needs.
func (f *Func) tidy() {
	f.reachable()
	for f.useful() {
	}
	f.straighten()
	f.reachable()
}

func (f *Func) reachable() {
	list, _ := f.blocks()
	seen := make([]bool, len(list))
	stack := []int{0}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if n < len(list) && !seen[n] {
			seen[n] = true
			stack = append(stack, list[n].next...)
		}
	}
	var code []inst
	for n, b := range list {
		if seen[n] {
			code = append(code, f.code[b.start:b.end]...)
		}
	}
	f.code = code
}

// useful drops instructions whose result nobody reads; it reports whether there
// were any.
func (f *Func) useful() bool {
	useless := make([]bool, len(f.code))
	any := false
	for _, b := range f.live() {
		alive := append(set{}, b.out...)
		for at := b.end - 1; at >= b.start; at-- {
			i := &f.code[at]
			if d := i.def(); d != nil && i.pure() && !alive.has(*d) {
				useless[at], any = true, true
				continue
			}
			if i.kind == kMov && i.src == i.dst {
				useless[at], any = true, true
				continue
			}
			i.before(alive)
		}
	}
	if any {
		var code []inst
		for n, i := range f.code {
			if !useless[n] {
				code = append(code, i)
			}
		}
		f.code = code
	}
	return any
}

// straighten leads jumps to jumps to where those go, and drops jumps to what
// follows anyway.
func (f *Func) straighten() {
	at := make([]int, f.labels)
	for n := range f.code {
		if f.code[n].kind == kLabel {
			at[f.code[n].label] = n
		}
	}
	// final follows a label through labels and gotos.
	final := func(l Label) Label {
		for range 32 {
			n := at[l]
			for n < len(f.code) && f.code[n].kind == kLabel {
				n++
			}
			if n == len(f.code) || f.code[n].kind != kGoto || f.code[n].label == l {
				break
			}
			l = f.code[n].label
		}
		return l
	}
	var code []inst
	for n := range f.code {
		i := f.code[n]
		if i.kind == kJump || i.kind == kGoto {
			i.label = final(i.label)
			next := n + 1
			for next < len(f.code) && f.code[next].kind == kLabel && f.code[next].label != i.label {
				next++
			}
			if next < len(f.code) && f.code[next].kind == kLabel {
				continue // it follows anyway
			}
		}
		code = append(code, i)
	}
	f.code = code
}
