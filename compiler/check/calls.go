package check

import (
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// call lowers a call: to a value, or to a statement for what has none. A name
// is looked for among the print family, the script's functions, those that
// have a form of their own, the built-in ones, and the prelude's.
func (s *scope) call(x *syntax.Call, want ir.Type) (infer.Value, *ir.Node) {
	if p, ok := printers[x.Name]; ok {
		return s.print(p, x)
	}
	if list := s.c.script[x.Name]; list != nil && s.At == nil { // the prelude calls its own
		return s.callFunction(list, x, want), nil
	}
	if f := specialForm(x.Name); f != nil {
		return f(s, x, want)
	}
	if r := reader(x.Name, s.c); r != nil {
		return s.readMemory(r, x, want), nil
	}
	if f, ok := s.c.builtin[x.Name]; ok && (x.Name != "tokenize" || len(x.Args) == 2) {
		return s.callBuiltin(&f, x, want)
	}
	if list := s.c.prelude(x.Name); list != nil {
		return s.callFunction(list, x, want), nil
	}
	for _, a := range x.Args {
		s.expr(a, infer.Open)
	}
	s.Faults++ // checkCalls tells it
	return infer.Value{Node: s.Bad(want, x.Span)}, nil
}

// checkCalls tells calls of what is no function, those in what is left out too.
func (c *checker) checkCalls(f *syntax.File) {
	visit := func(x syntax.Expr) {
		call, ok := x.(*syntax.Call)
		if !ok || c.callable(call.Name) {
			return
		}
		name := diag.Span{Start: call.Span.Start, End: call.Span.Start + len(call.Name)}
		c.Errs.Add(name, diag.DidYouMean(call.Name, c.functionNames()), "there is no function %s", call.Name)
	}
	for _, fn := range f.Functions {
		syntax.Walk(fn.Body, visit)
	}
	for _, a := range f.Aliases {
		syntax.Walk(a.Body, visit)
	}
	for _, p := range f.Probes {
		syntax.Walk(p.Body, visit)
	}
}

func (c *checker) callable(name string) bool {
	_, prints := printers[name]
	_, reads := readers[name]
	_, built := c.builtin[name]
	return prints || reads || built || c.script[name] != nil || specialForm(name) != nil || c.prelude(name) != nil
}

// callFunction lowers a call of a function written in the language.
func (s *scope) callFunction(list []*function, x *syntax.Call, want ir.Type) infer.Value {
	var fn *function
	for _, f := range list {
		if len(f.params) == len(x.Args) {
			fn = f
		}
	}
	if fn == nil {
		s.Errorf(x.Span, "", "%s takes %s, and %d are here", x.Name, diag.Count(len(list[0].params), "argument"), len(x.Args))
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	n := s.Node(ir.Call, infer.Open, x.Span)
	n.Int = s.c.use(fn, s.Span(x.Span))
	if s.fn != nil {
		s.fn.calls = append(s.fn.calls, call{fn, s.Span(x.Span)})
	}
	for i, a := range x.Args {
		p := fn.params[i]
		v := s.expr(a, infer.Open)
		switch {
		case v.Node.Type == infer.Open || v.Node.Type == p.Type:
			v = s.Demand(v, p.Type, a.Place())
		case v.Void || v.Node.Type == ir.Stats:
			v = s.Demand(v, ir.Long, a.Place())
		default:
			if !s.Learn(p, v.Node.Type, a.Place()) {
				v.Node = s.Bad(p.Type, a.Place())
			}
		}
		s.Point(p, v.C)
		n.Args = append(n.Args, v.Node)
	}
	if !fn.hasValue {
		return infer.Value{Node: n, Void: true}
	}
	n.Type = fn.result.Type
	return infer.Value{Node: n, Var: fn.result, C: fn.result.Pointer}
}

// callBuiltin lowers a call of a built-in function; one without a value is a
// statement.
func (s *scope) callBuiltin(f *ir.Function, x *syntax.Call, want ir.Type) (infer.Value, *ir.Node) {
	if x.Name == "system" && !s.c.opt.AllowSystem {
		s.Errorf(x.Span, "--allow-system allows it", "system() runs commands as root")
	}
	if len(x.Args) != len(f.Params) {
		s.Errorf(x.Span, "", "%s takes %s, and %d are here", x.Name, diag.Count(len(f.Params), "argument"), len(x.Args))
		return infer.Value{Node: s.Bad(want, x.Span)}, nil
	}
	n := s.Node(ir.Builtin, f.Result, x.Span)
	n.Str = x.Name
	for i, a := range x.Args {
		n.Args = append(n.Args, s.expr(a, f.Params[i]).Node)
	}
	if f.Result == ir.Void {
		return infer.Value{Void: true}, s.Node(ir.Eval, ir.Void, x.Span, n)
	}
	v := infer.Value{Node: n}
	if x.Name == "task_current" {
		v.C = ctype.PointerTo(ctype.Named("struct task_struct"))
	}
	return v, nil
}

// functionNames are all that can be called, for hints.
func (c *checker) functionNames() []string {
	names := append([]string{}, specialNames...)
	for name := range printers {
		names = append(names, name)
	}
	for name := range c.script {
		names = append(names, name)
	}
	for name := range c.builtin {
		names = append(names, name)
	}
	for name := range readers {
		names = append(names, name)
	}
	c.prelude("")
	for name := range c.library {
		names = append(names, name)
	}
	return names
}

// specialNames are those that specialForm knows, for hints.
var specialNames = []string{
	"exit", "abort", "error", "assert", "log", "warn", "pp", "pn", "ppfunc", "probefunc",
	"backtrace", "print_backtrace", "print_stack", "print_syms",
	"kernel_string", "kernel_string_n", "kernel_string2", "user_string", "user_string_n", "user_string2", "user_string_n2",
}

type special func(*scope, *syntax.Call, ir.Type) (infer.Value, *ir.Node)

// specialForm is how a function is lowered that is none: what it takes is
// looked at, or it ends something.
func specialForm(name string) special {
	switch name {
	case showForm:
		return (*scope).show
	case showElementForm:
		return (*scope).showElement
	case "exit", "abort":
		return (*scope).exit
	case "error":
		return (*scope).fail
	case "assert":
		return (*scope).assert
	case "log", "warn":
		return (*scope).log
	case "pp", "pn", "ppfunc", "probefunc":
		return (*scope).probeName
	case "backtrace":
		return (*scope).backtrace
	case "print_backtrace", "print_stack", "print_syms":
		return (*scope).printStack
	case "kernel_string", "kernel_string_n", "kernel_string2", "user_string", "user_string_n", "user_string2", "user_string_n2":
		return (*scope).stringAt
	}
	return nil
}

// takes checks how many arguments a special form has.
func (s *scope) takes(x *syntax.Call, least, most int) bool {
	if len(x.Args) >= least && len(x.Args) <= most {
		return true
	}
	s.Errorf(x.Span, "", "%s takes %s, and %d are here", x.Name, diag.Count(least, "argument"), len(x.Args))
	return false
}

// exit lowers exit(), and abort(), which ends the handler too.
func (s *scope) exit(x *syntax.Call, _ ir.Type) (infer.Value, *ir.Node) {
	s.takes(x, 0, 0)
	n := s.Node(ir.Exit, ir.Void, x.Span)
	if x.Name == "abort" {
		n = s.Node(ir.Block, ir.Void, x.Span, n, s.Node(ir.Next, ir.Void, x.Span))
	}
	return infer.Value{}, n
}

func (s *scope) fail(x *syntax.Call, _ ir.Type) (infer.Value, *ir.Node) {
	if !s.takes(x, 1, 1) {
		return infer.Value{}, s.Node(ir.Block, ir.Void, x.Span)
	}
	return infer.Value{}, s.failWith(s.expr(x.Args[0], ir.String).Node, x.Span)
}

// failWith is error(message).
func (s *scope) failWith(message *ir.Node, at diag.Span) *ir.Node {
	n := s.Node(ir.Fail, ir.Void, at, message)
	n.Int = s.site(ir.Site{Parts: []ir.Part{plain('s')}, Slots: []ir.Slot{{Type: ir.String, Size: 8}}}, at)
	return n
}

func (s *scope) assert(x *syntax.Call, _ ir.Type) (infer.Value, *ir.Node) {
	if !s.takes(x, 1, 2) {
		return infer.Value{}, s.Node(ir.Block, ir.Void, x.Span)
	}
	cond := s.expr(x.Args[0], ir.Long).Node
	message := s.Text("Assertion failed", x.Span) // as SystemTap's tapset/logging.stp
	if len(x.Args) == 2 {
		message = s.expr(x.Args[1], ir.String).Node
	}
	cond = s.Fold(s.Node(ir.Not, ir.Long, x.Span, cond))
	return infer.Value{}, s.Node(ir.If, ir.Void, x.Span, cond, s.failWith(message, x.Span))
}

// log lowers log() and warn(): a line of output, or of standard error.
func (s *scope) log(x *syntax.Call, _ ir.Type) (infer.Value, *ir.Node) {
	if !s.takes(x, 1, 1) {
		return infer.Value{}, s.Node(ir.Block, ir.Void, x.Span)
	}
	o := &output{s: s}
	warns := x.Name == "warn"
	if warns {
		o.text("WARNING: ") // staprun says so
	}
	if !o.special(x.Args[0], plain('s')) {
		o.put(plain('s'), s.expr(x.Args[0], ir.String).Node, nil)
	}
	o.text("\n")
	n := s.Node(ir.Print, ir.Void, x.Span, o.args...)
	n.Int = s.site(ir.Site{Parts: o.parts, Slots: o.slots, Stderr: warns}, x.Span)
	return infer.Value{}, n
}

// probeName lowers what tells which probe it is: pp() and pn(), and the
// function's name in them, of which tracepoints have none.
func (s *scope) probeName(x *syntax.Call, want ir.Type) (infer.Value, *ir.Node) {
	s.takes(x, 0, 0)
	if s.Handler == nil {
		s.Errorf(x.Span, "pass it to the function", "%s() stands in a function, and is about a probe", x.Name)
		return infer.Value{Node: s.Bad(want, x.Span)}, nil
	}
	switch x.Name {
	case "pp":
		return infer.Value{Node: s.Text(s.Handler.Probe.Point, x.Span)}, nil
	case "pn":
		return infer.Value{Node: s.Text(s.Handler.Name, x.Span)}, nil
	}
	return infer.Value{Node: s.Text("", x.Span)}, nil
}

// backtrace lowers backtrace(): the number of a kernel stack, which print_stack
// prints. In SystemTap it is a string of addresses, that scripts use as a key
// and give to print_stack; a number does these just so.
func (s *scope) backtrace(x *syntax.Call, _ ir.Type) (infer.Value, *ir.Node) {
	s.takes(x, 0, 0)
	n := s.Node(ir.Builtin, ir.Long, x.Span)
	n.Str = "stackid"
	return infer.Value{Node: n}, nil
}

// printStack lowers print_backtrace() and print_stack(stack).
func (s *scope) printStack(x *syntax.Call, want ir.Type) (infer.Value, *ir.Node) {
	n := s.Num(-1, x.Span)
	if x.Name == "print_backtrace" {
		s.takes(x, 0, 0)
		v, _ := s.backtrace(&syntax.Call{Span: x.Span, Name: x.Name}, want)
		n = v.Node
	} else if s.takes(x, 1, 1) {
		n = s.expr(x.Args[0], ir.Long).Node
	}
	o := &output{s: s}
	o.put(plain('s'), n, &ir.Render{Stack: true})
	print := s.Node(ir.Print, ir.Void, x.Span, o.args...)
	print.Int = s.site(ir.Site{Parts: o.parts, Slots: o.slots}, x.Span)
	return infer.Value{}, print
}
