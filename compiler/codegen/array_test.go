package codegen

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"testing"

	"github.com/cilium/ebpf"
	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// withArray is a program whose second global is an array of two keys, a number
// and a text.
func withArray(max int, wraps bool, body ...*ir.Node) *ir.Program {
	p := one(1, block(body...))
	p.Globals = append(p.Globals, ir.Global{
		Name: "table", Type: ir.Long, Size: 8, Keys: []ir.Type{ir.Long, ir.String}, KeySizes: []int{8, 16}, Max: max, Wraps: wraps,
	})
	return p
}

func cell(key *ir.Node, name string) *ir.Node { return elem(1, key, text(name)) }

func key(n int64, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(n)), append([]byte(s), make([]byte, 16-len(s))...)...)
}

func update(how ir.Op, old bool, to, v *ir.Node) *ir.Node {
	n := long(ir.Update, to, v)
	n.How, n.Old = how, old
	return n
}

func TestElements(t *testing.T) {
	for _, c := range []struct {
		name string
		body []*ir.Node
		want int64 // of the first global
		left map[string]int64
	}{
		{"missing is 0", []*ir.Node{eval(set(global(0), long(ir.Add, cell(number(1), "x"), number(7))))}, 7, nil},
		{"set and read", []*ir.Node{eval(set(cell(number(1), "x"), number(5))), eval(set(global(0), cell(number(1), "x")))}, 5, map[string]int64{"x": 5}},
		{"increase twice", []*ir.Node{eval(increase(cell(number(1), "x"), number(2))), eval(increase(cell(number(1), "x"), number(3)))}, 0, map[string]int64{"x": 5}},
		{"the new value", []*ir.Node{eval(set(cell(number(1), "x"), number(4))), eval(set(global(0), update(ir.Add, false, cell(number(1), "x"), number(3))))}, 7, map[string]int64{"x": 7}},
		{"the old value", []*ir.Node{eval(set(cell(number(1), "x"), number(4))), eval(set(global(0), update(ir.Sub, true, cell(number(1), "x"), number(3))))}, 4, map[string]int64{"x": 1}},
		{"the old value of a new one", []*ir.Node{eval(set(global(0), update(ir.Add, true, cell(number(1), "x"), number(3))))}, 0, map[string]int64{"x": 3}},
		{"the new value of a new one", []*ir.Node{eval(set(global(0), update(ir.Sub, false, cell(number(1), "x"), number(3))))}, -3, map[string]int64{"x": -3}},
		{"multiply", []*ir.Node{eval(set(cell(number(1), "x"), number(-4))), eval(set(global(0), update(ir.Mul, false, cell(number(1), "x"), number(3))))}, -12, map[string]int64{"x": -12}},
		{"divide", []*ir.Node{eval(set(cell(number(1), "x"), number(-7))), eval(set(global(0), update(ir.Div, false, cell(number(1), "x"), number(2))))}, -3, map[string]int64{"x": -3}},
		{"or", []*ir.Node{eval(set(cell(number(1), "x"), number(4))), eval(set(global(0), update(ir.Or, true, cell(number(1), "x"), number(3))))}, 4, map[string]int64{"x": 7}},
		{"delete", []*ir.Node{eval(set(cell(number(1), "x"), number(4))), eval(set(cell(number(1), "y"), number(5))), {Op: ir.Delete, Args: []*ir.Node{cell(number(1), "x")}}}, 0, map[string]int64{"y": 5}},
		{"in", []*ir.Node{
			eval(set(cell(number(1), "x"), number(0))),
			eval(set(global(0), long(ir.Add, long(ir.Mul, number(10), &ir.Node{Op: ir.In, Type: ir.Long, Int: 1, Args: []*ir.Node{number(1), text("x")}}), &ir.Node{Op: ir.In, Type: ir.Long, Int: 1, Args: []*ir.Node{number(1), text("y")}}))),
		}, 10, map[string]int64{"x": 0}},
		{"a text that is cut", []*ir.Node{eval(set(cell(number(1), "abcdefghijklmnopqrst"), number(4)))}, 0, map[string]int64{"abcdefghijklmno": 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			coll := load(t, generate(t, withArray(10, false, c.body...)))
			if got := word(run(t, coll), ir.ControlSize); got != c.want {
				t.Errorf("the number is %d, want %d", got, c.want)
			}
			left := 0
			var k []byte
			var v int64
			for entries := coll.Maps["table"].Iterate(); entries.Next(&k, &v); left++ {
			}
			if left != len(c.left) {
				t.Errorf("%d elements are left, want %d", left, len(c.left))
			}
			for name, want := range c.left {
				if err := coll.Maps["table"].Lookup(key(1, name), &v); err != nil || v != want {
					t.Errorf("element %s: %d, %v; want %d", name, v, err, want)
				}
			}
		})
	}
}

