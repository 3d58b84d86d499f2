package eval

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/runner/render"
)

// valid is a Program that Validate lets through and that has a little of
// everything.
func valid() *ir.Program {
	s := newScript(
		ir.Global{Name: "g", Type: ir.Long, Size: 8, Offset: ir.ControlSize, Init: lit(5)},
		array("a", ir.Long, 4, ir.String),
		ir.Global{Name: "s", Type: ir.Stats, Stats: everything(), Size: everything().Layout().Size},
	)
	s.Version, s.Kernel.ByteOrder, s.DataSize = ir.Version, tpinfo.LittleEndian, ir.ControlSize+8
	k, e := s.local("k", ir.String), s.local("e", ir.String)
	for i := range s.locals {
		s.locals[i].Size = 128
	}
	histogram := op(ir.Histogram, ir.Void, global(2, ir.Stats))
	match := op(ir.Match, ir.Long, quoted("abc"))
	match.Str = "^a.*c$"
	body := block(
		try(1, block(
			do(update(ir.Add, elem(1, ir.Long, quoted("x")), lit(2), true)),
			&ir.Node{Op: ir.ForEach, Each: &ir.Each{Global: 1, Keys: []int{0}, Value: -1, Sort: 1}, Args: []*ir.Node{s.print(k)}},
			add(global(2, ir.Stats), 7),
			s.print(statistic(global(2, ir.Stats), "avg"), match, fn("substr", ir.String, quoted("hello"), lit(1), lit(2))),
			do(op(ir.Div, ir.Long, lit(1), op(ir.Call, ir.Long, lit(3)))),
		), s.print(e)),
		histogram,
		op(ir.Exit, ir.Void),
	)
	histogram.Int = int64(len(s.Sites))
	s.Sites = append(s.Sites, ir.Site{Hist: "log"})
	s.Funcs = []ir.Func{{
		Name: "f", Result: ir.Long, Params: 1, Locals: []ir.Local{{Name: "a", Type: ir.Long}},
		Body: block(op(ir.Return, ir.Void, op(ir.Sub, ir.Long, &ir.Node{Op: ir.GetLoc, Type: ir.Long}, lit(3)))),
	}}
	s.Probes = []ir.Probe{{Kind: ir.Begin, Point: "begin", Locals: s.locals, Body: body}}
	return s.Program
}

func host(out io.Writer) Host {
	h := ThisProcess(render.Printer{Order: binary.LittleEndian})
	h.Stdout, h.Stderr = out, out
	return h
}

func TestValidProgramRuns(t *testing.T) {
	p := valid()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := New(p, NewMemory(p), host(&out)).Run(t.Context(), &p.Probes[0])
	if want := "x\n7 1 el\ndivision by 0\nvalue |"; !errors.Is(err, ErrExit) || !bytes.HasPrefix(out.Bytes(), []byte(want)) {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// As deep as a valid program may be, in a function that calls itself.
func TestDeepRecursion(t *testing.T) {
	p := valid()
	deep := op(ir.Call, ir.Long, lit(1))
	for range ir.MaxNesting - 10 {
		deep = op(ir.Neg, ir.Long, deep)
	}
	p.Funcs[0].Body = block(op(ir.Return, ir.Void, deep))
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	p.Probes[0].Body = block(do(op(ir.Call, ir.Long, lit(1))))
	var failed *RuntimeError
	if err := New(p, NewMemory(p), host(io.Discard)).Run(t.Context(), &p.Probes[0]); !errors.As(err, &failed) || failed.Message != "MAXNESTING exceeded" {
		t.Error(err)
	}
}

// ops are what a mutated node may become.
var ops = []ir.Op{
	ir.Const, ir.Text, ir.GetLoc, ir.GetGlo, ir.Elem, ir.Neg, ir.Not, ir.Add, ir.Div, ir.Shl, ir.Eq, ir.Lt, ir.Concat,
	ir.AndAnd, ir.Choose, ir.In, ir.Match, ir.Set, ir.Update, ir.Stat, ir.Call, ir.Builtin, ir.Sprint, ir.Arg, ir.Bytes,
	ir.Block, ir.Eval, ir.If, ir.Loop, ir.ForEach, ir.Break, ir.Continue, ir.Next, ir.Return, ir.Delete, ir.Try, ir.StatAdd,
	ir.Print, ir.Histogram, ir.Fail, ir.Exit,
}

// nodes lists a tree.
func nodes(n *ir.Node, list []*ir.Node) []*ir.Node {
	if n == nil {
		return list
	}
	list = append(list, n)
	for _, arg := range n.Args {
		list = nodes(arg, list)
	}
	return list
}

// mutate changes one field of one node, as three bytes say.
func mutate(all []*ir.Node, which, field, to byte) {
	n := all[int(which)%len(all)]
	switch field % 8 {
	case 0:
		n.Op = ops[int(to)%len(ops)]
	case 1:
		n.Int = int64(int8(to))
	case 2:
		n.Type = ir.Type(to & 3)
	case 3:
		n.Args = n.Args[:min(int(to), len(n.Args))]
	case 4:
		n.Args = append(n.Args, lit(int64(to)))
	case 5:
		n.Args = append(n.Args, quoted("text"))
	case 6:
		n.How = ops[int(to)%len(ops)]
	case 7:
		n.Str = []string{"strlen", "tokenize", "median", "avg", "(", "ctime"}[int(to)%6]
		if n.Each != nil {
			each := *n.Each
			each.Global, each.Sort, each.Value = int(int8(to)), int(to%5)-1, int(to%4)-1
			n.Each = &each
		}
	}
}

// However a program is damaged, a handler of it ends with an error and no
// panic; and what Validate lets through is not damaged to a handler.
func FuzzDamagedProgram(f *testing.F) {
	f.Add([]byte{0, 0, 0})
	f.Add([]byte{5, 1, 200, 9, 3, 0, 12, 7, 3})
	f.Fuzz(func(t *testing.T, changes []byte) {
		p := valid()
		all := append(nodes(p.Probes[0].Body, nil), nodes(p.Funcs[0].Body, nil)...)
		for ; len(changes) >= 3; changes = changes[3:] {
			mutate(all, changes[0], changes[1], changes[2])
		}
		is := p.Validate()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err := New(p, NewMemory(p), host(io.Discard)).Run(ctx, &p.Probes[0])
		if is == nil && err != nil && strings.Contains(err.Error(), "is not as it must be") {
			t.Errorf("a valid program: %v", err)
		}
	})
}
