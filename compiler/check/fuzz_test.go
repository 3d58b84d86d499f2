package check_test

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/check/checktest"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// FuzzCheck: a script is refused with errors at places of it, or gives a
// program that is whole, and the same each time.
func FuzzCheck(f *testing.F) {
	for _, name := range []string{"points/points_test.go", "target/target_test.go", "infer/infer_test.go", "function_test.go", "prelude_test.go", "print_test.go", "flow_test.go", "sides/sides_test.go", "layout/sizes_test.go", "scripts_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, script := range regexp.MustCompile("`[^`]*`").FindAllString(string(text), -1) {
			f.Add(strings.Trim(script, "`"))
			f.Add(checktest.On(strings.Trim(script, "`")))
		}
	}
	k := checktest.New()
	f.Fuzz(func(t *testing.T, text string) {
		p, err := checktest.Check(k, text, check.Options{})
		if err != nil {
			var list *diag.List
			if !errors.As(err, &list) {
				t.Fatalf("%q: %v", text, err)
			}
			for _, e := range list.Errors {
				if e.Message == "" || e.Span.Start < 0 || e.Span.Start > len(text) {
					t.Fatalf("%q: error %+v", text, e)
				}
			}
			return
		}
		whole(t, p, text)
		again, err := checktest.Check(k, text, check.Options{})
		if err != nil || ir.Dump(again) != ir.Dump(p) {
			t.Fatalf("%q: another program the second time: %v", text, err)
		}
	})
}

// whole fails the test where a program lacks something that its readers rely
// on.
func whole(t *testing.T, p *ir.Program, text string) {
	t.Helper()
	w := &wholeness{p: p, functions: ir.Functions(), fail: func(n *ir.Node, what string) { t.Fatalf("%s\n%s: %+v\n%s", text, what, n, ir.Dump(p)) }}
	for i := range p.Globals {
		g := &p.Globals[i]
		if g.Type == ir.Void || g.Size < 8 || g.Size%8 != 0 || len(g.Keys) != len(g.KeySizes) || g.Array() && g.Max < 1 || (g.Type == ir.Stats) != (g.Stats != nil) {
			t.Fatalf("%s\nglobal %+v", text, g)
		}
	}
	for i := range p.Funcs {
		w.locals = p.Funcs[i].Locals
		w.body(p.Funcs[i].Body)
	}
	for i := range p.Probes {
		w.locals = p.Probes[i].Locals
		w.body(p.Probes[i].Body)
	}
}

type wholeness struct {
	p         *ir.Program
	functions map[string]ir.Function
	locals    []ir.Local
	fail      func(n *ir.Node, what string)
}

func (w *wholeness) body(n *ir.Node) {
	for i := range w.locals {
		l := &w.locals[i]
		if l.Type != ir.Long && l.Type != ir.String || l.Type == ir.String && (l.Size < 8 || l.Size > w.p.StringSize || l.Size%8 != 0) {
			w.fail(n, "local "+l.Name)
		}
	}
	w.stmt(n)
}

var statements = map[ir.Op]bool{
	ir.Block: true, ir.Eval: true, ir.If: true, ir.Loop: true, ir.ForEach: true, ir.Break: true, ir.Continue: true, ir.Next: true, ir.Return: true,
	ir.Delete: true, ir.Try: true, ir.StatAdd: true, ir.Print: true, ir.Histogram: true, ir.Fail: true, ir.Exit: true,
}

func (w *wholeness) stmt(n *ir.Node) {
	if n == nil || !statements[n.Op] || n.Type != ir.Void {
		w.fail(n, "no statement")
		return
	}
	switch n.Op {
	case ir.Block, ir.Try:
		for _, s := range n.Args {
			w.stmt(s)
		}
	case ir.If:
		w.expr(n.Args[0], ir.Long)
		for _, s := range n.Args[1:] {
			w.stmt(s)
		}
	case ir.Loop:
		for _, x := range n.Args[:2] {
			if x != nil && (x.Op != ir.Call || x.Type != ir.Void) {
				w.expr(x, ir.Void)
			}
		}
		w.stmt(n.Args[2])
	case ir.ForEach:
		for _, k := range n.Each.Keys {
			if k < 0 || k >= len(w.locals) {
				w.fail(n, "a key without a local")
			}
		}
		w.stmt(n.Args[0])
	case ir.Eval:
		if n.Args[0].Op != ir.Call && n.Args[0].Type == ir.Void {
			w.fail(n, "an expression without a type")
		}
		w.operands(n.Args[0])
	case ir.Print:
		site := &w.p.Sites[n.Int]
		slots := 0
		for _, p := range site.Parts {
			if p.Verb != 0 {
				slots++
			}
			if p.Width == ir.FromSlot {
				slots++
			}
			if p.Prec == ir.FromSlot {
				slots++
			}
		}
		if slots != len(site.Slots) || len(n.Args) != slots {
			w.fail(n, "slots")
		}
		for i, a := range n.Args {
			if a.Op == ir.Bytes {
				w.expr(a.Args[0], ir.Long)
				continue
			}
			w.expr(a, site.Slots[i].Type)
			if a.Type == ir.String && site.Slots[i].Size < a.Size {
				w.fail(n, "a slot too small")
			}
		}
	default:
		w.operands(n)
	}
}

// expr checks an expression of a type; Void for any.
func (w *wholeness) expr(n *ir.Node, want ir.Type) {
	if n == nil || n.Type == ir.Void || want != ir.Void && n.Type != want {
		w.fail(n, "of another type than "+want.String())
		return
	}
	if n.Type == ir.String && (n.Size < 8 || n.Size > w.p.StringSize || n.Size%8 != 0) {
		w.fail(n, "a string's size")
	}
	w.operands(n)
}

func (w *wholeness) operands(n *ir.Node) {
	switch n.Op {
	case ir.GetLoc:
		if n.Int < 0 || int(n.Int) >= len(w.locals) || w.locals[n.Int].Type != n.Type {
			w.fail(n, "a local")
		}
	case ir.GetGlo, ir.Elem:
		if g := &w.p.Globals[n.Int]; g.Type != n.Type || len(g.Keys) != len(n.Args) {
			w.fail(n, "a global")
		}
	case ir.Builtin:
		if f, ok := w.functions[n.Str]; !ok || len(f.Params) != len(n.Args) {
			w.fail(n, "a function")
		}
	case ir.Call:
		if f := &w.p.Funcs[n.Int]; f.Params != len(n.Args) || f.Result != n.Type {
			w.fail(n, "a call")
		}
	case ir.Load, ir.Arg:
		if n.Mem == nil || n.Mem.Size < 1 || n.Mem.Size > 9 {
			w.fail(n, "a width")
		}
	}
	for _, a := range n.Args {
		w.expr(a, ir.Void)
	}
}

// What could take ever longer does not.
func TestNesting(t *testing.T) {
	deep := "$prev->pid"
	for range 30 {
		deep = "@choose_defined($prev->stamps[" + deep + "], " + "@defined($next->stamps[1]))"
	}
	if _, err := checktest.Check(checktest.New(), checktest.On("println("+deep+")"), check.Options{}); err != nil {
		t.Error(err)
	}
	aliases := "probe a0 = kernel.trace(\"sched*\"), timer.s(1) { }\n"
	for i := range 30 {
		n := strconv.Itoa(i)
		aliases += "probe a" + strconv.Itoa(i+1) + " = a" + n + ", a" + n + " { }\n"
	}
	checktest.WantErrors(t, aliases+"probe a30 { }", "1:12: more than 20000 handlers ~ probe fewer events")
}
