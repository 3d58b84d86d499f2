package eval

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

func TestArithmeticIsThatOfInt64(t *testing.T) {
	want := map[ir.Op]func(a, b int64) int64{
		ir.Add: func(a, b int64) int64 { return a + b },
		ir.Sub: func(a, b int64) int64 { return a - b },
		ir.Mul: func(a, b int64) int64 { return a * b },
		ir.Div: func(a, b int64) int64 { return a / b },
		ir.Mod: func(a, b int64) int64 { return a % b },
		ir.And: func(a, b int64) int64 { return a & b },
		ir.Or:  func(a, b int64) int64 { return a | b },
		ir.Xor: func(a, b int64) int64 { return a ^ b },
		ir.Shl: func(a, b int64) int64 { return a << (b & 63) },
		ir.Shr: func(a, b int64) int64 { return a >> (b & 63) },
	}
	number := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-9, 70), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, -1}))
	rapid.Check(t, func(r *rapid.T) {
		a, b := number.Draw(r, "a"), number.Draw(r, "b")
		for o, f := range want {
			if b == 0 && (o == ir.Div || o == ir.Mod) {
				continue
			}
			for _, n := range []*ir.Node{
				op(o, ir.Long, lit(a), lit(b)),
				update(o, &ir.Node{Op: ir.GetLoc, Type: ir.Long}, lit(b), false),
				update(o, global(0, ir.Long), lit(b), false),
			} {
				got, err := evaluate(a, n)
				if err != nil || got.Int != f(a, b) {
					r.Fatalf("%d %s %d (%s) is %d, %v; want %d", a, o, b, n.Op, got.Int, err, f(a, b))
				}
			}
		}
	})
}

// evaluate evaluates n where local 0 and global 0 are a.
func evaluate(a int64, n *ir.Node) (Value, error) {
	p := &ir.Program{StringSize: 128, Globals: []ir.Global{{Name: "g", Type: ir.Long, Size: 8, Init: lit(a)}}}
	f := (&task{Machine: New(p, NewMemory(p), Host{}), ctx: nil}).frame([]ir.Local{{Type: ir.Long}})
	f.locals[0] = Long(a)
	return f.eval(n)
}

func TestArithmeticByHand(t *testing.T) {
	for _, c := range []struct {
		op         ir.Op
		a, b, want int64
	}{
		{ir.Div, -7, 2, -3},
		{ir.Mod, -7, 2, -1},
		{ir.Mod, 7, -2, 1},
		{ir.Div, math.MinInt64, -1, math.MinInt64},
		{ir.Mod, math.MinInt64, -1, 0},
		{ir.Shr, -8, 1, -4},
		{ir.Shl, 1, 64, 1},
		{ir.Shl, 1, -1, math.MinInt64},
		{ir.Mul, math.MaxInt64, 2, -2},
	} {
		if got, err := evaluate(0, op(c.op, ir.Long, lit(c.a), lit(c.b))); err != nil || got.Int != c.want {
			t.Errorf("%d %s %d is %d, %v; want %d", c.a, c.op, c.b, got.Int, err, c.want)
		}
	}
	for o, want := range map[ir.Op]int64{ir.Neg: -5, ir.Com: ^5, ir.Not: 0} {
		if got, err := evaluate(0, op(o, ir.Long, lit(5))); err != nil || got.Int != want {
			t.Errorf("%s 5 is %d, %v; want %d", o, got.Int, err, want)
		}
	}
}

func TestIncrements(t *testing.T) {
	s := newScript(ir.Global{Name: "g", Type: ir.Long, Size: 8, Init: lit(5)}, array("a", ir.Long, 4, ir.Long))
	x := s.local("x", ir.Long)
	for i, at := range []*ir.Node{global(0, ir.Long), elem(1, ir.Long, lit(3)), x} {
		start := []int64{5, 0, 0}[i]
		s.prints(t, fmt.Sprintln(start, start+2, start+2, start+1),
			s.print(
				update(ir.Add, at, lit(1), true),
				update(ir.Add, at, lit(1), false),
				update(ir.Sub, at, lit(1), true),
				at,
			))
	}
}

func TestDivisionByZero(t *testing.T) {
	s := newScript(ir.Global{Name: "g", Type: ir.Long, Size: 8, Init: lit(5)})
	for _, n := range []*ir.Node{
		op(ir.Div, ir.Long, lit(1), lit(0)),
		op(ir.Mod, ir.Long, lit(1), lit(0)),
		update(ir.Div, global(0, ir.Long), lit(0), false),
	} {
		_, err := s.run(t, do(n))
		var failed *RuntimeError
		if !errors.As(err, &failed) || failed.Message != "division by 0" || failed.Line != 7 || failed.Column != 3 {
			t.Errorf("%s: %v", n.Op, err)
		}
	}
	s.prints(t, "5\n", s.print(global(0, ir.Long)))
}

func TestComparisons(t *testing.T) {
	for _, c := range []struct {
		a, b *ir.Node
		want [6]int64 // == != < <= > >=
	}{
		{lit(-1), lit(1), [6]int64{0, 1, 1, 1, 0, 0}},
		{lit(4), lit(4), [6]int64{1, 0, 0, 1, 0, 1}},
		{lit(math.MaxInt64), lit(math.MinInt64), [6]int64{0, 1, 0, 0, 1, 1}},
		{quoted("abc"), quoted("abd"), [6]int64{0, 1, 1, 1, 0, 0}},
		{quoted("b"), quoted("abd"), [6]int64{0, 1, 0, 0, 1, 1}},
		{quoted("same"), quoted("same"), [6]int64{1, 0, 0, 1, 0, 1}},
		{quoted("\xff"), quoted("a"), [6]int64{0, 1, 0, 0, 1, 1}},
		{quoted(""), quoted("a"), [6]int64{0, 1, 1, 1, 0, 0}},
	} {
		for i, o := range []ir.Op{ir.Eq, ir.Ne, ir.Lt, ir.Le, ir.Gt, ir.Ge} {
			if got, err := evaluate(0, op(o, ir.Long, c.a, c.b)); err != nil || got.Int != c.want[i] {
				t.Errorf("%v %s %v is %d, %v", c.a, o, c.b, got.Int, err)
			}
		}
	}
}
