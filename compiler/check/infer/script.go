package infer

import (
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Script is what a check knows of a script's names, and how far the pass over
// it is.
type Script struct {
	Lines *diag.Lines
	Errs  *diag.List
	// StringSize is the most bytes that a string takes with its NUL.
	StringSize int
	// MapEntries is how many elements an array has whose declaration does not
	// say.
	MapEntries int
	Globals    map[string]*Variable
	Order      []*Variable // the globals as declared
	// Doubtful: a declaration was left out for an error, and what it would give
	// a value is not known.
	Doubtful bool
	Final    bool // errors count

	// Of this pass.
	Changed bool // it learned something
	Quiet   int  // inside @defined, where errors say "no"
	Faults  int  // errors, quiet ones too
	// Spans are where nodes are told, where Final.
	Spans map[*ir.Node]diag.Span

	used []*Variable // globals in the order of their indices
}

// NewScript makes a Script without names, for a text and the list of its
// errors.
func NewScript(src *diag.Source, errs *diag.List, stringSize, mapEntries int) *Script {
	return &Script{Lines: diag.NewLines(src.Text), Errs: errs, StringSize: stringSize, MapEntries: mapEntries, Globals: map[string]*Variable{}}
}

// Begin forgets the last pass.
func (s *Script) Begin() {
	for _, v := range s.Order {
		v.Index = -1
		v.Stats, v.Linear = ir.Aggregate{}, diag.Span{}
	}
	s.Changed, s.Faults, s.Spans, s.used = false, 0, map[*ir.Node]diag.Span{}, nil
}

// errorf notes an error at a place of the script. Only those of the last pass
// count.
func (s *Script) errorf(at diag.Span, hint, format string, args ...any) {
	s.Faults++
	if s.Final && s.Quiet == 0 {
		s.Errs.Add(at, hint, format, args...)
	}
}
