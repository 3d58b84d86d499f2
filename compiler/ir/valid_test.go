package ir_test

import (
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

func long(n int64) *ir.Node { return &ir.Node{Op: ir.Const, Type: ir.Long, Int: n} }

func text(s string) *ir.Node { return &ir.Node{Op: ir.Text, Type: ir.String, Str: s, Size: 8} }

func node(op ir.Op, t ir.Type, args ...*ir.Node) *ir.Node {
	return &ir.Node{Op: op, Type: t, Args: args, Line: 3, Column: 5}
}

func indexed(n *ir.Node, i int64) *ir.Node { n.Int = i; return n }

func named(n *ir.Node, s string) *ir.Node { n.Str = s; return n }

// The globals of the program below.
const (
	total = iota
	name
	byName // byName[string, long], a long
	spread // an aggregate with both histograms
	perKey // perKey[long], an aggregate
)

func global(i int64, t ir.Type) *ir.Node { return indexed(node(ir.GetGlo, t), i) }

func local(i int64, t ir.Type) *ir.Node { return indexed(node(ir.GetLoc, t), i) }

// program is valid and has something of everything. Its timer's locals are n, s.
func program() *ir.Program {
	elem := func() *ir.Node { return indexed(node(ir.Elem, ir.Long, text("a"), long(1)), byName) }
	aggregate := &ir.Aggregate{Sum: true, Log: true, Linear: true, Start: -10, Stop: 10, Width: 5}
	size := aggregate.Layout().Size
	mem := &ir.Mem{Size: 4, Signed: true}
	pid := &ir.Node{Op: ir.Load, Type: ir.Long, Int: 16, Mem: mem, Args: []*ir.Node{
		{Op: ir.Arg, Type: ir.Long, Int: 8, Mem: &ir.Mem{Size: 8}},
	}}
	bytes := indexed(node(ir.Bytes, ir.Void, long(4096)), 16)
	timer := []*ir.Node{
		node(ir.Eval, ir.Void, node(ir.Set, ir.Long, local(0, ir.Long), node(ir.Add, ir.Long, long(1), elem()))),
		node(ir.Eval, ir.Void, &ir.Node{Op: ir.Update, How: ir.Add, Old: true, Type: ir.Long, Args: []*ir.Node{global(total, ir.Long), long(1)}}),
		node(ir.If, ir.Void, node(ir.Eq, ir.Long, text("a"), global(name, ir.String)), node(ir.Next, ir.Void), node(ir.Block, ir.Void)),
		node(ir.Loop, ir.Void, nil, nil, node(ir.Break, ir.Void)),
		{Op: ir.ForEach, Args: []*ir.Node{node(ir.Continue, ir.Void)}, Each: &ir.Each{
			Global: byName, Keys: []int{1, 0}, Value: 0, Sort: 2, Limit: long(5), Slice: []*ir.Node{nil, long(1)},
		}},
		node(ir.Delete, ir.Void, elem()),
		indexed(node(ir.Delete, ir.Void), byName),
		indexed(node(ir.Try, ir.Void, indexed(node(ir.Fail, ir.Void, text("no")), 1), node(ir.Exit, ir.Void)), 1),
		node(ir.StatAdd, ir.Void, indexed(node(ir.Elem, ir.Stats, long(1)), perKey), long(3)),
		indexed(node(ir.Print, ir.Void, long(8), named(node(ir.Stat, ir.Long, global(spread, ir.Stats)), "avg"), text("x")), 0),
		indexed(node(ir.Histogram, ir.Void, global(spread, ir.Stats)), 3),
		node(ir.Eval, ir.Void, indexed(node(ir.Call, ir.Long, text("a")), 0)),
		node(ir.Eval, ir.Void, named(node(ir.Builtin, ir.Long, text("a")), "strlen")),
		node(ir.Eval, ir.Void, indexed(node(ir.Sprint, ir.String, long(8), long(8), text("x")), 0)),
	}
	return &ir.Program{
		Version: ir.Version, Name: "v.stp", StringSize: 128, DataSize: ir.ControlSize + 24,
		Kernel: tpinfo.Kernel{Release: "6.1", Arch: "x86", ByteOrder: tpinfo.LittleEndian, WordSize: 8},
		Globals: []ir.Global{
			{Name: "total", Type: ir.Long, Size: 8, Offset: ir.ControlSize, Init: long(-1)},
			{Name: "name", Type: ir.String, Size: 16, Offset: ir.ControlSize + 8, Init: text("x")},
			{Name: "byName", Type: ir.Long, Size: 8, Keys: []ir.Type{ir.String, ir.Long}, KeySizes: []int{16, 8}, Max: 10},
			{Name: "spread", Type: ir.Stats, Size: size, Stats: aggregate},
			{Name: "perKey", Type: ir.Stats, Size: 8, Keys: []ir.Type{ir.Long}, KeySizes: []int{8}, Max: 10, Stats: &ir.Aggregate{}},
		},
		Funcs: []ir.Func{{Name: "f", Result: ir.Long, Params: 1, Locals: []ir.Local{{Name: "s", Type: ir.String, Size: 16}},
			Body: node(ir.Return, ir.Void, indexed(node(ir.In, ir.Long, local(0, ir.String), long(1)), byName))}},
		Probes: []ir.Probe{
			{Kind: ir.RawTracepoint, Point: "p0", Event: "sched_switch", Program: "sched_switch", Body: indexed(node(ir.Print, ir.Void, pid, bytes), 2)},
			{Kind: ir.Timer, Point: "p1", Interval: 1, Locals: []ir.Local{{Name: "n", Type: ir.Long}, {Name: "s", Type: ir.String, Size: 128}}, Body: node(ir.Block, ir.Void, timer...)},
			{Kind: ir.Tracepoint, Point: "p2", System: "sched", Event: "sched_switch", Program: "p2"},
			{Kind: ir.PerfEvent, Point: "p3", Program: "p3", Perf: &ir.Perf{Type: 1, Frequency: 99}},
		},
		Sites: []ir.Site{
			{Parts: []ir.Part{{Text: "a"}, {Verb: 'd', Width: ir.FromSlot, Prec: ir.NoNumber}, {Verb: 's', Width: 8, Prec: 3}},
				Slots: []ir.Slot{{Type: ir.Long, Size: 8}, {Type: ir.Long, Size: 8}, {Type: ir.String, Size: 16}}},
			{Line: 4},
			{Parts: []ir.Part{{Verb: 'd', Width: -1, Prec: -1}, {Verb: 'r', Width: -1, Prec: -1}},
				Slots: []ir.Slot{{Type: ir.Long, Size: 8}, {Type: ir.Void, Size: 16, Render: &ir.Render{Struct: true, Members: []*ir.Render{
					{Name: "pid", Offset: 4, Mem: mem}, {Name: "comm", Offset: 8, Chars: 8}}}}}},
			{Hist: "log"},
		},
		Facts: []ir.Fact{{Type: "struct task_struct", Member: "pid", Offset: 16, Size: 4}},
	}
}

func TestValid(t *testing.T) {
	if err := program().Validate(); err != nil {
		t.Error(err)
	}
}

// statement is the i-th of the timer's.
func statement(p *ir.Program, i int) *ir.Node { return p.Probes[1].Body.Args[i] }

func TestInvalid(t *testing.T) {
	deep := long(1)
	for range ir.MaxNesting {
		deep = node(ir.Neg, ir.Long, deep)
	}
	for want, change := range map[string]func(p *ir.Program){
		"version 2 of the form":                                   func(p *ir.Program) { p.Version = 2 },
		`kernel: byte order "middle"`:                             func(p *ir.Program) { p.Kernel.ByteOrder = "middle" },
		"string size: 12 bytes":                                   func(p *ir.Program) { p.StringSize = 12 },
		"data size 64: not a multiple of 8 from 128":              func(p *ir.Program) { p.DataSize = 64 },
		"global 0 (total): 8 bytes at 64 of 152":                  func(p *ir.Program) { p.Globals[0].Offset = 64 },
		"global 0 (total): 8 bytes at 152 of 152":                 func(p *ir.Program) { p.Globals[0].Offset = 152 },
		"global 1 (name): 136 bytes":                              func(p *ir.Program) { p.Globals[1].Size = 136 },
		"global 1 (name): initial value const":                    func(p *ir.Program) { p.Globals[1].Init = long(1) },
		"global 2 (byName): 2 keys with 1 sizes":                  func(p *ir.Program) { p.Globals[2].KeySizes = []int{8} },
		"global 2 (byName): key 2: 16 bytes for a long":           func(p *ir.Program) { p.Globals[2].KeySizes[1] = 16 },
		"global 2 (byName): 0 elements":                           func(p *ir.Program) { p.Globals[2].Max = 0 },
		"global 2 (name): another has the name":                   func(p *ir.Program) { p.Globals[2].Name = "name" },
		"global 3 (spread): linear histogram from -10 to 10 by 0": func(p *ir.Program) { p.Globals[3].Stats.Width = 0 },
		"global 3 (spread): linear histogram from -9223372036854775808 to 9223372036854775807 by 5": func(p *ir.Program) {
			p.Globals[3].Stats.Start, p.Globals[3].Stats.Stop = -1<<63, 1<<63-1
		},
		"global 3 (spread): nothing says what":         func(p *ir.Program) { p.Globals[3].Stats = nil },
		"global 4 (perKey): 16 bytes for an aggregate": func(p *ir.Program) { p.Globals[4].Size = 16 },
		"function 0 (f): 2 parameters of 1 locals":     func(p *ir.Program) { p.Funcs[0].Params = 2 },
		"function 0 (f): local 0 (s): 0 bytes":         func(p *ir.Program) { p.Funcs[0].Locals[0].Size = 0 },
		"return: 0 operands instead of 1":              func(p *ir.Program) { p.Funcs[0].Body.Args = nil },
		"in: global total is no array":                 func(p *ir.Program) { p.Funcs[0].Body.Args[0].Int = total },
		"function 0 (f): a statement is missing":       func(p *ir.Program) { p.Funcs[0].Body = nil },
		`probe 0 (p0): no event is named ":../x"`:      func(p *ir.Program) { p.Probes[0].Event = "../x" },
		`probe 2 (p2): no event is named "a/b:`:        func(p *ir.Program) { p.Probes[2].System = "a/b" },
		"probe 0 (p0): no program":                     func(p *ir.Program) { p.Probes[0].Program = "" },
		`probe 3 (p3): another has the program "p2"`:   func(p *ir.Program) { p.Probes[3].Program = "p2" },
		"probe 1 (p1): a timer every 0 ns":             func(p *ir.Program) { p.Probes[1].Interval = 0 },
		"probe 1 (p1): a statement is missing":         func(p *ir.Program) { p.Probes[1].Body = nil },
		`probe 1 (p1): of kind "kprobe"`:               func(p *ir.Program) { p.Probes[1].Kind = "kprobe" },
		"probe 3 (p3): nothing says which perf event":  func(p *ir.Program) { p.Probes[3].Perf = nil },
		"load: nothing says what it reads":             func(p *ir.Program) { p.Probes[0].Body.Args[0].Mem = nil },
		"arg: offset -8":                               func(p *ir.Program) { p.Probes[0].Body.Args[0].Args[0].Int = -8 },
		"load: 3 bytes of memory":                      func(p *ir.Program) { p.Probes[0].Body.Args[0].Mem = &ir.Mem{Size: 3} },
		"a bitfield of 2 bits at bit 9223372036854775807": func(p *ir.Program) {
			p.Probes[0].Body.Args[0].Mem = &ir.Mem{Size: 1, BitSize: 2, BitOffset: 1<<63 - 1}
		},
		"slot 1: it takes up to 16 bytes":                func(p *ir.Program) { p.Probes[0].Body.Args[1].Int = 17 },
		"3:5: set: const is no place for a long":         func(p *ir.Program) { statement(p, 0).Args[0].Args[0] = long(1) },
		"local 2 of 2":                                   func(p *ir.Program) { statement(p, 0).Args[0].Args[0].Int = 2 },
		"local -1 of 2":                                  func(p *ir.Program) { statement(p, 0).Args[0].Args[0].Int = -1 },
		"elem: operand 1 is a long instead of a string":  func(p *ir.Program) { statement(p, 0).Args[0].Args[1].Args[1].Args[0] = long(1) },
		"elem: global 7 of 5":                            func(p *ir.Program) { statement(p, 0).Args[0].Args[1].Args[1].Int = 7 },
		"elem: 1 operands instead of 2":                  func(p *ir.Program) { n := statement(p, 0).Args[0].Args[1].Args[1]; n.Args = n.Args[:1] },
		"elem: global total has 0 keys":                  func(p *ir.Program) { statement(p, 0).Args[0].Args[1].Args[1].Int = total },
		"an expression is missing":                       func(p *ir.Program) { statement(p, 0).Args[0] = nil },
		`update: how "eq"`:                               func(p *ir.Program) { statement(p, 1).Args[0].How = ir.Eq },
		"eq: operand 2 is a long instead of a string":    func(p *ir.Program) { statement(p, 2).Args[0].Args[1] = long(1) },
		"if: 1 operands":                                 func(p *ir.Program) { statement(p, 2).Args = statement(p, 2).Args[:1] },
		"break: outside of a loop":                       func(p *ir.Program) { p.Probes[1].Body.Args[3] = node(ir.Break, ir.Void) },
		"foreach: key 2 goes to local 1 of 2":            func(p *ir.Program) { statement(p, 4).Each.Keys[1] = 1 },
		"foreach: the value, a long, goes to local 1":    func(p *ir.Program) { statement(p, 4).Each.Value = 1 },
		"foreach: the value goes to local -2":            func(p *ir.Program) { statement(p, 4).Each.Value = -2 },
		"foreach: sorted by 3":                           func(p *ir.Program) { statement(p, 4).Each.Sort = 3 },
		"foreach: 2 keys and a slice of 1":               func(p *ir.Program) { statement(p, 4).Each.Slice = []*ir.Node{nil} },
		"foreach: nothing says what is visited":          func(p *ir.Program) { statement(p, 4).Each = nil },
		"delete: nothing is named that can be deleted":   func(p *ir.Program) { statement(p, 5).Args[0] = local(0, ir.Long) },
		"delete: global total is no array":               func(p *ir.Program) { statement(p, 6).Int = total },
		"try: local 0 of 2 gets":                         func(p *ir.Program) { statement(p, 7).Int = 0 },
		"fail: site 4 of 4":                              func(p *ir.Program) { statement(p, 7).Args[0].Int = 4 },
		"print: 2 values for 3 slots":                    func(p *ir.Program) { statement(p, 9).Args = statement(p, 9).Args[:2] },
		`stat: no statistic is named "median"`:           func(p *ir.Program) { statement(p, 9).Args[1].Str = "median" },
		`histogram: the aggregate keeps no "" histogram`: func(p *ir.Program) { statement(p, 10).Int = 1 },
		`keeps no "log" histogram`: func(p *ir.Program) {
			p.Globals[3].Stats.Log = false
			p.Globals[3].Size = p.Globals[3].Stats.Layout().Size
		},
		"call: function 1 of 1":                     func(p *ir.Program) { statement(p, 11).Args[0].Int = 1 },
		`builtin: no function is named "strlength"`: func(p *ir.Program) { statement(p, 12).Args[0].Str = "strlength" },
		"builtin: task_current() in user space": func(p *ir.Program) {
			statement(p, 12).Args[0] = named(node(ir.Builtin, ir.Long), "task_current")
		},
		"context: it reads the kernel's memory in user space": func(p *ir.Program) {
			statement(p, 12).Args[0] = node(ir.Context, ir.Long)
		},
		`no statement is named "add"`:            func(p *ir.Program) { statement(p, 3).Args[2] = node(ir.Add, ir.Long, long(1), long(1)) },
		`no expression is named "block"`:         func(p *ir.Program) { statement(p, 0).Args[0] = node(ir.Block, ir.Void) },
		"site 0 (line 0): its parts take 3 of 2": func(p *ir.Program) { p.Sites[0].Slots = p.Sites[0].Slots[:2] },
		"site 0 (line 0): part 2: a width or precision of 70000": func(p *ir.Program) {
			p.Sites[0].Parts[2].Width = 70000
		},
		`site 0 (line 0): part 1: directive 'q'`:                  func(p *ir.Program) { p.Sites[0].Parts[1].Verb = 'q' },
		"site 2 (line 0): slot 1: pid: 4 bytes at 13 of 16":       func(p *ir.Program) { p.Sites[2].Slots[1].Render.Members[0].Offset = 13 },
		"site 2 (line 0): slot 1: comm: 9 chars at 8 of 16 bytes": func(p *ir.Program) { p.Sites[2].Slots[1].Render.Members[1].Chars = 9 },
		"site 2 (line 0): slot 1: : a member is missing":          func(p *ir.Program) { p.Sites[2].Slots[1].Render.Members[0] = nil },
		"fact 0 (sched_switch, ): incomplete":                     func(p *ir.Program) { p.Facts[0] = ir.Fact{Event: "sched_switch"} },
		"neg: nested more than 4000 deep":                         func(p *ir.Program) { statement(p, 0).Args[0] = deep },
	} {
		p := program()
		change(p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
