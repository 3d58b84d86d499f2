package infer

import (
	"fmt"

	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Value is the value of an expression.
type Value struct {
	Node *ir.Node // its Type is Open until a pass has decided it
	// Var is the variable that decides the type while it is open.
	Var *Variable
	// C is the C type of the value where it is known: a pointer, for "->".
	C *ctype.Type
	// Void: a call that has no value.
	Void bool
}

// NeedValue refuses a name that is read, though nothing gives it a value and so
// nothing tells its type. A name that has a type starts as 0 or "".
func (s *Scope) NeedValue(v *Variable, at diag.Span) {
	if !v.Guessed || v.Assigned || s.Doubtful {
		return
	}
	var names []string
	for _, other := range s.All {
		if other.Assigned {
			names = append(names, other.Name)
		}
	}
	for _, g := range s.Order {
		if g != v {
			names = append(names, g.Name)
		}
	}
	s.Errorf(at, diag.DidYouMean(v.Name, names), "nothing gives %s a value", v.Name)
}

// Article is a type as messages name it.
func Article(t ir.Type) string {
	if t == ir.Stats {
		return "an aggregate"
	}
	return "a " + t.String()
}

// Learn says that a variable has a type. It is false when it has another one,
// which is an error.
func (s *Scope) Learn(v *Variable, t ir.Type, at diag.Span) bool {
	switch v.Type {
	case Open:
		v.Type, v.Where = t, s.Span(at)
		s.Changed = true
		return true
	case t:
		return true
	}
	v.Disputed = v.Disputed || s.Final && s.Quiet == 0 && !v.Declared
	if v.Where == (diag.Span{}) { // the prelude's
		s.Errorf(at, "", "%s is %s, and not %s", v.Name, Article(v.Type), Article(t))
		return false
	}
	line, _ := s.Lines.Place(v.Where.Start)
	s.Errorf(at, s.conflictHint(v, t), "%s is %s here and %s in line %d", v.Name, Article(t), Article(v.Type), line)
	return false
}

func (s *Scope) conflictHint(v *Variable, t ir.Type) string {
	switch {
	case v.Type == ir.Stats:
		return fmt.Sprintf("read it with @count(%s), @sum(%s) and the like", v.Name, v.Name)
	case t == ir.Stats:
		return "only what <<< adds to is an aggregate"
	}
	return ""
}

// LearnShape says that a global is a scalar or an array.
func (s *Scope) LearnShape(v *Variable, want Shape, at diag.Span) bool {
	switch {
	case v.Shape == UnknownShape:
		v.Shape, v.Shaped = want, s.Span(at)
		s.Changed = true
		return true
	case v.Shape == want:
		return true
	case v.Global == nil:
		s.Errorf(at, "arrays are globals: declare it with \"global "+v.Name+"\"", "%s is not an array", v.Name)
		return false
	}
	line, _ := s.Lines.Place(v.Shaped.Start)
	if want == Array {
		s.Errorf(at, "", "%s is used as an array here and without keys in line %d", v.Name, line)
	} else {
		s.Errorf(at, "an element needs its keys, as in "+v.Name+"[1]", "%s is used without keys here and is an array in line %d", v.Name, line)
	}
	return false
}

// maxKeys is how many keys an array can have (SystemTap's limit is 9 too).
const maxKeys = 9

// LearnKeys says how many keys an array has.
func (s *Scope) LearnKeys(v *Variable, n int, at diag.Span) bool {
	if !s.LearnShape(v, Array, at) {
		return false
	}
	if n > maxKeys {
		s.Errorf(at, "", "%d keys: an array has at most %d", n, maxKeys)
		return false
	}
	if v.Keys == nil {
		for i := range n {
			v.Keys = append(v.Keys, NewVariable(fmt.Sprintf("key %d of %s", i+1, v.Name)))
		}
		v.Shaped = s.Span(at)
		s.Changed = true
	}
	if len(v.Keys) != n {
		line, _ := s.Lines.Place(v.Shaped.Start)
		s.Errorf(at, "", "%s has %s here and %d in line %d", v.Name, diag.Count(n, "key"), len(v.Keys), line)
		return false
	}
	return true
}

// Demand gives a value the type that its place needs, open for any.
func (s *Scope) Demand(v Value, want ir.Type, at diag.Span) Value {
	switch {
	case v.Void:
		s.Errorf(at, "", "this has no value")
		return Value{Node: s.Bad(want, at)}
	case v.Node.Type == ir.Stats && want != ir.Stats:
		s.Errorf(at, "read it with @count, @sum, @min, @max, @avg", "an aggregate is no value")
		return Value{Node: s.Bad(want, at)}
	case want == Open || v.Node.Type == want:
		return v
	case v.Node.Type == Open && v.Var != nil:
		s.Learn(v.Var, want, at)
		v.Node.Type = want
		return v
	case v.Node.Type == Open:
		v.Node.Type = want
		return v
	}
	hint := ""
	switch {
	case v.Var != nil && v.Var.Where != (diag.Span{}):
		line, _ := s.Lines.Place(v.Var.Where.Start)
		s.Errorf(at, "", "%s is needed here, and %s is %s since line %d", Article(want), v.Var.Name, Article(v.Node.Type), line)
		return Value{Node: s.Bad(want, at)}
	case want == ir.String && v.C != nil:
		hint = "read the text with kernel_string(…)"
	case want == ir.String:
		hint = "sprint(…) makes a string"
	case want == ir.Long:
		hint = "strtol(…, 10) makes a number"
	}
	s.Errorf(at, hint, "%s is needed here, and this is %s", Article(want), Article(v.Node.Type))
	return Value{Node: s.Bad(want, at)}
}

// Bad stands for what is in error, of the type its place needs.
func (s *Scope) Bad(want ir.Type, at diag.Span) *ir.Node {
	if want == ir.String {
		return s.Text("", at)
	}
	return s.Num(0, at)
}

// Point remembers the C type of what is assigned to a variable. Values
// without one say nothing, as 0 does.
func (s *Script) Point(v *Variable, t *ctype.Type) {
	switch {
	case v == nil || t == nil || v.Mixed:
	case v.Pointer == nil:
		v.Pointer = t
		s.Changed = true
	case v.Pointer.String() != t.String():
		v.Mixed, v.Pointer = true, nil
		s.Changed = true
	}
}
