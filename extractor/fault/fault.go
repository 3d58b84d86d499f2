// Package fault turns a panic into an error, so that a mistake of this program
// that one foreign input brings to light costs that input alone. Go ends the
// whole process for a panic that its goroutine does not catch: every goroutine
// that reads foreign bytes begins with
//
//	defer fault.Catch(&err)
//
// It also parts what an error says of the fault from what it says to do about
// it.
package fault

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// Error is a panic that was caught.
type Error struct {
	Value any    // what was thrown
	Place string // where: "btf/types.go:123"; empty when not known
}

func (e *Error) Error() string {
	s := fmt.Sprintf("tpinfo itself failed: %v", e.Value)
	if e.Place != "" {
		s += " at " + e.Place
	}
	return s
}

// Catch sets err when the function that deferred it panics.
func Catch(err *error) {
	if p := recover(); p != nil {
		*err = &Error{Value: p, Place: place()}
	}
}

// place is the innermost line below the panic that is not the runtime's.
func place() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for panicked := false; ; {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicked = true
		case panicked && !strings.HasPrefix(f.Function, "runtime."):
			return fmt.Sprintf("%s/%s:%d", filepath.Base(filepath.Dir(f.File)), filepath.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}
