// Package sides holds a program against where its probes run: in the kernel, as
// eBPF, or in user space. Loops over whole arrays, sorting and what makes text
// need user space; the kernel's memory is read in the kernel.
package sides

import (
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Places tell where a program stands in the script.
type Places struct {
	Nodes  map[*ir.Node]diag.Span
	Probes []diag.Span // by probe
	// Prelude tells the functions of the prelude: what is wrong inside one is
	// told where the script calls it.
	Prelude []bool // by function
}

// Check adds to errs what cannot run where a probe runs, in functions that it
// calls too, and what no object can hold for user space; functions are the built-in ones. The rule is repeated in each
// message.
func Check(p *ir.Program, functions map[string]ir.Function, at Places, errs *diag.List) {
	r := &checker{p: p, places: at, errs: errs, functions: functions, seen: map[key]bool{}}
	r.refuseDeep()
	for i := range p.Probes {
		probe := &p.Probes[i]
		r.kernel, r.point, r.function, r.at = probe.Kind.InKernel(), probe.Point, -1, at.Probes[i]
		r.check(probe.Body)
	}
}

type checker struct {
	p         *ir.Program
	places    Places
	errs      *diag.List
	functions map[string]ir.Function
	kernel    bool
	point     string
	at        diag.Span
	function  int64 // that the node stands in, or -1
	seen      map[key]bool
	// library is the function of the prelude that the script calls, and where:
	// what is inside it is told there.
	library   string
	libraryAt diag.Span
}

// key is a function of the script on one side.
type key struct {
	function int64
	kernel   bool
}

const (
	kernelRule = "do it in a timer or end probe, which run in user space"
	userRule   = "do it in a kernel.trace probe, and keep what it found in a global"
)

func (r *checker) check(n *ir.Node) {
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
func (r *checker) enter(call *ir.Node) {
	fn := &r.p.Funcs[call.Int]
	outer, library := r.function, r.library
	r.function = call.Int
	if !r.places.Prelude[call.Int] {
		k := key{call.Int, r.kernel}
		if !r.seen[k] {
			r.seen[k] = true
			r.check(fn.Body)
		}
	} else {
		if library == "" {
			r.library, r.libraryAt = fn.Name, r.places.Nodes[call]
		}
		r.check(fn.Body)
	}
	r.function, r.library = outer, library
}

func (r *checker) user(n *ir.Node, what string) {
	if r.kernel {
		r.refuse(n, what, "probe "+r.point+" runs in the kernel", kernelRule)
	}
}

func (r *checker) inKernel(n *ir.Node, what string) {
	if !r.kernel {
		r.refuse(n, what, "probe "+r.point+" runs in user space", userRule)
	}
}

func (r *checker) refuse(n *ir.Node, what, why, rule string) {
	at, ok := r.places.Nodes[n]
	if !ok {
		at = r.at
	}
	if r.library != "" {
		at, what = r.libraryAt, r.library+"()"
	} else if r.function >= 0 {
		why += " and calls function " + r.p.Funcs[r.function].Name
	}
	r.errs.Add(at, rule, "%s cannot be done here: %s", what, why)
}
