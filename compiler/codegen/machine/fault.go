package machine

import (
	"errors"
	"fmt"
)

// Fault says what a program did that a kernel would not let it do.
type Fault struct {
	Insn int    // index of the instruction, in units of 8 bytes
	Text string // the instruction, disassembled
	Err  error
}

func (f *Fault) Error() string { return fmt.Sprintf("instruction %d, %s: %v", f.Insn, f.Text, f.Err) }

// Unwrap is what went wrong.
func (f *Fault) Unwrap() error { return f.Err }

// What goes wrong, beside what is told of an access.
var (
	ErrUnknown = errors.New("no instruction of eBPF")
	ErrSteps   = errors.New("too many steps: the program does not end")
	ErrEnd     = errors.New("the program goes on outside of its instructions")
	ErrUnset   = errors.New("a register is read that nothing was put into")
)
