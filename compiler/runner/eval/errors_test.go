package eval

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

func try(catch int64, body, handler *ir.Node) *ir.Node {
	return &ir.Node{Op: ir.Try, Int: catch, Args: []*ir.Node{body, handler}}
}

func TestTry(t *testing.T) {
	s := newScript(array("small", ir.Long, 1, ir.Long))
	e := s.local("e", ir.String)
	failing := func(message string) *ir.Node { return op(ir.Fail, ir.Void, quoted(message)) }
	s.prints(t, "division by 0\nmine\nouter of inner\nPosition out of bounds\nafter\n",
		try(0, block(do(op(ir.Div, ir.Long, lit(1), lit(0))), s.print(lit(1))), s.print(e)),
		try(0, failing("mine"), s.print(e)),
		// What fails in the handler belongs to the try around it.
		try(0, try(0, failing("inner"), block(op(ir.Fail, ir.Void, op(ir.Concat, ir.String, quoted("outer of "), e)))), s.print(e)),
		try(0, do(fn("stringat", ir.Long, quoted(""), lit(0))), s.print(e)),
		try(-1, failing("quietly"), nil),
		s.print(quoted("after")),
	)
}

func TestFullArray(t *testing.T) {
	s := newScript(array("small", ir.Long, 2, ir.Long), array("wraps", ir.Long, 2, ir.Long))
	s.Globals[1].Wraps = true
	e := s.local("e", ir.String)
	put := func(g, k int64) *ir.Node { return do(update(ir.Add, elem(g, ir.Long, lit(k)), lit(k), false)) }
	_, err := s.run(t, put(0, 1), put(0, 2), put(0, 1), put(0, 3))
	var full *FullError
	var failed *RuntimeError
	if !errors.As(err, &full) || full.Name != "small" || full.Max != 2 || !errors.As(err, &failed) || failed.Line != 7 {
		t.Errorf("%v", err)
	}
	s.prints(t, "array small is full: it has 2 elements; declare it larger, as in \"global small[8]\"\n2\n",
		try(0, put(0, 3), s.print(e)),
		s.print(elem(0, ir.Long, lit(1))),
	)
	in := func(k int64) *ir.Node { return &ir.Node{Op: ir.In, Type: ir.Long, Int: 1, Args: []*ir.Node{lit(k)}} }
	s.prints(t, "0 1 1\n", put(1, 1), put(1, 2), put(1, 3), s.print(in(1), in(2), in(3)))
}

