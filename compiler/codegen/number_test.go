package codegen

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/cilium/ebpf"
	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// one is a program with one handler and some globals of type long.
func one(globals int, body *ir.Node, locals ...ir.Local) *ir.Program {
	p := &ir.Program{DataSize: ir.ControlSize + 8*globals}
	for i := range globals {
		p.Globals = append(p.Globals, ir.Global{Name: string(rune('a' + i)), Type: ir.Long, Size: 8, Offset: ir.ControlSize + 8*i})
	}
	p.Probes = []ir.Probe{{Kind: ir.RawTracepoint, Event: "sched_switch", Program: "t", Line: 1, Column: 1, Body: body, Locals: locals}}
	return p
}

// run runs the program once with those arguments and returns the data map.
func run(t testing.TB, c *ebpf.Collection, args ...int64) []byte {
	t.Helper()
	ctx := make([]uint64, 12)
	for i, a := range args {
		ctx[i] = uint64(a)
	}
	if _, err := c.Programs["t"].Run(&ebpf.RunOptions{Context: ctx}); err != nil {
		t.Fatal(err)
	}
	var data []byte
	if err := c.Maps[ir.DataMap].Lookup(uint32(0), &data); err != nil {
		t.Fatal(err)
	}
	return data
}

func word(data []byte, at int) int64 { return int64(binary.LittleEndian.Uint64(data[at:])) }

func arg(n int64) *ir.Node {
	return &ir.Node{Op: ir.Arg, Type: ir.Long, Int: 8 * n, Mem: &ir.Mem{Size: 8, Signed: true}}
}

// reckon is what an expression over the arguments gives; fails for a division
// by zero.
func reckon(n *ir.Node, args []int64) (v int64, fails bool) {
	var xs []int64
	truth := func(b bool) (int64, bool) {
		if b {
			return 1, false
		}
		return 0, false
	}
	switch n.Op {
	case ir.Const:
		return n.Int, false
	case ir.Arg:
		return args[n.Int/8], false
	case ir.AndAnd, ir.OrOr, ir.Choose:
		c, fails := reckon(n.Args[0], args)
		if fails {
			return 0, true
		}
		if n.Op == ir.Choose {
			if c != 0 {
				return reckon(n.Args[1], args)
			}
			return reckon(n.Args[2], args)
		}
		if (c != 0) == (n.Op == ir.OrOr) {
			return truth(c != 0)
		}
		c, fails = reckon(n.Args[1], args)
		if fails {
			return 0, true
		}
		return truth(c != 0)
	}
	for _, a := range n.Args {
		x, fails := reckon(a, args)
		if fails {
			return 0, true
		}
		xs = append(xs, x)
	}
	switch n.Op {
	case ir.Neg:
		return -xs[0], false
	case ir.Com:
		return ^xs[0], false
	case ir.Not:
		return truth(xs[0] == 0)
	case ir.Add:
		return xs[0] + xs[1], false
	case ir.Sub:
		return xs[0] - xs[1], false
	case ir.Mul:
		return xs[0] * xs[1], false
	case ir.Div:
		if xs[1] == 0 {
			return 0, true
		}
		return xs[0] / xs[1], false
	case ir.Mod:
		if xs[1] == 0 {
			return 0, true
		}
		return xs[0] % xs[1], false
	case ir.And:
		return xs[0] & xs[1], false
	case ir.Or:
		return xs[0] | xs[1], false
	case ir.Xor:
		return xs[0] ^ xs[1], false
	case ir.Shl:
		return xs[0] << (xs[1] & 63), false
	case ir.Shr:
		return xs[0] >> (xs[1] & 63), false
	case ir.Eq:
		return truth(xs[0] == xs[1])
	case ir.Ne:
		return truth(xs[0] != xs[1])
	case ir.Lt:
		return truth(xs[0] < xs[1])
	case ir.Le:
		return truth(xs[0] <= xs[1])
	case ir.Gt:
		return truth(xs[0] > xs[1])
	case ir.Ge:
		return truth(xs[0] >= xs[1])
	}
	panic(n.Op)
}

var interesting = rapid.OneOf(
	rapid.SampledFrom([]int64{0, 1, -1, 2, 7, -7, 10, 63, 64, 1 << 31, 1<<31 - 1, -1 << 31, 1 << 32, 1 << 40, math.MaxInt64, math.MinInt64}),
	rapid.Int64(), rapid.Int64Range(-20, 20),
)

func expression(depth int) *rapid.Generator[*ir.Node] {
	return rapid.Custom(func(t *rapid.T) *ir.Node {
		if depth == 0 || rapid.IntRange(0, 5).Draw(t, "leaf") == 0 {
			if rapid.Bool().Draw(t, "arg") {
				return arg(int64(rapid.IntRange(0, 3).Draw(t, "which")))
			}
			return number(interesting.Draw(t, "n"))
		}
		sub := func() *ir.Node { return expression(depth-1).Draw(t, "sub") }
		op := rapid.SampledFrom([]ir.Op{
			ir.Neg, ir.Com, ir.Not, ir.Add, ir.Sub, ir.Mul, ir.Div, ir.Mod, ir.And, ir.Or, ir.Xor, ir.Shl, ir.Shr,
			ir.Eq, ir.Ne, ir.Lt, ir.Le, ir.Gt, ir.Ge, ir.AndAnd, ir.OrOr, ir.Choose,
		}).Draw(t, "op")
		switch op {
		case ir.Neg, ir.Com, ir.Not:
			return long(op, sub())
		case ir.Choose:
			return long(op, sub(), sub(), sub())
		}
		return long(op, sub(), sub())
	})
}

// Arithmetic is that of C on 64-bit signed numbers; what the kernel runs and
// what Go reckons are the same.
func TestArithmetic(t *testing.T) {
	tier.Need(t, tier.Machine)
	unlock(t)
	rapid.Check(t, func(rt *rapid.T) {
		x := expression(6).Draw(rt, "x")
		args := rapid.SliceOfN(interesting, 4, 4).Draw(rt, "args")
		caught := &ir.Node{Op: ir.Try, Int: -1, Args: []*ir.Node{block(eval(set(global(0), x))), block(eval(set(global(1), number(1))))}}
		o := generate(t, one(2, block(caught)))
		c, err := ebpf.NewCollection(collection(o))
		if err != nil {
			rt.Fatalf("%+v", err)
		}
		defer c.Close()
		data := run(t, c, args...)
		want, fails := reckon(x, args)
		if fails {
			if word(data, ir.ControlSize+8) != 1 {
				rt.Fatalf("no error where something is divided by 0")
			}
			return
		}
		if got := word(data, ir.ControlSize); got != want || word(data, ir.ControlSize+8) != 0 {
			rt.Fatalf("%d, want %d; caught: %d", got, want, word(data, ir.ControlSize+8))
		}
	})
}
