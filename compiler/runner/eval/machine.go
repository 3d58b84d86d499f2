package eval

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// maxDepth bounds calls within calls, so that a damaged program that recurses
// is an error. Scripts cannot recurse.
const maxDepth = 32

// Machine runs handlers of one program. It is not for concurrent use.
type Machine struct {
	program *ir.Program
	store   Store
	host    Host

	tokens   tokens
	patterns map[string]*regexp.Regexp
	out      []byte // what Print is making
}

// New makes a Machine for p over store.
func New(p *ir.Program, store Store, host Host) *Machine {
	m := &Machine{program: p, store: store, host: host, patterns: map[string]*regexp.Regexp{}}
	m.host.Printer.Call = m.Call
	return m
}

// RuntimeError is an error of the script: error(), a division by zero, a full
// array. A try statement catches it.
type RuntimeError struct {
	Message      string // as SystemTap words it
	Line, Column int
	Err          error // a *FullError, or nil
}

func (e *RuntimeError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s at %d:%d", e.Message, e.Line, e.Column)
}

func (e *RuntimeError) Unwrap() error { return e.Err }

// errNext unwinds to the end of a handler.
var errNext = errors.New("next")

// Run runs a handler to its end. The error is ErrExit when the handler called
// exit(), which by itself ends nothing; a *RuntimeError when the script failed;
// ctx's when it ended first, which also stops endless loops; another one when
// globals or outputs cannot be reached or the program is damaged.
func (m *Machine) Run(ctx context.Context, probe *ir.Probe) error {
	if probe.Body == nil {
		return nil
	}
	t := &task{Machine: m, ctx: ctx}
	if _, err := t.frame(probe.Locals).exec(probe.Body); err != nil && !errors.Is(err, errNext) {
		return err
	}
	if t.exit {
		return ErrExit
	}
	return nil
}

// task is one run of a handler.
type task struct {
	*Machine
	ctx   context.Context
	exit  bool // exit() was called
	steps uint // loops and calls so far
	depth int  // calls that have not returned
}

// frame is a handler or a function that runs.
type frame struct {
	*task
	decls  []ir.Local
	locals []Value
	result Value // of a function
}

func (t *task) frame(decls []ir.Local) *frame {
	f := &frame{task: t, decls: decls, locals: make([]Value, len(decls))}
	for i := range decls {
		f.locals[i].Type = decls[i].Type
	}
	return f
}

// step counts and now and then looks whether the run should end.
func (t *task) step() error {
	if t.steps++; t.steps%256 == 0 {
		return t.ctx.Err()
	}
	return nil
}

// fail makes an error that the script can catch.
func fail(n *ir.Node, format string, args ...any) error {
	return &RuntimeError{Message: fmt.Sprintf(format, args...), Line: n.Line, Column: n.Column}
}

// damaged says that a node is none that Validate lets through.
func damaged(n *ir.Node) error {
	if n == nil {
		return errors.New("a part of a statement is missing; the object is damaged")
	}
	return fmt.Errorf("%d:%d: %q is not as it must be; the object is damaged", n.Line, n.Column, n.Op)
}

// stored says where an error of the store came up; a full array is the
// script's own error.
func stored(n *ir.Node, err error) error {
	if full := (*FullError)(nil); errors.As(err, &full) {
		return &RuntimeError{Message: full.Error(), Line: n.Line, Column: n.Column, Err: full}
	}
	if err != nil {
		return fmt.Errorf("%d:%d: %w", n.Line, n.Column, err)
	}
	return nil
}

// fit cuts a string to a capacity of size bytes, its NUL included; 0 stands for
// the program's StringSize.
func (m *Machine) fit(s string, size int) string {
	if size <= 0 || size > m.program.StringSize {
		size = m.program.StringSize
	}
	s = s[:min(len(s), max(size-1, 0))]
	if nul := strings.IndexByte(s, 0); nul >= 0 {
		s = s[:nul]
	}
	return s
}
