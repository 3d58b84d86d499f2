package eval

import (
	"cmp"
	"errors"
	"regexp"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// long evaluates an expression that must be a number.
func (f *frame) long(n *ir.Node) (int64, error) {
	v, err := f.eval(n)
	if err == nil && v.Type != ir.Long {
		err = damaged(n)
	}
	return v.Int, err
}

// str evaluates an expression that must be a string.
func (f *frame) str(n *ir.Node) (string, error) {
	v, err := f.eval(n)
	if err == nil && v.Type != ir.String {
		err = damaged(n)
	}
	return v.Str, err
}

func (f *frame) truth(n *ir.Node) (bool, error) {
	v, err := f.long(n)
	return v != 0, err
}

func boolean(b bool) Value {
	if b {
		return Long(1)
	}
	return Long(0)
}

func (f *frame) eval(n *ir.Node) (Value, error) {
	if n == nil {
		return Value{}, damaged(n)
	}
	switch n.Op {
	case ir.Const:
		return Long(n.Int), nil
	case ir.Text:
		return Text(f.fit(n.Str, n.Size)), nil
	case ir.GetLoc, ir.GetGlo, ir.Elem:
		p, err := f.place(n)
		if err != nil {
			return Value{}, err
		}
		return f.load(p)
	case ir.Neg, ir.Com, ir.Not:
		return f.unary(n)
	case ir.Add, ir.Sub, ir.Mul, ir.Div, ir.Mod, ir.And, ir.Or, ir.Xor, ir.Shl, ir.Shr:
		a, err := f.long(arg(n, 0))
		if err != nil {
			return Value{}, err
		}
		b, err := f.long(arg(n, 1))
		if err != nil {
			return Value{}, err
		}
		result, err := arithmetic(n, n.Op, a, b)
		return Long(result), err
	case ir.Eq, ir.Ne, ir.Lt, ir.Le, ir.Gt, ir.Ge:
		return f.compare(n)
	case ir.Concat:
		a, err := f.str(arg(n, 0))
		if err != nil {
			return Value{}, err
		}
		b, err := f.str(arg(n, 1))
		return Text(f.fit(a+b, n.Size)), err
	case ir.AndAnd, ir.OrOr:
		a, err := f.truth(arg(n, 0))
		if err != nil || a == (n.Op == ir.OrOr) {
			return boolean(a), err
		}
		b, err := f.truth(arg(n, 1))
		return boolean(b), err
	case ir.Choose:
		yes, err := f.truth(arg(n, 0))
		if err != nil {
			return Value{}, err
		}
		if yes {
			return f.eval(arg(n, 1))
		}
		return f.eval(arg(n, 2))
	case ir.In:
		return f.in(n)
	case ir.Match:
		return f.match(n)
	case ir.Set:
		p, err := f.place(arg(n, 0))
		if err != nil {
			return Value{}, err
		}
		v, err := f.eval(arg(n, 1))
		if err != nil {
			return Value{}, err
		}
		return f.assign(p, v)
	case ir.Update:
		return f.update(n)
	case ir.Stat:
		return f.stat(n)
	case ir.Call:
		return f.call(n)
	case ir.Builtin:
		return f.builtin(n)
	case ir.Sprint:
		site, values, err := f.values(n)
		if err != nil {
			return Value{}, err
		}
		text, err := f.host.Printer.Format(nil, site, values)
		return Text(f.fit(string(text), n.Size)), err
	default:
		return Value{}, damaged(n)
	}
}

func (f *frame) unary(n *ir.Node) (Value, error) {
	v, err := f.long(arg(n, 0))
	switch n.Op {
	case ir.Neg:
		return Long(-v), err
	case ir.Com:
		return Long(^v), err
	default:
		return boolean(v == 0), err
	}
}

// arithmetic is package ir's, with its error.
func arithmetic(n *ir.Node, op ir.Op, a, b int64) (int64, error) {
	v, ok := ir.Arithmetic(op, a, b)
	switch {
	case ok:
		return v, nil
	case op == ir.Div || op == ir.Mod:
		return 0, fail(n, "division by 0")
	}
	return 0, damaged(n)
}

func (f *frame) compare(n *ir.Node) (Value, error) {
	a, err := f.eval(arg(n, 0))
	if err != nil {
		return Value{}, err
	}
	b, err := f.eval(arg(n, 1))
	if err != nil {
		return Value{}, err
	}
	if a.Type != b.Type {
		return Value{}, damaged(n)
	}
	order := strings.Compare(a.Str, b.Str)
	if a.Type == ir.Long {
		order = cmp.Compare(a.Int, b.Int)
	}
	holds, ok := ir.Compared(n.Op, order)
	if !ok {
		return Value{}, damaged(n)
	}
	return Long(holds), nil
}

func (f *frame) in(n *ir.Node) (Value, error) {
	g, err := f.array(n, n.Int)
	if err != nil {
		return Value{}, err
	}
	keys, err := f.keys(n, g)
	if err != nil {
		return Value{}, err
	}
	if g.Type == ir.Stats {
		s, err := f.store.Stat(int(n.Int), keys)
		return boolean(s != nil), stored(n, err)
	}
	_, found, err := f.store.Get(int(n.Int), keys)
	return boolean(found), stored(n, err)
}

func (f *frame) array(n *ir.Node, index int64) (*ir.Global, error) {
	if index < 0 || index >= int64(len(f.program.Globals)) || !f.program.Globals[index].Array() {
		return nil, damaged(n)
	}
	return &f.program.Globals[index], nil
}

// match looks for a pattern anywhere in a string. Go's own syntax takes what
// POSIX extended has; "." stands for a newline too, and ^ and $ for the ends of
// the string alone.
func (f *frame) match(n *ir.Node) (Value, error) {
	s, err := f.str(arg(n, 0))
	if err != nil {
		return Value{}, err
	}
	pattern := f.patterns[n.Str]
	if pattern == nil {
		if pattern, err = regexp.Compile("(?s)" + n.Str); err != nil {
			return Value{}, fail(n, "regular expression %q: %v", n.Str, err)
		}
		f.patterns[n.Str] = pattern
	}
	return boolean(pattern.MatchString(s)), nil
}

func (f *frame) stat(n *ir.Node) (Value, error) {
	s, _, err := f.aggregate(n, arg(n, 0), n.Str == "count" || n.Str == "sum")
	if err != nil {
		return Value{}, err
	}
	v, known := s.Statistic(n.Str)
	if !known {
		return Value{}, damaged(n)
	}
	return Long(v), nil
}

func (f *frame) call(n *ir.Node) (Value, error) {
	if n.Int < 0 || n.Int >= int64(len(f.program.Funcs)) {
		return Value{}, damaged(n)
	}
	fn := &f.program.Funcs[n.Int]
	if len(n.Args) != fn.Params || fn.Params > len(fn.Locals) {
		return Value{}, damaged(n)
	}
	if err := f.step(); err != nil {
		return Value{}, err
	}
	if f.depth >= maxDepth {
		return Value{}, fail(n, "MAXNESTING exceeded")
	}
	callee := f.frame(fn.Locals)
	callee.result.Type = fn.Result
	for i, arg := range n.Args {
		v, err := f.eval(arg)
		if err != nil {
			return Value{}, err
		}
		if v.Type != fn.Locals[i].Type {
			return Value{}, damaged(n)
		}
		callee.locals[i] = f.fitted(v, fn.Locals[i].Size)
	}
	f.depth++
	defer func() { f.depth-- }()
	if fn.Body == nil {
		return Value{}, damaged(n)
	}
	if _, err := callee.exec(fn.Body); err != nil {
		// What is none of the script, as the language's own functions are, has no
		// place: it is the call's.
		if failed := (*RuntimeError)(nil); errors.As(err, &failed) && failed.Line == 0 {
			failed.Line, failed.Column = n.Line, n.Column
		}
		return Value{}, err
	}
	if callee.result.Type != fn.Result {
		return Value{}, damaged(n)
	}
	return f.fitted(callee.result, fn.Size), nil
}

// values finds the site that n names and evaluates what it prints.
func (f *frame) values(n *ir.Node) (*ir.Site, []Value, error) {
	site, err := f.site(n)
	if err != nil {
		return nil, nil, err
	}
	if len(n.Args) != len(site.Slots) {
		return nil, nil, damaged(n)
	}
	values := make([]Value, len(n.Args))
	for i, arg := range n.Args {
		if values[i], err = f.eval(arg); err != nil {
			return nil, nil, err
		}
		if values[i].Type != site.Slots[i].Type {
			return nil, nil, damaged(n)
		}
	}
	return site, values, nil
}

func (f *frame) site(n *ir.Node) (*ir.Site, error) {
	if n.Int < 0 || n.Int >= int64(len(f.program.Sites)) {
		return nil, damaged(n)
	}
	return &f.program.Sites[n.Int], nil
}
