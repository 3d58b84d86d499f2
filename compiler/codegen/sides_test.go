package codegen

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/codegen/machine"
	"github.com/tpinfo/tpinfo/compiler/codegen/plan"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
	user "github.com/tpinfo/tpinfo/compiler/runner/eval"
	"github.com/tpinfo/tpinfo/compiler/runner/render"
	"github.com/tpinfo/tpinfo/compiler/syntax"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// plain is a kernel with one event, "e", and nothing else.
type plain struct {
	check.Metadata
	kernel tpinfo.Kernel
}

func (k plain) Identity() tpinfo.Kernel { return k.kernel }

func (k plain) Event(context.Context, string) (*tpinfo.Tracepoint, error) {
	return &tpinfo.Tracepoint{Name: "e", Args: []tpinfo.Arg{}}, nil
}

func (k plain) TypeIfKnown(_ context.Context, name string) (*tpinfo.Type, error) {
	base := func(size int, enc tpinfo.Encoding) *tpinfo.Type {
		return &tpinfo.Type{Kind: tpinfo.KindBase, Name: name, Size: tpinfo.Bytes(size), Encoding: enc}
	}
	switch name {
	case "struct s":
		low, high := 0, 5
		if k.kernel.ByteOrder == tpinfo.BigEndian {
			low, high = 3, 0
		}
		return &tpinfo.Type{Kind: tpinfo.KindStruct, Name: name, Size: 56, Members: []tpinfo.Member{
			{Name: "a", Type: "int", Offset: 0, Size: 4}, {Name: "b", Type: "unsigned short", Offset: 4, Size: 2},
			{Name: "c", Type: "signed char", Offset: 6, Size: 1}, {Name: "d", Type: "long", Offset: 8, Size: 8},
			{Name: "next", Type: "struct s *", Offset: 16, Size: 8}, {Name: "name", Type: "char[16]", Offset: 24, Size: 16},
			{Name: "low", Type: "int", Offset: 48, Size: 4, BitOffset: low, BitSize: 5},
			{Name: "high", Type: "unsigned int", Offset: 49, Size: 4, BitOffset: high, BitSize: 11},
		}}, nil
	case "int":
		return base(4, tpinfo.EncSigned), nil
	case "long":
		return base(8, tpinfo.EncSigned), nil
	case "signed char":
		return base(1, tpinfo.EncSigned), nil
	case "char":
		return base(1, tpinfo.EncSigned), nil
	case "unsigned short":
		return base(2, tpinfo.EncUnsigned), nil
	case "unsigned int":
		return base(4, tpinfo.EncUnsigned), nil
	}
	return nil, nil
}

// typedForm makes a program of a script.
func typedForm(src *diag.Source, k tpinfo.Kernel, stringSize int) (*ir.Program, error) {
	file, err := syntax.Parse(src, syntax.Options{Release: k.Release, Arch: k.Arch})
	if err != nil {
		return nil, err
	}
	return check.Check(context.Background(), file, src, plain{kernel: k}, check.Options{StringSize: stringSize})
}

// drawProgram draws a script and makes programs of it, for some kernels.
func drawProgram(t *rapid.T, budget int, memory bool, kernels ...tpinfo.Kernel) (*diag.Source, []*ir.Program) {
	behind, before := drawScript(t, rapid.IntRange(10, budget).Draw(t, "budget"), memory)
	size := rapid.SampledFrom([]int{128, 32, 16, 256}).Draw(t, "string size")
	src := &diag.Source{Name: "t.stp", Text: behind}
	var programs []*ir.Program
	for _, k := range kernels {
		p, err := typedForm(src, k, size)
		if err != nil {
			src.Text = before
			p, err = typedForm(src, k, size)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, src.Text)
		}
		programs = append(programs, p)
	}
	return src, programs
}

// outcome is what a script did.
type outcome struct {
	printed string
	failed  string            // the error that ended it
	globals map[string]string // what scalars hold
	arrays  map[string]string // what elements hold, by array and keys
	loops   int64             // iterations, beyond what the kernel allows
}

