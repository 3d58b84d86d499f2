package check

import (
	"fmt"

	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// val is the value of an expression.
type val struct {
	n *ir.Node // its Type is open until a pass has decided it
	// ref is the variable that decides the type while it is open.
	ref *variable
	// c is the C type of the value where it is known: a pointer, for "->".
	c *ctype.Type
	// void: a call that has no value.
	void bool
}

// needValue refuses a name that is read, though nothing gives it a value and so
// nothing tells its type. A name that has a type starts as 0 or "".
func (s *scope) needValue(v *variable, at diag.Span) {
	if !v.guessed || v.assigned || s.c.doubtful {
		return
	}
	var names []string
	for _, other := range s.all {
		if other.assigned {
			names = append(names, other.name)
		}
	}
	for _, g := range s.c.order {
		if g != v {
			names = append(names, g.name)
		}
	}
	s.errorf(at, diag.DidYouMean(v.name, names), "nothing gives %s a value", v.name)
}

// article is a type as messages name it.
func article(t ir.Type) string {
	if t == ir.Stats {
		return "an aggregate"
	}
	return "a " + t.String()
}

// learn says that a variable has a type. It is false when it has another one,
// which is an error.
func (s *scope) learn(v *variable, t ir.Type, at diag.Span) bool {
	switch v.typ {
	case open:
		v.typ, v.where = t, s.span(at)
		s.c.changed = true
		return true
	case t:
		return true
	}
	if v.where == (diag.Span{}) { // the prelude's
		s.errorf(at, "", "%s is %s, and not %s", v.name, article(v.typ), article(t))
		return false
	}
	line, _ := s.c.lines.Place(v.where.Start)
	s.errorf(at, s.conflictHint(v, t), "%s is %s here and %s in line %d", v.name, article(t), article(v.typ), line)
	return false
}

func (s *scope) conflictHint(v *variable, t ir.Type) string {
	switch {
	case v.typ == ir.Stats:
		return fmt.Sprintf("read it with @count(%s), @sum(%s) and the like", v.name, v.name)
	case t == ir.Stats:
		return "only what <<< adds to is an aggregate"
	}
	return ""
}

// learnShape says that a global is a scalar or an array.
func (s *scope) learnShape(v *variable, want shape, at diag.Span) bool {
	switch {
	case v.shape == unknownShape:
		v.shape, v.shaped = want, s.span(at)
		s.c.changed = true
		return true
	case v.shape == want:
		return true
	case v.global == nil:
		s.errorf(at, "arrays are globals: declare it with \"global "+v.name+"\"", "%s is not an array", v.name)
		return false
	}
	line, _ := s.c.lines.Place(v.shaped.Start)
	if want == array {
		s.errorf(at, "", "%s is used as an array here and without keys in line %d", v.name, line)
	} else {
		s.errorf(at, "an element needs its keys, as in "+v.name+"[1]", "%s is used without keys here and is an array in line %d", v.name, line)
	}
	return false
}

// maxKeys is how many keys an array can have (SystemTap's limit is 9 too).
const maxKeys = 9

// learnKeys says how many keys an array has.
func (s *scope) learnKeys(v *variable, n int, at diag.Span) bool {
	if !s.learnShape(v, array, at) {
		return false
	}
	if n > maxKeys {
		s.errorf(at, "", "%d keys: an array has at most %d", n, maxKeys)
		return false
	}
	if v.keys == nil {
		for i := range n {
			v.keys = append(v.keys, newVariable(fmt.Sprintf("key %d of %s", i+1, v.name)))
		}
		v.shaped = s.span(at)
		s.c.changed = true
	}
	if len(v.keys) != n {
		line, _ := s.c.lines.Place(v.shaped.Start)
		s.errorf(at, "", "%s has %s here and %d in line %d", v.name, count(n, "key"), len(v.keys), line)
		return false
	}
	return true
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// demand gives a value the type that its place needs, open for any.
func (s *scope) demand(v val, want ir.Type, at diag.Span) val {
	switch {
	case v.void:
		s.errorf(at, "", "this has no value")
		return val{n: s.bad(want, at)}
	case v.n.Type == ir.Stats && want != ir.Stats:
		s.errorf(at, "read it with @count, @sum, @min, @max, @avg", "an aggregate is no value")
		return val{n: s.bad(want, at)}
	case want == open || v.n.Type == want:
		return v
	case v.n.Type == open && v.ref != nil:
		s.learn(v.ref, want, at)
		v.n.Type = want
		return v
	case v.n.Type == open:
		v.n.Type = want
		return v
	}
	hint := ""
	switch {
	case v.ref != nil && v.ref.where != (diag.Span{}):
		line, _ := s.c.lines.Place(v.ref.where.Start)
		s.errorf(at, "", "%s is needed here, and %s is %s since line %d", article(want), v.ref.name, article(v.n.Type), line)
		return val{n: s.bad(want, at)}
	case want == ir.String && v.c != nil:
		hint = "read the text with kernel_string(…)"
	case want == ir.String:
		hint = "sprint(…) makes a string"
	case want == ir.Long:
		hint = "strtol(…, 10) makes a number"
	}
	s.errorf(at, hint, "%s is needed here, and this is %s", article(want), article(v.n.Type))
	return val{n: s.bad(want, at)}
}

// bad stands for what is in error, of the type its place needs.
func (s *scope) bad(want ir.Type, at diag.Span) *ir.Node {
	if want == ir.String {
		return s.text("", at)
	}
	return s.num(0, at)
}

// point remembers the C type of what is assigned to a variable. Values
// without one say nothing, as 0 does.
func (c *checker) point(v *variable, t *ctype.Type) {
	switch {
	case v == nil || t == nil || v.mixed:
	case v.pointer == nil:
		v.pointer = t
		c.changed = true
	case v.pointer.String() != t.String():
		v.mixed, v.pointer = true, nil
		c.changed = true
	}
}
