package render

import (
	"fmt"
	"strconv"
)

// Symbol appends the name of a kernel address: symname, or symdata with
// offsets; the address itself when it has no name. A leading dot, of function
// descriptors, is left out.
func (p *Printer) Symbol(dst []byte, addr uint64, offsets bool) []byte {
	var s Symbol
	found := false
	if p.Symbols != nil && addr != 0 {
		s, found = p.Symbols.Symbol(addr)
	}
	if !found {
		return hexadecimal(dst, addr)
	}
	name := s.Name
	if len(name) > 1 && name[0] == '.' {
		name = name[1:]
	}
	dst = append(dst, name...)
	if !offsets {
		return dst
	}
	dst = hexadecimal(append(dst, '+'), s.Offset)
	if s.Size > 0 {
		dst = hexadecimal(append(dst, '/'), s.Size)
	}
	if s.Module != "" {
		dst = append(append(append(dst, " ["...), s.Module...), ']')
	}
	return dst
}

// stack appends a kernel stack, a line a frame: print_backtrace. Of a stack that
// is not there a line says why.
func (p *Printer) stack(dst []byte, id int64) []byte {
	if id < 0 {
		return fmt.Appendf(dst, " (no kernel stack: error %d)\n", id)
	}
	if p.Symbols == nil {
		return append(dst, " (no kernel stack: none can be read here)\n"...)
	}
	frames, err := p.Symbols.Stack(id)
	if err != nil {
		return fmt.Appendf(dst, " (no kernel stack: %v)\n", err)
	}
	for _, addr := range frames {
		dst = hexadecimal(append(dst, ' '), addr)
		if _, found := p.Symbols.Symbol(addr); found {
			dst = p.Symbol(append(dst, " : "...), addr, true)
		}
		dst = append(dst, '\n')
	}
	return dst
}

// SyscallName is syscall_name: "" for a number that is no system call.
func (p *Printer) SyscallName(number int64) string {
	if p.Syscall == nil {
		return ""
	}
	return p.Syscall(number)
}

func hexadecimal(dst []byte, n uint64) []byte {
	return strconv.AppendUint(append(dst, "0x"...), n, 16)
}
