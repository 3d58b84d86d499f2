package check

import (
	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// aggregate lowers what stands for an aggregate: a global or an element.
func (s *scope) aggregate(x syntax.Expr) (*ir.Node, *infer.Variable) {
	at := x.Place()
	var v *infer.Variable
	var n *ir.Node
	switch x := x.(type) {
	case *syntax.Name:
		v = s.Lookup(x.Text)
		if v.Global == nil {
			s.Errorf(at, `declare it with "global `+v.Name+`"`, "%s is not a global: aggregates are", v.Name)
			return nil, nil
		}
		if !s.LearnShape(v, infer.Scalar, at) {
			return nil, nil
		}
		n = s.Get(v, at)
	case *syntax.Index:
		if v = s.arrayOf(x.X); v == nil || v.Global == nil {
			s.Errorf(at, "", "this is no aggregate")
			return nil, nil
		}
		if n = s.element(v, x).Node; n.Op != ir.Elem {
			return nil, nil
		}
	default:
		s.Errorf(at, "", "an aggregate is a global or an element of an array")
		return nil, nil
	}
	if !s.Learn(v, ir.Stats, at) {
		return nil, nil
	}
	n.Type = ir.Stats
	return n, v
}

// accumulate lowers "x <<< n".
func (s *scope) accumulate(x *syntax.Assign) *ir.Node {
	n, _ := s.aggregate(x.X)
	y := s.expr(x.Y, ir.Long)
	if n == nil {
		return nil
	}
	return s.Node(ir.StatAdd, ir.Void, x.Span, n, y.Node)
}

// stat lowers @count(x) and its like.
func (s *scope) stat(x *syntax.Builtin, want ir.Type) infer.Value {
	bad := infer.Value{Node: s.Bad(want, x.Span)}
	args := x.Args
	if len(args) == 2 && x.Name == "variance" {
		// By how many bits SystemTap scales what it computes, so as to lose less
		// precision. Here it is 128 bits, and none is lost.
		if shift := s.expr(args[1], ir.Long).Node; shift.Op != ir.Const || shift.Int < 0 || shift.Int > maxShift {
			s.Errorf(args[1].Place(), "leave it away: the variance is computed in 128 bits", "the bit shift of @variance is a constant from 0 to %d", maxShift)
			return bad
		}
		args = args[:1]
	}
	if len(args) != 1 {
		s.Errorf(x.Span, "as in @"+x.Name+"(x)", "@%s takes an aggregate", x.Name)
		return bad
	}
	n, v := s.aggregate(args[0])
	if n == nil {
		return bad
	}
	v.Ask(x.Name)
	out := s.Node(ir.Stat, ir.Long, x.Span, n)
	out.Str = x.Name
	return infer.Value{Node: out}
}

// maxShift is the largest bit shift of @variance (man stap, STATISTICS).
const maxShift = 62

// maxAggregate bounds an aggregate: a value of a per-CPU map has at most 32 KiB
// (PCPU_MIN_UNIT_SIZE, include/linux/percpu.h).
const maxAggregate = 32 << 10

// histogram lowers a print of @hist_log(x) or @hist_linear(x, start, stop,
// width); nil after an error.
func (s *scope) histogram(x *syntax.Builtin) *ir.Node {
	if len(x.Args) == 0 {
		s.Errorf(x.Span, "as in print(@"+x.Name+"(x))", "@%s takes an aggregate", x.Name)
		return nil
	}
	n, v := s.aggregate(x.Args[0])
	if n == nil {
		return nil
	}
	site := ir.Site{Hist: "log"}
	switch {
	case x.Name == "hist_linear":
		site.Hist = "linear"
		if !s.askLinear(v, x) {
			return nil
		}
	case len(x.Args) > 1:
		s.Errorf(x.Span, "", "@hist_log takes nothing but the aggregate")
		return nil
	default:
		v.Ask("hist_log")
	}
	if size := v.Stats.Layout().Size; size > maxAggregate {
		s.Errorf(x.Span, "take a larger width", "the histograms of %s take %d bytes: a value has at most %d", v.Name, size, maxAggregate)
		return nil
	}
	out := s.Node(ir.Histogram, ir.Void, x.Span, n)
	out.Int = s.site(site, x.Span)
	return out
}

// askLinear notes the buckets of a linear histogram: one set of them for each
// global.
func (s *scope) askLinear(v *infer.Variable, x *syntax.Builtin) bool {
	if len(x.Args) != 4 {
		s.Errorf(x.Span, "as in @hist_linear(x, 0, 100, 10)", "@hist_linear takes an aggregate, start, stop and width")
		return false
	}
	var numbers [3]int64
	for i, a := range x.Args[1:] {
		n := s.expr(a, ir.Long).Node
		if n.Op != ir.Const {
			s.Errorf(a.Place(), "", "the buckets are constant numbers")
			return false
		}
		numbers[i] = n.Int
	}
	start, stop, width := numbers[0], numbers[1], numbers[2]
	if width <= 0 || stop <= start || uint64(stop)-uint64(start) > 1<<62 {
		s.Errorf(x.Span, "", "the stop is above the start, and the width above 0")
		return false
	}
	if (stop-start)/width > maxAggregate/8 {
		s.Errorf(x.Span, "take a larger width", "%d buckets: an aggregate has at most %d", (stop-start)/width, maxAggregate/8)
		return false
	}
	a := &v.Stats
	if a.Linear && (a.Start != start || a.Stop != stop || a.Width != width) {
		line, _ := s.Lines.Place(v.Linear.Start)
		s.Errorf(x.Span, "", "%s has other buckets in line %d: from %d to %d by %d", v.Name, line, a.Start, a.Stop, a.Width)
		return false
	}
	a.Linear, a.Start, a.Stop, a.Width = true, start, stop, width
	if v.Linear == (diag.Span{}) {
		v.Linear = s.Span(x.Span)
	}
	return true
}
