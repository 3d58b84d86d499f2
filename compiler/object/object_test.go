package object_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
)

// The text of the sample's script, as its lines tell it.
const (
	probeLine = `probe kernel.trace("sched:sched_switch") {`
	countLine = `  total++; seen[tid()]++`
	printLine = `  printf("%d\n", total)`
)

// sample is a script that a compiler would make of
//
//	global total, seen[1000], sizes
//	probe kernel.trace("sched:sched_switch") { … }
//	probe timer.s(1) { printf("%d\n", total) … }
//
// with two handlers of one event.
func sample(order tpinfo.ByteOrder) *object.Object {
	at := func(n ir.Node, line, column int) *ir.Node {
		n.Line, n.Column = line, column
		return &n
	}
	total := &ir.Node{Op: ir.GetGlo, Type: ir.Long, Int: 0}
	o := &object.Object{
		Order: binary.LittleEndian,
		Programs: []object.Program{
			{Name: "sched_switch", Section: "raw_tp/sched_switch", Insns: counting(), Lines: []object.Line{
				{Insn: 0, Line: 2, Column: 1, Text: probeLine},
				{Insn: 2, Line: 3, Column: 3, Text: countLine},
				{Insn: 26, Line: 4, Column: 3, Text: printLine},
			}},
			{Name: "sched_switch_2", Section: "raw_tp/sched_switch", Insns: asm.Instructions{
				asm.LoadMapValue(asm.R1, 0, 136).WithReference(ir.DataMap),
				asm.Mov.Imm(asm.R2, 1),
				asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0),
				asm.Mov.Imm(asm.R0, 0),
				asm.Return(),
			}, Lines: []object.Line{{Line: 7, Column: 2000, Text: "probe second { second++ }"}}},
		},
		Maps: []object.Map{
			{Name: "seen", Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 1000},
			{Name: "sizes", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 16, MaxEntries: 1},
			{Name: ir.RingMap, Type: ebpf.RingBuf, MaxEntries: 1 << 16},
		},
		Data:  144,
		Const: []byte("\x02\x00\x00\x00\x00\x00\x00\x00"),
		Script: &ir.Program{
			Version: ir.Version, Name: "sample.stp", StringSize: 128, DataSize: 144,
			Kernel: tpinfo.Kernel{ID: "1234", Release: "6.1.0-56-cloud-amd64", Arch: "x86", ByteOrder: order, WordSize: 8, Source: tpinfo.FromDWARF},
			Globals: []ir.Global{
				{Name: "total", Type: ir.Long, Size: 8, Offset: 128, Line: 1, Column: 8},
				{Name: "seen", Type: ir.Long, Size: 8, Keys: []ir.Type{ir.Long}, KeySizes: []int{8}, Max: 1000, Line: 1, Column: 15},
				{Name: "sizes", Type: ir.Stats, Size: 16, Stats: &ir.Aggregate{Sum: true}, Line: 1, Column: 27},
				{Name: "second", Type: ir.Long, Size: 8, Offset: 136, Line: 1, Column: 34,
					Init: &ir.Node{Op: ir.Const, Type: ir.Long, Int: -1 << 63}},
			},
			Probes: []ir.Probe{
				{Kind: ir.RawTracepoint, Point: `kernel.trace("sched:sched_switch")`, System: "sched", Event: "sched_switch", Program: "sched_switch", Line: 2, Column: 7},
				{Kind: ir.RawTracepoint, Point: `kernel.trace("sched:sched_switch")`, System: "sched", Event: "sched_switch", Program: "sched_switch_2", Line: 7, Column: 7},
				{Kind: ir.Timer, Point: "timer.s(1)", Interval: 1e9, Line: 5, Column: 7, Body: &ir.Node{Op: ir.Block, Args: []*ir.Node{
					at(ir.Node{Op: ir.Print, Int: 0, Args: []*ir.Node{total}}, 5, 3),
					at(ir.Node{Op: ir.Eval, Args: []*ir.Node{{Op: ir.Builtin, Str: "strlen", Type: ir.Long, Args: []*ir.Node{
						// A string's bytes need not be UTF-8, and may look like what stands for such.
						{Op: ir.Text, Type: ir.String, Str: "\xff<\u00e9\U0010FEFF\xe2\x82>", Size: 16},
					}}}}, 5, 20),
					{Op: ir.Exit},
				}}},
			},
			Sites: []ir.Site{{
				Parts: []ir.Part{{Verb: 'd', Width: ir.NoNumber, Prec: ir.NoNumber}, {Text: "\n\x80"}},
				Slots: []ir.Slot{{Type: ir.Long, Size: 8}}, Line: 5, Column: 3,
			}},
			Facts: []ir.Fact{{Event: "sched_switch", Member: "prev", Offset: 8, Size: 8, CType: "struct task_struct *"}},
		},
	}
	if order == tpinfo.BigEndian {
		o.Order = binary.BigEndian
		o.Const = []byte("\x00\x00\x00\x00\x00\x00\x00\x02")
		o.Script.Kernel.Arch = "s390"
	}
	return o
}

