package eval

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Constructors for what tests run.

func lit(n int64) *ir.Node            { return &ir.Node{Op: ir.Const, Type: ir.Long, Int: n} }
func quoted(s string) *ir.Node        { return &ir.Node{Op: ir.Text, Type: ir.String, Str: s} }
func block(s ...*ir.Node) *ir.Node    { return &ir.Node{Op: ir.Block, Args: s} }
func do(e *ir.Node) *ir.Node          { return &ir.Node{Op: ir.Eval, Args: []*ir.Node{e}} }
func set(at, to *ir.Node) *ir.Node    { return op(ir.Set, at.Type, at, to) }
func assign(at, to *ir.Node) *ir.Node { return do(set(at, to)) }

func op(o ir.Op, t ir.Type, args ...*ir.Node) *ir.Node {
	return &ir.Node{Op: o, Type: t, Args: args, Line: 7, Column: 3}
}

func update(how ir.Op, at, by *ir.Node, old bool) *ir.Node {
	return &ir.Node{Op: ir.Update, Type: ir.Long, How: how, Old: old, Args: []*ir.Node{at, by}, Line: 7, Column: 3}
}

func fn(name string, result ir.Type, args ...*ir.Node) *ir.Node {
	n := op(ir.Builtin, result, args...)
	n.Str = name
	return n
}

func elem(global int64, t ir.Type, keys ...*ir.Node) *ir.Node {
	n := op(ir.Elem, t, keys...)
	n.Int = global
	return n
}

func global(index int64, t ir.Type) *ir.Node { return &ir.Node{Op: ir.GetGlo, Type: t, Int: index} }

// script is a program with one handler.
type script struct {
	*ir.Program
	locals []ir.Local
	host   Host
	store  Store
}

func newScript(globals ...ir.Global) *script {
	return &script{Program: &ir.Program{StringSize: 128, Globals: globals}}
}

func (s *script) local(name string, t ir.Type) *ir.Node {
	for i := range s.locals {
		if s.locals[i].Name == name {
			return &ir.Node{Op: ir.GetLoc, Type: t, Int: int64(i)}
		}
	}
	s.locals = append(s.locals, ir.Local{Name: name, Type: t})
	return s.local(name, t)
}

// print is println with a space between the values.
func (s *script) print(args ...*ir.Node) *ir.Node {
	n := op(ir.Print, ir.Void, args...)
	n.Int = s.site(args...)
	return n
}

func (s *script) site(args ...*ir.Node) int64 {
	var site ir.Site
	for i, arg := range args {
		if i > 0 {
			site.Parts = append(site.Parts, ir.Part{Text: " "})
		}
		verb, size := 'd', 8
		if arg.Type == ir.String {
			verb, size = 's', 128
		}
		site.Parts = append(site.Parts, ir.Part{Verb: verb, Width: ir.NoNumber, Prec: ir.NoNumber})
		site.Slots = append(site.Slots, ir.Slot{Type: arg.Type, Size: size})
	}
	site.Parts = append(site.Parts, ir.Part{Text: "\n"})
	s.Sites = append(s.Sites, site)
	return int64(len(s.Sites) - 1)
}

// run runs the handler once and returns what it printed.
func (s *script) run(t *testing.T, body ...*ir.Node) (string, error) {
	t.Helper()
	var out bytes.Buffer
	s.host.Stdout, s.host.Stderr = &out, &out
	s.host.Printer.Order = binary.LittleEndian
	if s.store == nil {
		s.store = NewMemory(s.Program)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := New(s.Program, s.store, s.host).Run(ctx, &ir.Probe{Kind: ir.Begin, Locals: s.locals, Body: block(body...)})
	return out.String(), err
}

// prints runs the handler and holds its output against want.
func (s *script) prints(t *testing.T, want string, body ...*ir.Node) {
	t.Helper()
	got, err := s.run(t, body...)
	if err != nil || got != want {
		t.Errorf("printed %q, %v; want %q", got, err, want)
	}
}

func array(name string, t ir.Type, max int, keys ...ir.Type) ir.Global {
	g := ir.Global{Name: name, Type: t, Size: 8, Keys: keys, Max: max}
	if t == ir.String {
		g.Size = 128
	}
	for _, k := range keys {
		size := 8
		if k == ir.String {
			size = 128
		}
		g.KeySizes = append(g.KeySizes, size)
	}
	return g
}
