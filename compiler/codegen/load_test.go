package codegen

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// collection is an object as cilium's loader wants it, without the way through
// a file.
func collection(o *object.Object) *ebpf.CollectionSpec {
	spec := &ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{}, Programs: map[string]*ebpf.ProgramSpec{}, ByteOrder: o.Order}
	name := func(s string) string { return strings.NewReplacer("tpinfo.", "t_", ".", "").Replace(s) }
	for _, m := range o.Maps {
		spec.Maps[m.Name] = &ebpf.MapSpec{
			Name: name(m.Name), Type: m.Type, KeySize: uint32(m.KeySize), ValueSize: uint32(m.ValueSize), MaxEntries: uint32(m.MaxEntries), Flags: m.Flags,
		}
	}
	if o.Data > 0 {
		spec.Maps[ir.DataMap] = &ebpf.MapSpec{Name: "bss", Type: ebpf.Array, KeySize: 4, ValueSize: uint32(o.Data), MaxEntries: 1}
	}
	if len(o.Const) > 0 {
		spec.Maps[ir.ConstMap] = &ebpf.MapSpec{
			Name: "rodata", Type: ebpf.Array, KeySize: 4, ValueSize: uint32(len(o.Const)), MaxEntries: 1,
			Contents: []ebpf.MapKV{{Key: uint32(0), Value: o.Const}},
		}
	}
	for _, p := range o.Programs {
		spec.Programs[p.Name] = &ebpf.ProgramSpec{Name: p.Name, Type: ebpf.RawTracepoint, Instructions: p.Insns, License: "GPL"}
	}
	return spec
}

// unlock lifts the limit on locked memory, which maps count against before
// 5.11.
func unlock(t testing.TB) {
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
}

// load puts an object into this machine's kernel.
func load(t *testing.T, o *object.Object) *ebpf.Collection {
	t.Helper()
	tier.Need(t, tier.Machine)
	unlock(t)
	c, err := ebpf.NewCollection(collection(o))
	if err != nil {
		var ve *ebpf.VerifierError
		if errors.As(err, &ve) {
			t.Fatalf("%+v", ve)
		}
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

var source = &diag.Source{Name: "t.stp", Text: "probe x { }\n"}

func generate(t *testing.T, p *ir.Program) *object.Object {
	t.Helper()
	if p.StringSize == 0 {
		p.StringSize = 128
	}
	if p.Kernel.Release == "" {
		p.Kernel = tpinfo.Kernel{Release: release(), Arch: "x86", ByteOrder: tpinfo.LittleEndian, WordSize: 8}
	}
	o, err := Generate(p, source)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Constructors of nodes.
func long(op ir.Op, args ...*ir.Node) *ir.Node { return &ir.Node{Op: op, Type: ir.Long, Args: args} }
func number(n int64) *ir.Node                  { return &ir.Node{Op: ir.Const, Type: ir.Long, Int: n} }
func global(n int64) *ir.Node                  { return &ir.Node{Op: ir.GetGlo, Type: ir.Long, Int: n} }
func elem(n int64, keys ...*ir.Node) *ir.Node {
	return &ir.Node{Op: ir.Elem, Type: ir.Long, Int: n, Args: keys}
}
func call(name string, args ...*ir.Node) *ir.Node {
	return &ir.Node{Op: ir.Builtin, Type: ir.Long, Str: name, Args: args}
}
func eval(x *ir.Node) *ir.Node         { return &ir.Node{Op: ir.Eval, Args: []*ir.Node{x}} }
func block(list ...*ir.Node) *ir.Node  { return &ir.Node{Op: ir.Block, Args: list} }
func set(to, v *ir.Node) *ir.Node      { return long(ir.Set, to, v) }
func increase(to, v *ir.Node) *ir.Node { n := long(ir.Update, to, v); n.How = ir.Add; return n }

func TestFirstScript(t *testing.T) {
	p := &ir.Program{
		Globals: []ir.Global{
			{Name: "faults", Type: ir.Long, Size: 8, Keys: []ir.Type{ir.Long}, KeySizes: []int{8}, Max: 250},
			{Name: "max", Type: ir.Long, Size: 8, Offset: ir.ControlSize},
		},
		DataSize: ir.ControlSize + 8,
		Probes: []ir.Probe{{
			Kind: ir.RawTracepoint, Event: "mm_filemap_add_to_page_cache", Program: "add", Line: 1, Column: 1,
			Body: block(
				eval(increase(elem(0, call("pid")), number(1))),
				&ir.Node{Op: ir.If, Args: []*ir.Node{
					long(ir.OrOr, long(ir.Eq, global(1), number(-1)), long(ir.Gt, elem(0, call("pid")), elem(0, global(1)))),
					eval(set(global(1), call("pid"))),
				}},
			),
		}},
	}
	o := generate(t, p)
	load(t, o)
}