// counting adds the constant to total, 1 to seen[tid] and sends the tid.
func counting() asm.Instructions {
	return asm.Instructions{
		asm.LoadMapValue(asm.R1, 0, 0).WithReference(ir.ConstMap),
		asm.LoadMem(asm.R2, asm.R1, 0, asm.DWord),
		asm.LoadMapValue(asm.R1, 0, 128).WithReference(ir.DataMap),
		asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0),
		asm.FnGetCurrentPidTgid.Call(),
		asm.LSh.Imm(asm.R0, 32),
		asm.RSh.Imm(asm.R0, 32),
		asm.Mov.Reg(asm.R6, asm.R0),
		asm.StoreMem(asm.RFP, -8, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreMem(asm.RFP, -16, asm.R1, asm.DWord),
		asm.LoadMapPtr(asm.R1, 0).WithReference("seen"),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "missing"),
		asm.Mov.Imm(asm.R1, 1),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0),
		asm.Ja.Label("send"),
		asm.LoadMapPtr(asm.R1, 0).WithReference("seen").WithSymbol("missing"),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, -16),
		asm.Mov.Imm(asm.R4, 1),
		asm.FnMapUpdateElem.Call(),
		asm.LoadMapPtr(asm.R1, 0).WithReference(ir.RingMap).WithSymbol("send"),
		asm.Mov.Imm(asm.R2, 16),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnRingbufReserve.Call(),
		asm.JEq.Imm(asm.R0, 0, "end"),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),
		asm.StoreMem(asm.R0, 8, asm.R6, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R0),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRingbufSubmit.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("end"),
		asm.Return(),
	}
}

func write(t testing.TB, o *object.Object) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := o.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var orders = []tpinfo.ByteOrder{tpinfo.LittleEndian, tpinfo.BigEndian}

func TestWriteIsDeterministic(t *testing.T) {
	for _, order := range orders {
		o := sample(order)
		first := write(t, o)
		if !bytes.Equal(first, write(t, o)) {
			t.Errorf("%s: the object written a second time differs: writing changed it", order)
		}
		other := sample(order)
		other.Script.Kernel.Extracted = time.Unix(1700000000, 0)
		other.Script.Kernel.Tree = "/lib/modules/6.1.0-56-cloud-amd64/build"
		other.Script.Kernel.Problems = []tpinfo.Problem{{Subject: "x"}}
		other.Script.Probes[0].Body = &ir.Node{Op: ir.Block}
		other.Script.Probes[0].Locals = []ir.Local{{Name: "i", Type: ir.Long}}
		if !bytes.Equal(first, write(t, other)) {
			t.Errorf("%s: where the kernel was extracted, or a body, is in the bytes", order)
		}
		if other.Script.Kernel.Tree == "" || other.Script.Probes[0].Body == nil {
			t.Error("Write changed the script")
		}
	}
}

func TestReadWhatWasWritten(t *testing.T) {
	for _, order := range orders {
		o := sample(order)
		f, err := object.Read(write(t, o))
		if err != nil {
			t.Fatal(err)
		}
		if f.Order != o.Order {
			t.Errorf("order %v, want %v", f.Order, o.Order)
		}
		if d := cmp.Diff(o.Script, f.Script, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s: the script changed (-written +read):\n%s", order, d)
		}
		for _, want := range o.Maps {
			got := f.Spec.Maps[want.Name]
			if got == nil {
				t.Fatalf("%s: no map %s", order, want.Name)
			}
			have := object.Map{Name: want.Name, Type: got.Type, KeySize: int(got.KeySize), ValueSize: int(got.ValueSize), MaxEntries: int(got.MaxEntries), Flags: got.Flags}
			if have != want {
				t.Errorf("%s: map %+v, want %+v", order, have, want)
			}
		}
		if got := f.Spec.Maps[ir.DataMap]; got.ValueSize != 144 || got.MaxEntries != 1 {
			t.Errorf("%s: .bss is %v", order, got)
		}
		if got := f.Spec.Maps[ir.ConstMap].Contents[0].Value; !bytes.Equal(got.([]byte), o.Const) {
			t.Errorf("%s: .rodata is %q", order, got)
		}
		if len(f.Spec.Maps) != 5 {
			t.Errorf("%s: %d maps, want 5", order, len(f.Spec.Maps))
		}
		checkPrograms(t, o, f)
	}
}