func (o *outcome) String() string {
	var lines []string
	for _, m := range []map[string]string{o.globals, o.arrays} {
		for k, v := range m {
			lines = append(lines, k+" = "+v)
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("printed:\n%sfailed: %q\n%s", o.printed, o.failed, strings.Join(lines, "\n"))
}

func shown(v user.Value) string {
	if v.Type == ir.String {
		return fmt.Sprintf("%q", v.Str)
	}
	return fmt.Sprint(v.Int)
}

// inUser runs a handler as user space does.
func inUser(t rapid.TB, p *ir.Program) *outcome {
	t.Helper()
	var out bytes.Buffer
	p, limit := counted(t, p)
	store := user.NewMemory(p)
	m := user.New(p, store, user.Host{Stdout: &out, Stderr: &out, Printer: render.Printer{Order: binary.LittleEndian}, Random: func(int64) int64 { return 0 }})
	o := &outcome{globals: map[string]string{}, arrays: map[string]string{}}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := m.Run(ctx, &p.Probes[0]); err != nil {
		var failed *user.RuntimeError
		if !errors.As(err, &failed) {
			t.Fatalf("in user space: %v", err)
		}
		o.failed = failed.Message[:min(len(failed.Message), p.StringSize-1)]
	}
	o.printed = out.String()
	iterations, _, err := store.Get(len(p.Globals)-1, nil)
	if err != nil {
		t.Fatalf("%v", err)
	}
	o.loops = max(0, iterations.Int-limit)
	for i := range p.Globals[:len(p.Globals)-1] {
		g := &p.Globals[i]
		if g.Type == ir.Void {
			continue // never used
		}
		if !g.Array() {
			v, _, err := store.Get(i, nil)
			if err != nil {
				t.Fatalf("%v", err)
			}
			o.globals[g.Name] = shown(v)
			continue
		}
		all, err := store.All(i)
		if err != nil {
			t.Fatalf("%v", err)
		}
		for _, e := range all {
			keys := make([]string, len(e.Keys))
			for j, k := range e.Keys {
				keys[j] = shown(k)
			}
			o.arrays[g.Name+"["+strings.Join(keys, ", ")+"]"] = shown(e.Value)
		}
	}
	return o
}

// counted is a program whose last global counts iterations of loops, and how
// many of them the kernel is sure to allow.
func counted(t rapid.TB, p *ir.Program) (*ir.Program, int64) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatalf("%v", err)
	}
	own := &ir.Program{}
	if err := json.Unmarshal(text, own); err != nil {
		t.Fatalf("%v", err)
	}
	count := increase(global(int64(len(own.Globals))), number(1))
	own.Globals = append(own.Globals, ir.Global{Name: "iterations", Type: ir.Long, Size: 8})
	limit := int64(math.MaxInt64)
	var visit func(n *ir.Node)
	visit = func(n *ir.Node) {
		if n == nil {
			return
		}
		if n.Op == ir.Loop {
			limit = min(limit, plan.Iterations(n))
			n.Args[2] = block(eval(count), n.Args[2])
		}
		for _, a := range n.Args {
			visit(a)
		}
	}
	for i := range own.Funcs {
		visit(own.Funcs[i].Body)
	}
	visit(own.Probes[0].Body)
	simulate(own)
	return own, limit
}

// kernelSide is what a run of a program left.
type kernelSide struct {
	data     []byte
	records  [][]byte
	elements func(array string) (keys, values [][]byte)
}

// outcome reads it as user space would; places of strings must be zero behind
// their text.
func (k *kernelSide) outcome(t rapid.TB, obj *object.Object) *outcome {
	t.Helper()
	o := &outcome{globals: map[string]string{}, arrays: map[string]string{}}
	printer := render.Printer{Order: obj.Order}
	for _, data := range k.records {
		var r render.Record
		if err := printer.Decode(&r, obj.Script.Sites, data); err != nil {
			t.Fatalf("%v", err)
		}
		if r.Kind == ir.RecordExit {
			continue
		}
		line, err := printer.Format(nil, &obj.Script.Sites[r.Site], r.Values)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if r.Kind == ir.RecordError {
			o.failed = string(line[:min(len(line), obj.Script.StringSize-1)])
		} else {
			o.printed += string(line)
		}
	}
	value := func(typ ir.Type, data []byte) string {
		if typ == ir.Long {
			return shown(user.Long(int64(obj.Order.Uint64(data))))
		}
		text, rest, ended := bytes.Cut(data, []byte{0})
		if !ended || len(bytes.Trim(rest, "\x00")) > 0 {
			t.Fatalf("the place of a text holds %q", data)
		}
		return shown(user.Text(string(text)))
	}
	for i := range obj.Script.Globals {
		g := &obj.Script.Globals[i]
		if g.Type == ir.Void {
			continue // never used
		}
		if !g.Array() {
			o.globals[g.Name] = value(g.Type, k.data[g.Offset:g.Offset+g.Size])
			continue
		}
		keys, values := k.elements(g.Name)
		for n, key := range keys {
			parts := make([]string, len(g.Keys))
			for j, size := range g.KeySizes {
				parts[j], key = value(g.Keys[j], key[:size]), key[size:]
			}
			o.arrays[g.Name+"["+strings.Join(parts, ", ")+"]"] = value(g.Type, values[n])
		}
	}
	return o
}

// initialData is the data map with the globals' initial values.
func initialData(obj *object.Object) []byte {
	data := make([]byte, obj.Data)
	for i := range obj.Script.Globals {
		g := &obj.Script.Globals[i]
		switch {
		case g.Init == nil:
		case g.Type == ir.String:
			copy(data[g.Offset:], g.Init.Str)
		default:
			obj.Order.PutUint64(data[g.Offset:], uint64(g.Init.Int))
		}
	}
	return data
}