// A full array ends the script, or is caught; one that wraps takes what comes.
func TestFullArray(t *testing.T) {
	for _, wraps := range []bool{false, true} {
		p := withArray(8, wraps, eval(increase(cell(arg(0), "x"), number(1))))
		coll := load(t, generate(t, p))
		for i := range int64(20) {
			data := run(t, coll, i)
			state, want := word(data, ir.ControlState), int64(ir.Running)
			if i >= 8 && !wraps {
				want = ir.Failed
			}
			if state != want {
				t.Fatalf("wraps %v: after %d elements the state is %d, want %d; skipped %d", wraps, i+1, state, want, word(data, ir.ControlSkipped))
			}
		}
		var k []byte
		var v, n int64
		for entries := coll.Maps["table"].Iterate(); entries.Next(&k, &v); n++ {
		}
		if n > 8 || n == 0 || !wraps && n != 8 {
			t.Errorf("wraps %v: %d elements", wraps, n)
		}
	}
	p := withArray(1, false,
		eval(set(cell(number(1), "x"), number(1))),
		&ir.Node{Op: ir.Try, Int: -1, Args: []*ir.Node{block(eval(set(cell(number(2), "x"), number(1)))), block(eval(set(global(0), number(9))))}},
	)
	if data := run(t, load(t, generate(t, p))); word(data, ir.ControlSize) != 9 || word(data, ir.ControlState) != ir.Running {
		t.Errorf("a full array is not caught: %d, state %d", word(data, ir.ControlSize), word(data, ir.ControlState))
	}
}

// Every part of an aggregate is what Go makes of the same values.
func TestAggregate(t *testing.T) {
	tier.Need(t, tier.Machine)
	unlock(t)
	agg := &ir.Aggregate{Sum: true, Min: true, Max: true, Variance: true, Log: true, Linear: true, Start: -10, Stop: 100, Width: 7}
	l := agg.Layout()
	for _, array := range []bool{false, true} {
		for _, release := range []string{"", "5.10.0"} { // with plain instructions, and with atomic ones
			p := one(1, nil)
			p.Kernel.Release = release
			p.Kernel.ByteOrder = "little"
			to := &ir.Node{Op: ir.GetGlo, Type: ir.Stats, Int: 1}
			g := ir.Global{Name: "stat", Type: ir.Stats, Size: l.Size, Stats: agg}
			if array {
				g.Keys, g.KeySizes, g.Max = []ir.Type{ir.Long}, []int{8}, 4
				to = &ir.Node{Op: ir.Elem, Type: ir.Stats, Int: 1, Args: []*ir.Node{number(3)}}
			}
			p.Globals = append(p.Globals, g)
			p.Probes[0].Body = block(&ir.Node{Op: ir.StatAdd, Args: []*ir.Node{to, arg(0)}})
			o := generate(t, p)
			rapid.Check(t, func(rt *rapid.T) {
				values := rapid.SliceOfN(interesting, 1, 12).Draw(rt, "values")
				c, err := ebpf.NewCollection(collection(o))
				if err != nil {
					rt.Fatalf("%+v", err)
				}
				defer c.Close()
				for _, v := range values {
					run(t, c, v)
				}
				checkAggregate(rt, c, array, l, agg, values)
			})
		}
	}
}

