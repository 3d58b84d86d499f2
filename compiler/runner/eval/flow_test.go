package eval

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

func TestLoops(t *testing.T) {
	s := newScript()
	i, sum := s.local("i", ir.Long), s.local("sum", ir.Long)
	s.prints(t, "0 1 3\n",
		// for (i = 0; i < 10; i++) { if (i == 2) continue; if (i == 4) break; sum += i }
		&ir.Node{Op: ir.Loop, Args: []*ir.Node{
			op(ir.Lt, ir.Long, i, lit(10)),
			update(ir.Add, i, lit(1), true),
			block(
				op(ir.If, ir.Void, op(ir.Eq, ir.Long, i, lit(2)), block(op(ir.Continue, ir.Void))),
				op(ir.If, ir.Void, op(ir.Eq, ir.Long, i, lit(4)), op(ir.Break, ir.Void)),
				do(update(ir.Add, sum, i, false)),
			),
		}},
		s.print(op(ir.Sub, ir.Long, sum, lit(4)), op(ir.Eq, ir.Long, i, lit(4)), op(ir.Sub, ir.Long, i, lit(1))),
	)
}

func TestNextEndsTheHandler(t *testing.T) {
	s := newScript()
	// Through a call, and not caught by try.
	s.Funcs = []ir.Func{{Name: "f", Result: ir.Long, Body: block(op(ir.Next, ir.Void))}}
	s.prints(t, "1\n",
		s.print(lit(1)),
		&ir.Node{Op: ir.Try, Int: -1, Args: []*ir.Node{block(do(op(ir.Call, ir.Long))), block(s.print(lit(2)))}},
		s.print(lit(3)),
	)
}

func TestFunction(t *testing.T) {
	s := newScript()
	a := &ir.Node{Op: ir.GetLoc, Type: ir.Long, Int: 0}
	s.Funcs = []ir.Func{{
		Name: "twice", Result: ir.Long, Params: 1, Locals: []ir.Local{{Name: "a", Type: ir.Long}},
		Body: block(
			op(ir.If, ir.Void, op(ir.Gt, ir.Long, a, lit(100)), op(ir.Return, ir.Void, lit(-1))),
			op(ir.Return, ir.Void, op(ir.Add, ir.Long, a, a)),
			op(ir.Return, ir.Void, lit(0)),
		),
	}}
	s.prints(t, "14 -1\n", s.print(op(ir.Call, ir.Long, lit(7)), op(ir.Call, ir.Long, lit(101))))
}

// exit() asks; the handler goes on to its end.
func TestExit(t *testing.T) {
	s := newScript()
	told := 0
	s.host.Exit = func() { told++ }
	got, err := s.run(t, op(ir.Exit, ir.Void), s.print(lit(5)))
	if !errors.Is(err, ErrExit) || got != "5\n" || told != 1 {
		t.Errorf("%q, %v, told %d times", got, err, told)
	}
}

func TestEndlessLoopEndsWithItsContext(t *testing.T) {
	s := newScript()
	s.store = NewMemory(s.Program)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	loop := &ir.Node{Op: ir.Loop, Args: []*ir.Node{nil, nil, block()}}
	err := New(s.Program, s.store, Host{}).Run(ctx, &ir.Probe{Body: loop})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestShortCircuit(t *testing.T) {
	s := newScript()
	bad := op(ir.Div, ir.Long, lit(1), lit(0))
	s.prints(t, "0 1 1 2 1\n", s.print(
		op(ir.AndAnd, ir.Long, lit(0), bad),
		op(ir.OrOr, ir.Long, lit(-3), bad),
		op(ir.AndAnd, ir.Long, lit(2), lit(5)),
		op(ir.Choose, ir.Long, lit(0), bad, lit(2)),
		op(ir.Choose, ir.Long, lit(9), lit(1), bad),
	))
}
