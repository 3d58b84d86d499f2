package check

import (
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// checkSides refuses what cannot run where a probe runs, in functions that it
// calls too. LANGUAGE's rule is repeated in each message.
func (c *checker) checkSides() {
	r := &sideChecker{c: c, functions: c.builtin, seen: map[sideKey]bool{}}
	for i := range c.prog.Probes {
		p := &c.prog.Probes[i]
		r.kernel, r.point, r.function, r.at = p.Kind.InKernel(), p.Point, -1, c.probes[i].at
		r.check(p.Body)
	}
}

type sideChecker struct {
	c         *checker
	functions map[string]ir.Function
	kernel    bool
	point     string
	at        diag.Span
	function  int64 // that the node stands in, or -1
	seen      map[sideKey]bool
	// library is the function of the prelude that the script calls, and where:
	// what is inside it is told there.
	library   string
	libraryAt diag.Span
}

type sideKey struct {
	function int64
	kernel   bool
}

const (
	kernelRule = "do it in a timer or end probe, which run in user space"
	userRule   = "do it in a kernel.trace probe, and keep what it found in a global"
)

func (r *sideChecker) check(n *ir.Node) {
	if n == nil {
		return
	}
	switch n.Op {
	case ir.Call:
		r.enter(n)
	case ir.ForEach:
		r.user(n, "foreach")
		r.check(n.Each.Limit)
		for _, k := range n.Each.Slice {
			r.check(k)
		}
	case ir.Delete:
		if len(n.Args) == 0 {
			r.user(n, "delete of a whole array")
		}
	case ir.Histogram:
		r.user(n, "print of a histogram")
	case ir.Builtin:
		f := r.functions[n.Str]
		name := n.Str + "()"
		if n.Str == "stackid" {
			name = "a backtrace"
		}
		if f.Sides&ir.InKernel == 0 {
			r.user(n, name)
		}
		if f.Sides&ir.InUser == 0 {
			r.inKernel(n, name)
		}
	case ir.Arg, ir.Load, ir.ReadText, ir.Context, ir.Bytes:
		what := "a read of kernel memory"
		if n.Mem != nil && n.Mem.What != "" {
			what = n.Mem.What + ", a read of memory,"
		}
		r.inKernel(n, what)
	}
	for _, a := range n.Args {
		r.check(a)
	}
}

// enter checks a function that is called: one of the script once for each
// side, one of the prelude for each call.
func (r *sideChecker) enter(call *ir.Node) {
	fn := r.c.called[call.Int]
	outer, library := r.function, r.library
	r.function = call.Int
	if fn.scope.at == nil {
		key := sideKey{call.Int, r.kernel}
		if !r.seen[key] {
			r.seen[key] = true
			r.check(r.c.prog.Funcs[call.Int].Body)
		}
	} else {
		if library == "" {
			r.library, r.libraryAt = fn.decl.Name, r.c.spans[call]
		}
		r.check(r.c.prog.Funcs[call.Int].Body)
	}
	r.function, r.library = outer, library
}

func (r *sideChecker) user(n *ir.Node, what string) {
	if r.kernel {
		r.refuse(n, what, "probe "+r.point+" runs in the kernel", kernelRule)
	}
}

func (r *sideChecker) inKernel(n *ir.Node, what string) {
	if !r.kernel {
		r.refuse(n, what, "probe "+r.point+" runs in user space", userRule)
	}
}

func (r *sideChecker) refuse(n *ir.Node, what, why, rule string) {
	at, ok := r.c.spans[n]
	if !ok {
		at = r.at
	}
	if r.library != "" {
		at, what = r.libraryAt, r.library+"()"
	} else if r.function >= 0 {
		why += " and calls function " + r.c.prog.Funcs[r.function].Name
	}
	r.c.errorf(at, rule, "%s cannot be done here: %s", what, why)
}
