package infer

import (
	"strconv"

	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Scope is what a handler or a function can name, kept from pass to pass.
type Scope struct {
	*Script
	// Source is the text that it stands in.
	Source *diag.Source
	// All are its own variables, in the order that they were met.
	All []*Variable
	// At is where a function of the prelude was first called: its errors and
	// lines are told there. It is nil for what the script has itself.
	At *diag.Span
	// Called is what such a function is called by, for messages at run time: the
	// script has not its text.
	Called string

	vars map[string]*Variable

	// Of this pass.
	locals []*Variable
	temps  int
}

// NewScope makes an empty scope of a script.
func NewScope(s *Script, src *diag.Source) *Scope {
	return &Scope{Script: s, Source: src, vars: map[string]*Variable{}}
}

// Begin forgets the last pass.
func (s *Scope) Begin() {
	s.locals, s.temps = nil, 0
	for _, v := range s.All {
		v.Index = -1
	}
}

// Has reports whether a name is one of the scope's own.
func (s *Scope) Has(name string) bool { return s.vars[name] != nil }

// Lookup finds what a name stands for; a name that is new is a local.
func (s *Scope) Lookup(name string) *Variable {
	if v := s.vars[name]; v != nil {
		return v
	}
	if v := s.Globals[name]; v != nil {
		return v
	}
	return s.Declare(name)
}

// Declare makes a local.
func (s *Scope) Declare(name string) *Variable {
	v := NewVariable(name)
	v.Shape = Scalar
	s.vars[name] = v
	s.All = append(s.All, v)
	return v
}

// Temp makes a local of the checker's own. Passes meet them in the same order
// once types are settled, so they are made anew each time.
func (s *Scope) Temp(t ir.Type) *Variable {
	s.temps++
	v := NewVariable("." + strconv.Itoa(s.temps)) // no name of a script
	v.Shape, v.Type = Scalar, t
	return v
}

// Local is the index of a local in this pass.
func (s *Scope) Local(v *Variable) int {
	if v.Index < 0 {
		v.Index = len(s.locals)
		s.locals = append(s.locals, v)
	}
	return v.Index
}

// Locals are the variables of this pass, as the program has them.
func (s *Scope) Locals() []ir.Local {
	var out []ir.Local
	for _, v := range s.locals {
		out = append(out, ir.Local{Name: v.Name, Type: v.Type})
	}
	return out
}

// Get is a node that reads a scalar.
func (s *Scope) Get(v *Variable, at diag.Span) *ir.Node {
	if v.Global != nil {
		n := s.Node(ir.GetGlo, v.Type, at)
		n.Int = int64(s.GlobalIndex(v))
		return n
	}
	n := s.Node(ir.GetLoc, v.Type, at)
	n.Int = int64(s.Local(v))
	return n
}

// Node makes a node with its place.
func (s *Scope) Node(op ir.Op, t ir.Type, at diag.Span, args ...*ir.Node) *ir.Node {
	n := &ir.Node{Op: op, Type: t, Args: args}
	if s.At == nil {
		n.Line, n.Column = s.Lines.Place(at.Start)
	}
	if s.Final {
		s.Spans[n] = s.Span(at)
	}
	return n
}

// Span is where something is told: the place itself, or the call of a function
// of the prelude.
func (s *Scope) Span(at diag.Span) diag.Span {
	if s.At != nil {
		return *s.At
	}
	return at
}

// Num is a number as a node.
func (s *Scope) Num(n int64, at diag.Span) *ir.Node {
	x := s.Node(ir.Const, ir.Long, at)
	x.Int = n
	return x
}

// Text is a text as a node.
func (s *Scope) Text(t string, at diag.Span) *ir.Node {
	x := s.Node(ir.Text, ir.String, at)
	x.Str = t
	return x
}

// Errorf notes an error. Only those of the last pass count.
func (s *Scope) Errorf(at diag.Span, hint, format string, args ...any) {
	s.Script.errorf(s.Span(at), hint, format, args...)
}

// Said is the text of the script at a place, for messages and for Mem.What; in
// the prelude it is the function.
func (s *Scope) Said(at diag.Span) string {
	if s.At != nil {
		return s.Called
	}
	text := s.Source.Text
	return text[min(max(at.Start, 0), len(text)):min(max(at.End, at.Start, 0), len(text))]
}