func checkAggregate(rt *rapid.T, c *ebpf.Collection, array bool, l ir.Layout, agg *ir.Aggregate, values []int64) {
	var k any = uint32(0)
	if array {
		k = int64(3)
	}
	var cpus [][]byte
	if err := c.Maps["stat"].Lookup(k, &cpus); err != nil {
		rt.Fatalf("%v", err)
	}
	var sum, count int64
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	squares := new(big.Int)
	log, linear := make([]int64, ir.LogBuckets), make([]int64, agg.Buckets())
	for _, v := range values {
		count++
		sum += v
		low, high = min(low, v), max(high, v)
		squares.Add(squares, new(big.Int).Mul(big.NewInt(v), big.NewInt(v)))
		n := bits.Len64(uint64(max(v, -v)))
		if v < 0 {
			n = -bits.Len64(uint64(-v))
		}
		log[ir.LogZero+max(n, -64)]++
		b := int64(0)
		if d := v - agg.Start; d >= 0 {
			b = min(d/agg.Width+1, int64(agg.Buckets()-1))
		}
		linear[b]++
	}
	total := func(off int) (sum int64) {
		for _, cpu := range cpus {
			sum += word(cpu, off)
		}
		return sum
	}
	// CPUs that added nothing have zeros, which lose.
	greatest := func(off int) int64 {
		var best uint64
		for _, cpu := range cpus {
			best = max(best, uint64(word(cpu, off)))
		}
		return int64(best)
	}
	if got := total(l.Count); got != count {
		rt.Errorf("count %d, want %d", got, count)
	}
	if got := total(l.Sum); got != sum {
		rt.Errorf("sum %d, want %d", got, sum)
	}
	if got := ir.MinWord(greatest(l.Min)); got != low {
		rt.Errorf("min %d, want %d", got, low)
	}
	if got := ir.MaxWord(greatest(l.Max)); got != high {
		rt.Errorf("max %d, want %d", got, high)
	}
	// Each CPU's sum has 128 bits, and wraps.
	got, wrap := new(big.Int), new(big.Int).Lsh(big.NewInt(1), 128)
	for _, cpu := range cpus {
		part := new(big.Int).Lsh(new(big.Int).SetUint64(uint64(word(cpu, l.SquaresHigh))), 64)
		got.Add(got, part.Add(part, new(big.Int).SetUint64(uint64(word(cpu, l.SquaresLow)))))
	}
	if got.Mod(got, wrap).Cmp(squares.Mod(squares, wrap)) != 0 {
		rt.Errorf("squares %v, want %v", got, squares)
	}
	for i := range log {
		if got := total(l.Log + 8*i); got != log[i] {
			rt.Errorf("logarithmic bucket %d: %d, want %d", i, got, log[i])
		}
	}
	for i := range linear {
		if got := total(l.Linear + 8*i); got != linear[i] {
			rt.Errorf("linear bucket %d: %d, want %d", i, got, linear[i])
		}
	}
}

// Loops end by their condition, or by the bound on iterations as an error.
func TestLoops(t *testing.T) {
	i := func() *ir.Node { return &ir.Node{Op: ir.GetLoc, Type: ir.Long, Int: 0} }
	loop := func(limit int64) *ir.Node {
		return &ir.Node{Op: ir.Loop, Args: []*ir.Node{
			long(ir.Lt, i(), number(limit)), increase(i(), number(1)), block(eval(increase(global(0), long(ir.Mul, i(), arg(0))))),
		}}
	}
	for _, c := range []struct {
		limit, sum, state int64
	}{{10, 45 * 3, ir.Running}, {100, 4950 * 3, ir.Running}, {5000, 0, ir.Failed}} {
		p := one(1, block(loop(c.limit)), ir.Local{Name: "i", Type: ir.Long})
		data := run(t, load(t, generate(t, p)), 3)
		if got := word(data, ir.ControlState); got != c.state {
			t.Errorf("%d iterations: state %d, want %d", c.limit, got, c.state)
		}
		if got := word(data, ir.ControlSize); c.state == ir.Running && got != c.sum {
			t.Errorf("%d iterations: %d, want %d", c.limit, got, c.sum)
		}
	}
}

// An aggregate that a handler reads has one copy for all CPUs, so that what is
// read is what was added, wherever.
func TestReadAggregate(t *testing.T) {
	agg := &ir.Aggregate{Sum: true, Min: true, Max: true}
	for _, array := range []bool{false, true} {
		to := func() *ir.Node { return &ir.Node{Op: ir.GetGlo, Type: ir.Stats, Int: 5} }
		g := ir.Global{Name: "stat", Type: ir.Stats, Size: agg.Layout().Size, Stats: agg}
		if array {
			g.Keys, g.KeySizes, g.Max = []ir.Type{ir.Long}, []int{8}, 4
			to = func() *ir.Node { return &ir.Node{Op: ir.Elem, Type: ir.Stats, Int: 5, Args: []*ir.Node{number(3)}} }
		}
		body := []*ir.Node{{Op: ir.StatAdd, Args: []*ir.Node{to(), arg(0)}}}
		names := []string{"count", "sum", "avg", "min", "max"}
		for i, what := range names {
			body = append(body, eval(set(global(int64(i)), &ir.Node{Op: ir.Stat, Type: ir.Long, Str: what, Args: []*ir.Node{to()}})))
		}
		p := one(5, block(body...))
		p.Globals = append(p.Globals, g)
		c := load(t, generate(t, p))
		var data []byte
		for _, v := range []int64{-7, 3, -8, 2} {
			data = run(t, c, v)
		}
		for i, want := range []int64{4, -10, -2, -8, 3} {
			if got := word(data, ir.ControlSize+8*i); got != want {
				t.Errorf("array %v: %s is %d, want %d", array, names[i], got, want)
			}
		}
	}
}