// inMachine runs an object's program without a kernel.
func inMachine(t rapid.TB, obj *object.Object) *outcome {
	t.Helper()
	m, err := machine.Load(obj, 2)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if err := m.Map(ir.DataMap).Update(make([]byte, 4), initialData(obj)); err != nil {
		t.Fatalf("%v", err)
	}
	for addr, data := range kernelMemory(obj.Order.(binary.AppendByteOrder)) {
		if err := m.AddMemory(addr, data, false); err != nil {
			t.Fatalf("%v", err)
		}
	}
	prog, err := machine.Assemble(obj.Programs[0].Insns, obj.Order)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if _, err := m.Run(prog, make([]byte, 12*8)); err != nil {
		t.Fatalf("%v\n%v", err, obj.Programs[0].Insns)
	}
	k := &kernelSide{data: m.Map(ir.DataMap).Lookup(make([]byte, 4), 0), elements: func(array string) (keys, values [][]byte) {
		mp := m.Map(array)
		for _, key := range mp.Keys() {
			keys, values = append(keys, key), append(values, mp.Lookup(key, 0))
		}
		return keys, values
	}}
	if ring := m.Map(ir.RingMap); ring != nil {
		k.records = ring.Records()
	}
	return k.outcome(t, obj)
}

// inKernel runs an object's program in this machine's kernel; nil when that finds
// it too large.
func inKernel(t rapid.TB, src *diag.Source, obj *object.Object) *outcome {
	t.Helper()
	spec := collection(obj)
	spec.Maps[ir.DataMap].Contents = []ebpf.MapKV{{Key: uint32(0), Value: initialData(obj)}}
	if ring := spec.Maps[ir.RingMap]; ring != nil {
		ring.MaxEntries = 1 << 16
	}
	c, err := ebpf.NewCollection(spec)
	if errors.Is(err, unix.E2BIG) {
		return nil
	} else if err != nil {
		t.Fatalf("%s\n%+v", src.Text, err)
	}
	defer c.Close()
	var ring *ringbuf.Reader
	if mp := c.Maps[ir.RingMap]; mp != nil {
		if ring, err = ringbuf.NewReader(mp); err != nil {
			t.Fatalf("%v", err)
		}
		defer ring.Close()
	}
	if _, err := c.Programs[obj.Programs[0].Name].Run(&ebpf.RunOptions{Context: make([]uint64, 12)}); err != nil {
		t.Fatalf("%v", err)
	}
	k := &kernelSide{elements: func(array string) (keys, values [][]byte) {
		var key, value []byte
		for entries := c.Maps[array].Iterate(); entries.Next(&key, &value); {
			keys, values = append(keys, bytes.Clone(key)), append(values, bytes.Clone(value))
		}
		return keys, values
	}}
	if err := c.Maps[ir.DataMap].Lookup(uint32(0), &k.data); err != nil {
		t.Fatalf("%v", err)
	}
	for ring != nil {
		ring.SetDeadline(time.Now())
		r, err := ring.Read()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		} else if err != nil {
			t.Fatalf("%v", err)
		}
		k.records = append(k.records, r.RawSample)
	}
	return k.outcome(t, obj)
}

func agree(t rapid.TB, src *diag.Source, where string, got, want *outcome) {
	t.Helper()
	if got != nil && want.loops == 0 && got.String() != want.String() {
		t.Fatalf("%s\n%s: %v\n\nin user space: %v", src.Text, where, got, want)
	}
}

// A script does in the kernel what it does in user space: prints, errors, what
// is left in globals. The kernel's instructions are run here, for both byte
// orders, old kernels and new ones.
func TestSidesAgreeInterpreted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		src, programs := drawProgram(rt, 150, rapid.Bool().Draw(rt, "memory"), orderKernels()...)
		for i, p := range programs {
			want := inUser(rt, p)
			obj, err := Generate(p, src)
			if err != nil {
				rt.Fatalf("%v\n%s", err, src.Text)
			}
			agree(rt, src, string(orders[i].name)+" "+orders[i].release, inMachine(rt, obj), want)
		}
	})
}

func orderKernels() []tpinfo.Kernel {
	var list []tpinfo.Kernel
	for _, o := range orders {
		list = append(list, tpinfo.Kernel{Release: o.release, Arch: "x86", ByteOrder: o.name, WordSize: 8})
	}
	return list
}

func thisKernel() tpinfo.Kernel {
	return tpinfo.Kernel{Release: release(), Arch: "x86", ByteOrder: tpinfo.LittleEndian, WordSize: 8}
}

// So it does in this machine's kernel.
func TestSidesAgree(t *testing.T) {
	tier.Need(t, tier.Machine)
	unlock(t)
	rapid.Check(t, func(rt *rapid.T) {
		src, programs := drawProgram(rt, 100, false, thisKernel())
		obj, err := Generate(programs[0], src)
		if err != nil {
			rt.Fatalf("%v\n%s", err, src.Text)
		}
		agree(rt, src, "in the kernel", inKernel(rt, src, obj), inUser(rt, programs[0]))
	})
}