func TestFailEndsTheHandler(t *testing.T) {
	s := newScript()
	got, err := s.run(t, s.print(lit(1)), op(ir.Fail, ir.Void, quoted("over")), s.print(lit(2)))
	var failed *RuntimeError
	if got != "1\n" || !errors.As(err, &failed) || *failed != (RuntimeError{Message: "over", Line: 7, Column: 3}) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRecursionIsBounded(t *testing.T) {
	s := newScript()
	s.Funcs = []ir.Func{{Name: "f", Result: ir.Long, Body: block(op(ir.Return, ir.Void, op(ir.Call, ir.Long)))}}
	if _, err := s.run(t, do(op(ir.Call, ir.Long))); err == nil || !strings.Contains(err.Error(), "MAXNESTING exceeded") {
		t.Error(err)
	}
}

// What fails in a function that is not the script's is told where the script
// calls it.
func TestErrorsOfTheLanguagesOwnFunctions(t *testing.T) {
	s := newScript()
	inner := &ir.Node{Op: ir.Div, Type: ir.Long, Args: []*ir.Node{lit(1), lit(0)}}
	s.Funcs = []ir.Func{
		{Name: "inner", Body: block(do(inner))},
		{Name: "outer", Body: block(do(&ir.Node{Op: ir.Call}))},
	}
	_, err := s.run(t, do(&ir.Node{Op: ir.Call, Int: 1, Line: 5, Column: 9}))
	var failed *RuntimeError
	if !errors.As(err, &failed) || *failed != (RuntimeError{Message: "division by 0", Line: 5, Column: 9}) {
		t.Errorf("%v", err)
	}
}

type brokenStore struct{ Store }

func (brokenStore) Get(int, []Value) (Value, bool, error) {
	return Value{}, false, errors.New("no map")
}

// What is wrong outside the script is not for the script to catch.
func TestOutsideErrors(t *testing.T) {
	s := newScript(ir.Global{Name: "g", Type: ir.Long, Size: 8})
	s.store = brokenStore{}
	_, err := s.run(t, try(-1, s.print(global(0, ir.Long)), nil))
	if err == nil || !strings.Contains(err.Error(), "no map") {
		t.Error(err)
	}
}

// A damaged program is an error.
func TestDamaged(t *testing.T) {
	l := &ir.Node{Op: ir.GetLoc, Type: ir.Long}
	far := &ir.Node{Op: ir.GetLoc, Type: ir.Long, Int: 9}
	for name, n := range map[string]*ir.Node{
		"no such op":            {Op: "what"},
		"kernel's":              do(&ir.Node{Op: ir.Arg, Type: ir.Long}),
		"no operand":            do(op(ir.Add, ir.Long, lit(1))),
		"nil operand":           do(op(ir.Add, ir.Long, nil, lit(1))),
		"types":                 do(op(ir.Add, ir.Long, quoted("a"), lit(1))),
		"types compared":        do(op(ir.Eq, ir.Long, quoted("a"), lit(1))),
		"local":                 do(far),
		"local below":           do(&ir.Node{Op: ir.GetLoc, Int: -1}),
		"local's type":          assign(l, quoted("a")),
		"assigned constant":     do(op(ir.Set, ir.Long, lit(1), lit(2))),
		"global":                do(global(9, ir.Long)),
		"element of a scalar":   do(elem(0, ir.Long, lit(1))),
		"array without keys":    do(global(1, ir.Long)),
		"keys":                  do(elem(1, ir.Long, lit(1), lit(2))),
		"key's type":            do(elem(1, ir.Long, quoted("a"))),
		"aggregate as a number": do(global(2, ir.Stats)),
		"stat of a number":      do(statistic(global(0, ir.Long), "sum")),
		"stat of a local":       op(ir.StatAdd, ir.Void, l, lit(1)),
		"unknown stat":          do(statistic(global(2, ir.Stats), "median")),
		"in a scalar":           do(op(ir.In, ir.Long, lit(1))),
		"function":              do(&ir.Node{Op: ir.Call, Int: 5}),
		"arguments":             do(op(ir.Call, ir.Long, lit(1))),
		"no result":             do(&ir.Node{Op: ir.Call, Int: 1, Type: ir.Long}),
		"no body":               do(&ir.Node{Op: ir.Call, Int: 2, Type: ir.Long}),
		"builtin":               do(fn("fork", ir.Long)),
		"builtin's arguments":   do(fn("strlen", ir.Long)),
		"builtin's types":       do(fn("strlen", ir.Long, lit(1))),
		"site":                  {Op: ir.Print, Int: 9},
		"site's values":         op(ir.Print, ir.Void, lit(1)),
		"update":                do(update(ir.Eq, l, lit(1), false)),
		"delete a local":        op(ir.Delete, ir.Void, l),
		"empty a scalar":        op(ir.Delete, ir.Void),
		"catch":                 try(0, op(ir.Fail, ir.Void, quoted("a")), nil),
		"catch where":           try(7, op(ir.Fail, ir.Void, quoted("a")), nil),
		"foreach":               {Op: ir.ForEach},
		"foreach of a scalar":   {Op: ir.ForEach, Each: &ir.Each{}},
		"foreach's keys":        {Op: ir.ForEach, Each: &ir.Each{Global: 1, Value: -1}},
		"foreach's key":         {Op: ir.ForEach, Each: &ir.Each{Global: 1, Keys: []int{4}, Value: -1}},
		"foreach's value":       {Op: ir.ForEach, Each: &ir.Each{Global: 1, Keys: []int{0}, Value: 4}},
		"foreach's sort":        {Op: ir.ForEach, Each: &ir.Each{Global: 1, Keys: []int{0}, Value: -1, Sort: 2}},
		"foreach's slice":       {Op: ir.ForEach, Each: &ir.Each{Global: 1, Keys: []int{0}, Value: -1, Slice: []*ir.Node{}}},
		"loop without body":     op(ir.Loop, ir.Void, lit(1)),
		"histogram":             op(ir.Histogram, ir.Void, global(0, ir.Long)),
		"choose":                do(op(ir.Choose, ir.Long, lit(1))),
		"nothing":               nil,
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(
				ir.Global{Name: "g", Type: ir.Long, Size: 8},
				array("a", ir.Long, 2, ir.Long),
				ir.Global{Name: "s", Type: ir.Stats, Stats: everything()},
			)
			s.local("l", ir.Long)
			s.Sites = []ir.Site{{}}
			s.Funcs = []ir.Func{
				{Name: "f", Result: ir.Long, Body: block()},
				{Name: "g", Result: ir.Long, Body: block(op(ir.Return, ir.Void, quoted("a")))},
				{Name: "h", Result: ir.Long},
			}
			s.store = NewMemory(s.Program)
			if err := s.store.AddStat(2, nil, 1); err != nil {
				t.Fatal(err)
			}
			_, err := s.run(t, n)
			var failed *RuntimeError
			if err == nil || errors.As(err, &failed) || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestProbeWithoutBody(t *testing.T) {
	p := &ir.Program{StringSize: 128}
	if err := New(p, NewMemory(p), Host{}).Run(context.Background(), &ir.Probe{}); err != nil {
		t.Error(err)
	}
}
