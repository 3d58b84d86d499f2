package check

import (
	"cmp"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// function is a function of the script or of the prelude.
type function struct {
	decl     *syntax.Function
	scope    *scope
	params   []*infer.Variable
	result   *infer.Variable
	hasValue bool

	// Of this pass.
	index int
	calls []call
}

type call struct {
	fn *function
	at diag.Span
}

// newFunction prepares a function; src is the prelude, or nil for the script.
func (c *checker) newFunction(decl *syntax.Function, src *diag.Source) *function {
	fn := &function{decl: decl, scope: c.newScope(cmp.Or(src, c.src)), result: infer.NewVariable(decl.Name), index: -1}
	fn.scope.fn = fn
	if src != nil {
		fn.scope.At, fn.scope.Called = &diag.Span{}, decl.Name+"()"
	}
	fn.hasValue = decl.Type != syntax.Untyped || syntax.ReturnsValue(decl.Body)
	fn.result.Type = typeOf(decl.Type)
	if src == nil {
		fn.result.Where = decl.Span
	}
	for _, p := range decl.Params {
		if fn.scope.Has(p.Name) {
			c.Errs.Add(p.Span, "", "parameter %s stands there twice", p.Name)
		}
		v := fn.scope.Declare(p.Name)
		v.Type, v.Declared = typeOf(p.Type), p.Type != syntax.Untyped
		if src == nil {
			v.Where = p.Span
		}
		v.Assigned = true
		fn.params = append(fn.params, v)
	}
	return fn
}

func typeOf(t syntax.Type) ir.Type {
	switch t {
	case syntax.LongType:
		return ir.Long
	case syntax.StringType:
		return ir.String
	}
	return infer.Open
}

// use gives a function its index in this pass.
func (c *checker) use(fn *function, at diag.Span) int64 {
	if fn.index < 0 {
		fn.index = len(c.called)
		fn.scope.begin()
		fn.calls = nil
		if fn.scope.At != nil {
			*fn.scope.At = at
		}
		c.called = append(c.called, fn)
	}
	return int64(fn.index)
}

func (fn *function) lower() ir.Func {
	s := fn.scope
	for _, p := range fn.params {
		s.Local(p)
	}
	body := s.stmt(fn.decl.Body)
	f := ir.Func{Name: fn.decl.Name, Params: len(fn.params), Body: body, Locals: s.Locals()}
	if fn.hasValue {
		f.Result = fn.result.Type
	}
	return f
}

// refuseRecursion tells functions that call themselves: they are expanded in
// place, which has no end then.
func (c *checker) refuseRecursion() {
	const visiting, done = 1, 2
	state := map[*function]int{}
	var path []string
	var visit func(fn *function)
	visit = func(fn *function) {
		state[fn] = visiting
		path = append(path, fn.decl.Name)
		for _, call := range fn.calls {
			switch state[call.fn] {
			case 0:
				visit(call.fn)
			case visiting:
				from := len(path) - 1
				for from > 0 && path[from] != call.fn.decl.Name {
					from--
				}
				cycle := strings.Join(append(path[from:len(path):len(path)], call.fn.decl.Name), ", which calls ")
				c.Errs.Add(call.at, "functions are expanded where they are called: write a loop", "function %s calls itself: %s", call.fn.decl.Name, cycle)
			}
		}
		path = path[:len(path)-1]
		state[fn] = done
	}
	for _, fn := range c.called {
		if state[fn] == 0 {
			visit(fn)
		}
	}
}
