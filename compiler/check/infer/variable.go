package infer

import (
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// Open is the type of what no pass has decided yet. A value without a type is
// told apart by Value.Void.
const Open = ir.Void

// Shape tells scalars from arrays.
type Shape int

// The shapes of globals; locals are scalars.
const (
	UnknownShape Shape = iota
	Scalar
	Array
)

// Variable is a name that has a type: a global, a local, a parameter, a
// function's result, a key of an array. It lives through all passes.
type Variable struct {
	Name  string
	Type  ir.Type   // Open until something decides
	Where diag.Span // what decided it
	// Assigned: something gives it a value. Guessed: nothing told its type.
	Assigned, Guessed bool
	// Declared: the script says its type.
	Declared bool
	// Disputed: the last pass met a use of another type and told it. What reads
	// a variable that is not declared is told no more: it may be right in its
	// own place.
	Disputed bool
	// Pointer is the C type that the variable's values have, for "->"; Mixed
	// when there were several.
	Pointer *ctype.Type
	Mixed   bool

	// Of globals.
	Global *syntax.Global
	Shape  Shape
	Shaped diag.Span // what decided the shape
	Keys   []*Variable
	Stats  ir.Aggregate
	Linear diag.Span // the @hist_linear that decided Stats

	// Index in this pass's tables, -1 while it has not been met.
	Index int
}

// NewVariable makes a variable of which nothing is known.
func NewVariable(name string) *Variable { return &Variable{Name: name, Index: -1} }

// Ask notes what an aggregate has to keep for a statistic.
func (v *Variable) Ask(what string) {
	switch what {
	case "sum", "avg":
		v.Stats.Sum = true
	case "min":
		v.Stats.Min = true
	case "max":
		v.Stats.Max = true
	case "variance":
		v.Stats.Sum, v.Stats.Variance = true, true
	case "hist_log":
		v.Stats.Log = true
	}
}

// Close makes longs of the variables that are still open, and says whether
// there were any.
func Close(list []*Variable) bool {
	some := false
	for _, v := range list {
		if v.Type == Open {
			v.Type, v.Guessed, some = ir.Long, true, true
		}
	}
	return some
}
