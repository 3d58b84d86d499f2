package plan

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

func long(op ir.Op, args ...*ir.Node) *ir.Node { return &ir.Node{Op: op, Type: ir.Long, Args: args} }

func number(n int64) *ir.Node { return &ir.Node{Op: ir.Const, Type: ir.Long, Int: n} }

func local(n int64) *ir.Node { return &ir.Node{Op: ir.GetLoc, Type: ir.Long, Int: n} }

func argument(n int64) *ir.Node {
	return &ir.Node{Op: ir.Arg, Type: ir.Long, Int: n, Mem: &ir.Mem{Size: 8}}
}

// member is 8 bytes at an offset from an address.
func member(address *ir.Node, off int64) *ir.Node {
	return &ir.Node{Op: ir.Load, Type: ir.Long, Int: off, Mem: &ir.Mem{Size: 8}, Args: []*ir.Node{address}}
}

func assign(to, value *ir.Node) *ir.Node { return long(ir.Set, to, value) }

func statement(e *ir.Node) *ir.Node { return &ir.Node{Op: ir.Eval, Args: []*ir.Node{e}} }

func block(statements ...*ir.Node) *ir.Node { return &ir.Node{Op: ir.Block, Args: statements} }

func TestRuns(t *testing.T) {
	for _, c := range []struct {
		name string
		n    *ir.Node
		want string
	}{
		{"one alone", member(local(0), 8), ""},
		{"neighbours, in whatever order", long(ir.Add, member(local(0), 24), member(local(0), 8)), "2 from 8, 24 bytes;"},
		{"before the address", long(ir.Add, member(local(0), -64), member(local(0), -40)), "2 from -64, 32 bytes;"},
		{"too far away", long(ir.Add, member(local(0), 0), member(local(0), 64)), ""},
		{"two addresses", long(ir.Add, member(local(0), 0), member(local(1), 8)), ""},
		{"through a pointer", long(ir.Add, member(member(argument(0), 0), 8), member(member(argument(0), 0), 16)), "2 from 0, 8 bytes;2 from 8, 16 bytes;"},
		{"perhaps not computed", long(ir.Choose, member(local(0), 0), member(local(0), 8), member(local(0), 16)), ""},
		{"for a text that cannot be read", &ir.Node{Op: ir.ReadText, Type: ir.String, Args: []*ir.Node{member(local(0), 0), member(local(0), 8)}}, ""},
		{"of a variable that is assigned", long(ir.Add, member(local(0), 0), long(ir.Add, assign(local(0), number(1)), member(local(0), 8))), ""},
		{"of an argument while a variable is", long(ir.Add, member(argument(0), 0), assign(local(0), member(argument(0), 8))), "2 from 0, 16 bytes;"},
	} {
		got := ""
		for _, run := range Runs(c.n) {
			got += fmt.Sprintf("%d from %d, %d bytes;", len(run.Loads), run.From, run.Size)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSetFirst(t *testing.T) {
	for _, c := range []struct {
		name string
		n    *ir.Node
		want bool
	}{
		{"set", block(statement(assign(local(1), number(1))), statement(assign(local(0), number(2)))), true},
		{"from itself", block(statement(assign(local(0), long(ir.Add, local(0), number(1))))), false},
		{"read before", block(statement(assign(local(1), local(0))), statement(assign(local(0), number(2)))), false},
		{"perhaps set", block(&ir.Node{Op: ir.If, Args: []*ir.Node{local(1), block(statement(assign(local(0), number(1))))}}), false},
		{"never", block(), false},
	} {
		if got := SetFirst(c.n, 0); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestEffects(t *testing.T) {
	for _, c := range []struct {
		name                  string
		n                     *ir.Node
		changes, acts, counts bool // counts: never negative
	}{
		{"a number", number(5), false, false, true},
		{"a negative one", number(-5), false, false, false},
		{"a member", long(ir.And, member(local(0), 0), number(7)), false, true, true},
		{"an assignment", long(ir.Neg, assign(local(0), number(1))), true, true, false},
		{"a quotient", long(ir.Div, number(8), number(2)), false, false, true},
		{"one that may fail", long(ir.Div, number(8), local(0)), false, true, false},
		{"a comparison", long(ir.Lt, local(0), local(1)), false, false, true},
		{"what may be out of bounds", &ir.Node{Op: ir.Builtin, Type: ir.Long, Str: "stringat"}, false, true, true},
	} {
		if Changes(c.n) != c.changes || Acts(c.n) != c.acts || NeverNegative(c.n) != c.counts {
			t.Errorf("%s: changes %v, acts %v, is never negative %v", c.name, Changes(c.n), Acts(c.n), NeverNegative(c.n))
		}
	}
}

// The more branches a loop has, the fewer are its iterations.
func TestIterations(t *testing.T) {
	before := int64(0)
	for i, branches := range []int{3000, 300, 30, 3} {
		body := block()
		for range branches {
			body.Args = append(body.Args, &ir.Node{Op: ir.If, Args: []*ir.Node{local(0), block()}})
		}
		n := Iterations(&ir.Node{Op: ir.Loop, Args: []*ir.Node{nil, nil, body}})
		if n <= before || i == 0 && n != minIterations || i == 3 && n != maxIterations {
			t.Errorf("%d iterations of a loop with %d branches, %d with more of them", n, branches, before)
		}
		before = n
	}
}

// What a function does counts for each handler that calls it, once.
func TestAggregates(t *testing.T) {
	of := func(n int64) *ir.Node { return &ir.Node{Op: ir.GetGlo, Type: ir.Stats, Int: n} }
	adds := func(n int64) *ir.Node { return &ir.Node{Op: ir.StatAdd, Args: []*ir.Node{of(n), number(1)}} }
	call := statement(&ir.Node{Op: ir.Call, Int: 0})
	read, adders := Aggregates(&ir.Program{
		Globals: []ir.Global{{Type: ir.Stats}, {Type: ir.Stats}, {Type: ir.Stats}, {Type: ir.Long}},
		Funcs:   []ir.Func{{Body: block(adds(0), statement(long(ir.Stat, of(1))))}},
		Probes: []ir.Probe{
			{Kind: ir.RawTracepoint, Body: block(call, call, adds(0))},
			{Kind: ir.Tracepoint, Body: block(call, adds(1), &ir.Node{Op: ir.Delete, Args: []*ir.Node{of(3)}})},
			{Kind: ir.PerfEvent, Body: block(&ir.Node{Op: ir.Delete, Args: []*ir.Node{of(2)}})},
			{Kind: ir.End, Body: block(adds(2), statement(long(ir.Stat, of(0))))},
		},
	})
	ops := map[int]ir.Op{}
	for global, n := range read {
		ops[global] = n.Op
	}
	if d := cmp.Diff(map[int]ir.Op{1: ir.Stat, 2: ir.Delete}, ops); d != "" {
		t.Errorf("read: %s", d)
	}
	if d := cmp.Diff(map[int]int{0: 2, 1: 1}, adders); d != "" {
		t.Errorf("adders: %s", d)
	}
}