// checkPrograms compares instructions, references and lines.
func checkPrograms(t *testing.T, o *object.Object, f *object.File) {
	t.Helper()
	for i, want := range o.Programs {
		got := f.Spec.Programs[want.Name]
		if got == nil {
			t.Fatalf("no program %s", want.Name)
		}
		if got.Type != ebpf.RawTracepoint || got.AttachTo != "sched_switch" || got.License != "GPL" {
			t.Errorf("program %s: type %v, attached to %q, license %q", want.Name, got.Type, got.AttachTo, got.License)
		}
		if len(got.Instructions) != len(want.Insns) {
			t.Fatalf("program %s: %d instructions, want %d", want.Name, len(got.Instructions), len(want.Insns))
		}
		line := ""
		next := 0
		for j, ins := range got.Instructions {
			w := want.Insns[j]
			if ins.OpCode != w.OpCode || ins.Dst != w.Dst || ins.Src != w.Src || w.OpCode.Class().IsALU() && ins.Constant != w.Constant {
				t.Errorf("program %s: instruction %d is %v, want %v", want.Name, j, ins, w)
			}
			if w.IsLoadFromMap() && (ins.Reference() != w.Reference() || ins.Constant != w.Constant) {
				t.Errorf("program %s: instruction %d loads %v, want %v", want.Name, j, ins, w)
			}
			if src := ins.Source(); src != nil {
				line = src.String()
			}
			if next < len(want.Lines) && want.Lines[next].Insn == j {
				next++
			}
			if line != o.Programs[i].Lines[next-1].Text {
				t.Errorf("program %s: instruction %d comes from %q, want %q", want.Name, j, line, want.Lines[next-1].Text)
			}
		}
	}
	jump := f.Spec.Programs["sched_switch"].Instructions[15]
	// From 15 over 16, 17, 18: 19 is "missing".
	if jump.Offset != 3 {
		t.Errorf("the jump to \"missing\" goes over %d instructions, want 3", jump.Offset)
	}
}

func TestWriteRefuses(t *testing.T) {
	far := make(asm.Instructions, 0, 40002)
	far = append(far, asm.JEq.Imm(asm.R1, 0, "end"))
	for range 40000 {
		far = append(far, asm.Mov.Imm(asm.R0, 0))
	}
	far = append(far, asm.Return().WithSymbol("end"))
	for _, c := range []struct {
		name   string
		change func(*object.Object)
		want   string
	}{
		{"order", func(o *object.Object) { o.Order = binary.BigEndian }, "byte order BigEndian for a little-endian kernel"},
		{"name", func(o *object.Object) { o.Programs[0].Name = "a-b" }, `program "a-b": the name is no identifier`},
		{"names", func(o *object.Object) { o.Programs[0].Name = "seen" }, `two things are named "seen"`},
		{"map name", func(o *object.Object) { o.Maps[0].Name = "a b" }, `map "a b": a name has letters`},
		{"no lines", func(o *object.Object) { o.Programs[0].Lines = nil }, "it has no lines"},
		{"lines", func(o *object.Object) { o.Programs[0].Lines[2].Insn = 1 }, "instruction 1 is out of order"},
		{"section", func(o *object.Object) { o.Programs[0].Section = ".maps" }, `section ".maps" is no program's`},
		{"map", func(o *object.Object) { o.Maps = o.Maps[1:] }, `refers to "seen", which the object does not have`},
		{"no data", func(o *object.Object) { o.Data = 0 }, `refers to ".bss", which the object does not have`},
		{"entries", func(o *object.Object) { o.Maps[0].MaxEntries = 1 << 30 }, "map seen: max_entries is 1073741824, an object can have at most 1073741823"},
		{"label", func(o *object.Object) { o.Programs[0].Insns[15] = asm.Ja.Label("nowhere") }, `jumps to "nowhere", which is nowhere`},
		{"function", func(o *object.Object) { o.Programs[0].Insns[15] = asm.Call.Label("f") }, "functions are expanded in place"},
		{"bare map", func(o *object.Object) { o.Programs[0].Insns[11] = asm.LoadMapPtr(asm.R1, 3) }, "instruction 11 loads from a map without a name"},
		{"far", func(o *object.Object) { o.Programs[0].Insns = far }, "line 2: the handler sched_switch takes 40002 instructions and a jump from here cannot reach"},
		{"script", func(o *object.Object) { o.Script.DataSize = 7 }, "data size 7"},
	} {
		o := sample(tpinfo.LittleEndian)
		c.change(o)
		err := o.Write(&bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
		var long *object.TooLongError
		if errors.As(err, &long) != (c.name == "far") {
			t.Errorf("%s: error of type %T", c.name, err)
		}
	}
}
