package check

import (
	"strconv"

	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// open is the type of what no pass has decided yet. A value without a type is
// told apart by val.void.
const open = ir.Void

// shape tells scalars from arrays.
type shape int

const (
	unknownShape shape = iota
	scalar
	array
)

// variable is a name that has a type: a global, a local, a parameter, a
// function's result, a key of an array. It lives through all passes.
type variable struct {
	name  string
	typ   ir.Type   // open until something decides
	where diag.Span // what decided it
	// assigned: something gives it a value. guessed: nothing told its type.
	assigned, guessed bool
	// pointer is the C type that the variable's values have, for "->"; mixed
	// when there were several.
	pointer *ctype.Type
	mixed   bool

	// Of globals.
	global *syntax.Global
	shape  shape
	shaped diag.Span // what decided the shape
	keys   []*variable
	stats  ir.Aggregate
	linear diag.Span // the @hist_linear that decided stats

	// index in this pass's tables, -1 while it has not been met.
	index int
}

func newVariable(name string) *variable { return &variable{name: name, index: -1} }

// scope is what a handler or a function can name, kept from pass to pass.
type scope struct {
	c       *checker
	vars    map[string]*variable
	all     []*variable // of vars, in the order they were met
	handler *handler    // or nil
	fn      *function   // or nil
	// at is where a function of the prelude was first called: its errors and
	// lines are told there.
	at *diag.Span

	// Of this pass.
	locals []*variable
	loops  int
	temps  int
	asked  map[syntax.Expr]bool // what @defined said
}

func newScope(c *checker) *scope { return &scope{c: c, vars: map[string]*variable{}} }

// begin forgets the last pass.
func (s *scope) begin() {
	s.locals, s.loops, s.temps, s.asked = nil, 0, 0, map[syntax.Expr]bool{}
	for _, v := range s.all {
		v.index = -1
	}
}

// lookup finds what a name stands for; a name that is new is a local.
func (s *scope) lookup(name string) *variable {
	if v := s.vars[name]; v != nil {
		return v
	}
	if v := s.c.globals[name]; v != nil {
		return v
	}
	return s.declare(name)
}

// declare makes a local.
func (s *scope) declare(name string) *variable {
	v := newVariable(name)
	v.shape = scalar
	s.vars[name] = v
	s.all = append(s.all, v)
	return v
}

// temp makes a local of the checker's own. Passes meet them in the same order
// once types are settled, so they are made anew each time.
func (s *scope) temp(t ir.Type) *variable {
	s.temps++
	v := newVariable("." + strconv.Itoa(s.temps)) // no name of a script
	v.shape, v.typ = scalar, t
	return v
}

// local is the index of a local in this pass.
func (s *scope) local(v *variable) int {
	if v.index < 0 {
		v.index = len(s.locals)
		s.locals = append(s.locals, v)
	}
	return v.index
}

// table is the locals as the program has them.
func (s *scope) table() []ir.Local {
	var out []ir.Local
	for _, v := range s.locals {
		out = append(out, ir.Local{Name: v.name, Type: v.typ})
	}
	return out
}

// globalIndex is the index of a global in this pass; globals that nothing uses
// are left out of the program.
func (c *checker) globalIndex(v *variable) int {
	if v.index < 0 {
		v.index = len(c.used)
		c.used = append(c.used, v)
	}
	return v.index
}

// get is a node that reads a scalar.
func (s *scope) get(v *variable, at diag.Span) *ir.Node {
	if v.global != nil {
		n := s.node(ir.GetGlo, v.typ, at)
		n.Int = int64(s.c.globalIndex(v))
		return n
	}
	n := s.node(ir.GetLoc, v.typ, at)
	n.Int = int64(s.local(v))
	return n
}

// node makes a node with its place.
func (s *scope) node(op ir.Op, t ir.Type, at diag.Span, args ...*ir.Node) *ir.Node {
	n := &ir.Node{Op: op, Type: t, Args: args}
	if s.at == nil {
		n.Line, n.Column = s.c.lines.Place(at.Start)
	}
	if s.c.final {
		s.c.spans[n] = s.span(at)
	}
	return n
}

// span is where something is told: the place itself, or the call of a function
// of the prelude.
func (s *scope) span(at diag.Span) diag.Span {
	if s.at != nil {
		return *s.at
	}
	return at
}

func (s *scope) num(n int64, at diag.Span) *ir.Node {
	x := s.node(ir.Const, ir.Long, at)
	x.Int = n
	return x
}

func (s *scope) text(t string, at diag.Span) *ir.Node {
	x := s.node(ir.Text, ir.String, at)
	x.Str = t
	return x
}

// errorf notes an error. Only those of the last pass count.
func (s *scope) errorf(at diag.Span, hint, format string, args ...any) {
	s.c.errorf(s.span(at), hint, format, args...)
}
