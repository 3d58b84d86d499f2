package check

import (
	"strings"

	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// builtinOf is what lowers a name behind "@"; nil when there is none.
func builtinOf(name string) func(*scope, *syntax.Builtin, ir.Type) infer.Value {
	switch name {
	case "cast":
		return (*scope).cast
	case "defined":
		return (*scope).defined
	case "choose_defined":
		return (*scope).chooseDefined
	case "enum":
		return (*scope).enum
	case "count", "sum", "avg", "min", "max", "variance":
		return (*scope).stat
	case "hist_log", "hist_linear":
		return (*scope).strayHistogram
	}
	return nil
}

// builtinNames are those that builtinOf knows, for hints.
var builtinNames = []string{
	"cast", "defined", "choose_defined", "enum", "count", "sum", "avg", "min", "max", "variance", "hist_log", "hist_linear",
}

func (s *scope) builtin(x *syntax.Builtin, want ir.Type) infer.Value {
	if f := builtinOf(x.Name); f != nil {
		return f(s, x, want)
	}
	hint := ""
	switch x.Name {
	case "const":
		hint = `@enum("NAME") reads constants of enums; those of macros are not in a kernel's type information`
	case "task":
		hint = `write @cast(…, "task_struct")`
	case "var", "perf", "entry", "kderef", "uderef", "kregister", "uregister", "probewrite":
		hint = "it is not part of this language"
	default:
		hint = diag.DidYouMean(x.Name, builtinNames)
	}
	s.Errorf(x.Span, hint, "there is no @%s", x.Name)
	return infer.Value{Node: s.Bad(want, x.Span)}
}

// attempt lowers an expression and says whether that can be, be it that it can
// only be printed; what it leaves behind is taken back.
func (s *scope) attempt(x syntax.Expr) bool {
	c := s.c
	faults, facts, sites := c.Faults, len(c.reads.Facts), len(c.prog.Sites)
	c.Quiet++
	if o := (&output{s: s}); !o.special(x, plain('s')) {
		s.expr(x, infer.Open)
	}
	c.Quiet--
	ok := c.Faults == faults
	c.Faults, c.prog.Sites = faults, c.prog.Sites[:sites]
	if !ok {
		c.reads.Facts = c.reads.Facts[:facts]
	}
	return ok
}

func (s *scope) defined(x *syntax.Builtin, want ir.Type) infer.Value {
	if len(x.Args) != 1 {
		s.Errorf(x.Span, "as in @defined($prev->__state)", "@defined takes one expression")
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	arg := x.Args[0]
	return infer.Value{Node: s.Num(ir.Truth(s.exists(arg)), x.Span)}
}

// exists reports whether what an expression names is there, a whole struct
// too.
func (s *scope) exists(x syntax.Expr) bool {
	// Asked once a pass: what is nested would be asked ever more often.
	if known, asked := s.asked[x]; asked {
		return known
	}
	known := s.isTarget(x) && s.attempt(&syntax.Unary{Span: x.Place(), Op: "&", X: x}) || s.attempt(x)
	s.asked[x] = known
	return known
}

func (s *scope) chooseDefined(x *syntax.Builtin, want ir.Type) infer.Value {
	if len(x.Args) != 2 {
		s.Errorf(x.Span, "as in @choose_defined($prev->__state, $prev->state)", "@choose_defined takes two expressions")
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	return s.expr(s.chosen(x), want)
}

// chosen is what "@choose_defined(a, b)" stands for.
func (s *scope) chosen(x *syntax.Builtin) syntax.Expr {
	if s.exists(x.Args[0]) {
		return x.Args[0]
	}
	return x.Args[1]
}

func (s *scope) enum(x *syntax.Builtin, want ir.Type) infer.Value {
	lit, ok := (*syntax.StringLit)(nil), false
	if len(x.Args) == 1 {
		lit, ok = x.Args[0].(*syntax.StringLit)
	}
	if !ok {
		s.Errorf(x.Span, `as in @enum("PIDTYPE_PID")`, "@enum takes the name of a constant")
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	value, known, err := s.c.meta.Enumerator(s.c.ctx, strings.TrimSpace(lit.Text))
	if err != nil {
		s.c.fail(err)
	}
	if !known {
		s.Errorf(lit.Span, "those of macros are not in a kernel's type information", "no enum of kernel %s has a constant %q", s.Kernel.Identity.Release, lit.Text)
	}
	return infer.Value{Node: s.Num(value, x.Span)}
}

func (s *scope) strayHistogram(x *syntax.Builtin, want ir.Type) infer.Value {
	s.Errorf(x.Span, "as in print(@"+x.Name+"(x))", "a histogram can only be printed, alone")
	return infer.Value{Node: s.Bad(want, x.Span)}
}
