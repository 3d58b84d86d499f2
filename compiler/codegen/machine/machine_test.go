package machine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
)

var orders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

func assemble(t testing.TB, order binary.ByteOrder, insns ...asm.Instruction) *Program {
	t.Helper()
	p, err := Assemble(insns, order)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// returns runs instructions and checks R0.
func returns(t *testing.T, m *Machine, want uint64, insns ...asm.Instruction) {
	t.Helper()
	got, err := m.Run(assemble(t, m.order, append(insns, asm.Return())...), nil)
	if err != nil || got != want {
		t.Errorf("R0 = %#x (%v), want %#x\n%v", got, err, want, asm.Instructions(insns))
	}
}

func TestContextHasTheOrderOfTheTarget(t *testing.T) {
	for _, order := range orders {
		m := New(order, 1)
		context := make([]byte, 16)
		order.PutUint64(context[8:], 0x1122334455667788)
		got, err := m.Run(assemble(t, order, asm.LoadMem(asm.R0, asm.R1, 8, asm.DWord), asm.Return()), context)
		if err != nil || got != 0x1122334455667788 {
			t.Errorf("%v: %#x, %v", order, got, err)
		}
		// The narrow value of an argument lies in other bytes of its slot.
		at := int16(8)
		if order == binary.ByteOrder(binary.BigEndian) {
			at = 12
		}
		got, err = m.Run(assemble(t, order, asm.LoadMem(asm.R0, asm.R1, at, asm.Word), asm.Return()), context)
		if err != nil || got != 0x55667788 {
			t.Errorf("%v: low half %#x, %v", order, got, err)
		}
	}
}

func TestByteOrderOperations(t *testing.T) {
	load := asm.LoadImm(asm.R0, 0x1122334455667788, asm.DWord)
	little, big := New(binary.LittleEndian, 1), New(binary.BigEndian, 1)
	returns(t, little, 0x8877665544332211, load, asm.HostTo(asm.BE, asm.R0, asm.DWord))
	returns(t, little, 0x55667788, load, asm.HostTo(asm.LE, asm.R0, asm.Word))
	returns(t, big, 0x8877, load, asm.HostTo(asm.LE, asm.R0, asm.Half))
	returns(t, big, 0x1122334455667788, load, asm.HostTo(asm.BE, asm.R0, asm.DWord))
	returns(t, big, 0x88776655, load, asm.BSwap(asm.R0, asm.Word))
}

// Bounded loops end, others are a Fault.
func TestLoops(t *testing.T) {
	m := New(binary.LittleEndian, 1)
	returns(t, m, 45, asm.Mov.Imm(asm.R0, 0), asm.Mov.Imm(asm.R1, 0),
		asm.Add.Reg(asm.R0, asm.R1).WithSymbol("again"), asm.Add.Imm(asm.R1, 1), asm.JLT.Imm(asm.R1, 10, "again"))
	m.Limit = 1000
	_, err := m.Run(assemble(t, binary.LittleEndian, asm.Ja.Label("again").WithSymbol("again")), nil)
	if !errors.Is(err, ErrSteps) {
		t.Errorf("an endless loop: %v", err)
	}
}

func TestFaults(t *testing.T) {
	zero := asm.Mov.Imm(asm.R0, 0)
	for _, test := range []struct {
		name  string
		insn  int
		want  string
		insns asm.Instructions
	}{
		{"register unset", 0, "r0: a register is read that nothing was put into", asm.Instructions{asm.Return()}},
		{"after a call", 2, "r3: a register is read", asm.Instructions{asm.Mov.Imm(asm.R3, 1), asm.FnKtimeGetNs.Call(), asm.Mov.Reg(asm.R0, asm.R3), asm.Return()}},
		{"stack unwritten", 0, "byte -8 of the stack is read and was never written", asm.Instructions{asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), asm.Return()}},
		{"half written", 1, "byte -4 of the stack is read", asm.Instructions{asm.StoreImm(asm.R10, -8, 1, asm.Word), asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), asm.Return()}},
		{"above the stack", 0, "8 bytes at 508 of the stack, which has 512", asm.Instructions{asm.StoreMem(asm.R10, -4, asm.R1, asm.DWord)}},
		{"below the stack", 0, "no memory at", asm.Instructions{asm.StoreMem(asm.R10, -520, asm.R1, asm.DWord)}},
		{"behind the context", 0, "8 bytes at 12 of the context, which has 16", asm.Instructions{asm.LoadMem(asm.R0, asm.R1, 12, asm.DWord)}},
		{"context written", 0, "the context cannot be written", asm.Instructions{asm.StoreMem(asm.R1, 0, asm.R1, asm.DWord)}},
		{"null", 1, "no memory at 0x8", asm.Instructions{zero, asm.LoadMem(asm.R0, asm.R0, 8, asm.DWord)}},
		{"kernel memory read directly", 2, "memory at 0xffff888000001000 can only be read by a helper",
			asm.Instructions{asm.LoadImm(asm.R2, -0x777ffffff000, asm.DWord), asm.LoadMem(asm.R0, asm.R2, 0, asm.Byte)}},
		{"frame pointer written", 0, "no instruction of eBPF", asm.Instructions{asm.Mov.Imm(asm.R10, 0)}},
		{"off the end", 1, "the program goes on outside", asm.Instructions{zero}},
		{"unaligned atomic", 2, "which is not aligned", asm.Instructions{asm.StoreMem(asm.R10, -16, asm.R1, asm.DWord), asm.StoreMem(asm.R10, -8, asm.R1, asm.DWord), atomic(asm.AddAtomic, asm.R10, asm.R1, asm.DWord, -12)}},
		{"unknown map", 0, `there is no map "nothing"`, asm.Instructions{asm.LoadMapPtr(asm.R1, 0).WithReference("nothing")}},
		{"no map", 2, "is no map", asm.Instructions{asm.StoreImm(asm.R10, -4, 1, asm.Word), asm.Mov.Reg(asm.R2, asm.R10), asm.FnMapLookupElem.Call()}},
		{"unknown helper", 0, "helper 6 is not known here", asm.Instructions{asm.FnTracePrintk.Call()}},
		{"division by the constant 0", 1, "no instruction of eBPF", asm.Instructions{zero, asm.Div.Imm(asm.R0, 0)}},
		{"shift too far", 1, "no instruction of eBPF", asm.Instructions{zero, asm.LSh.Imm32(asm.R0, 32)}},
	} {
		m := New(binary.LittleEndian, 1)
		if err := m.AddMemory(0xffff888000001000, []byte("x"), false); err != nil {
			t.Fatal(err)
		}
		_, err := m.Run(assemble(t, binary.LittleEndian, test.insns...), make([]byte, 16))
		var fault *Fault
		if !errors.As(err, &fault) || fault.Insn != test.insn || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want instruction %d: %s", test.name, err, test.insn, test.want)
		}
	}
	m := New(binary.LittleEndian, 1)
	_, err := m.Run(assemble(t, binary.LittleEndian, asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord)), nil)
	if want := "instruction 0, LdXMemDW dst: r0 src: rfp off: -8 imm: 0: byte -8 of the stack is read and was never written"; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	if _, err := m.Run(assemble(t, binary.BigEndian, zero, asm.Return()), nil); err == nil {
		t.Error("a big-endian program ran on a little-endian machine")
	}
}

// read calls a reading helper for size bytes and returns what it leaves in 16
// bytes of 0xee.
func read(t *testing.T, m *Machine, fn asm.BuiltinFunc, addr uint64, size int32) (int64, []byte) {
	t.Helper()
	mp := m.Map("out")
	if mp == nil {
		var err error
		if mp, err = m.AddMap(object.Map{Name: "out", Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := mp.Update(make([]byte, 4), bytes.Repeat([]byte{0xee}, 16)); err != nil {
		t.Fatal(err)
	}
	got, err := m.Run(assemble(t, m.order, asm.LoadMapValue(asm.R1, 0, 0).WithReference("out"), asm.Mov.Imm(asm.R2, size),
		asm.LoadImm(asm.R3, int64(addr), asm.DWord), fn.Call(), asm.Return()), nil)
	if err != nil {
		t.Fatal(err)
	}
	return int64(got), bytes.Clone(mp.Lookup(make([]byte, 4), 0))
}

func TestReading(t *testing.T) {
	const kernel, user = 0xffff888000000000, 0x7ffe00000000
	m := New(binary.LittleEndian, 1)
	if err := errors.Join(m.AddMemory(kernel, []byte("kworker\x00secret"), false), m.AddMemory(user, []byte("/etc/passwd\x00"), true)); err != nil {
		t.Fatal(err)
	}
	rest := func(text string) string { return text + strings.Repeat("\xee", 16-len(text)) }
	for _, test := range []struct {
		name string
		fn   asm.BuiltinFunc
		addr uint64
		size int32
		code int64
		want string
	}{
		{"kernel", asm.FnProbeReadKernel, kernel + 8, 6, 0, "secret"},
		{"beyond the end", asm.FnProbeReadKernel, kernel + 8, 7, -14, strings.Repeat("\x00", 7)},
		{"no memory", asm.FnProbeReadKernel, 0x10, 4, -14, "\x00\x00\x00\x00"},
		{"user's by the kernel's helper", asm.FnProbeReadKernel, user, 4, -14, "\x00\x00\x00\x00"},
		{"user", asm.FnProbeReadUser, user, 4, 0, "/etc"},
		{"kernel's by the user's helper", asm.FnProbeReadUser, kernel, 4, -14, "\x00\x00\x00\x00"},
		{"text", asm.FnProbeReadKernelStr, kernel, 16, 8, "kworker\x00"},
		{"text cut", asm.FnProbeReadKernelStr, kernel, 4, 4, "kwo\x00"},
		{"text without end", asm.FnProbeReadKernelStr, kernel + 8, 16, -14, strings.Repeat("\x00", 16)},
		{"user's text", asm.FnProbeReadUserStr, user + 5, 16, 7, "passwd\x00"},
		{"nothing", asm.FnProbeReadKernel, kernel, 0, 0, ""},
	} {
		code, got := read(t, m, test.fn, test.addr, test.size)
		if code != test.code || string(got) != rest(test.want) {
			t.Errorf("%s: %d, %q; want %d, %q", test.name, code, got, test.code, rest(test.want))
		}
	}
	if err := m.AddMemory(kernel+4, []byte("x"), false); err == nil {
		t.Error("memory was put over other memory")
	}
	if err := m.AddMemory(firstRegion+0x10000, []byte("x"), false); err == nil {
		t.Error("memory was put where the machine puts its own")
	}
}

func TestFacts(t *testing.T) {
	m := New(binary.LittleEndian, 4)
	m.CPU, m.PidTgid, m.UidGid, m.Task, m.Now, m.Boot, m.Jiffies = 3, 7<<32|8, 5<<32|6, 0xffff888000002000, 11, 12, 13
	m.Random = func() uint32 { return 99 }
	for fn, want := range map[asm.BuiltinFunc]uint64{
		asm.FnGetSmpProcessorId: 3, asm.FnGetCurrentPidTgid: 7<<32 | 8, asm.FnGetCurrentUidGid: 5<<32 | 6, asm.FnGetCurrentTask: 0xffff888000002000,
		asm.FnKtimeGetNs: 11, asm.FnKtimeGetBootNs: 12, asm.FnJiffies64: 13, asm.FnGetPrandomU32: 99,
	} {
		returns(t, m, want, fn.Call())
	}
	m.Comm = "a name that is too long"
	comm := asm.Instructions{asm.Mov.Reg(asm.R1, asm.R10), asm.Add.Imm(asm.R1, -16), asm.Mov.Imm(asm.R2, 16), asm.FnGetCurrentComm.Call()}
	returns(t, m, binary.LittleEndian.Uint64([]byte("hat is \x00")), append(comm, asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord))...)
	if _, err := m.AddMap(object.Map{Name: "stacks", Type: ebpf.StackTrace, KeySize: 4, ValueSize: 8, MaxEntries: 1}); err != nil {
		t.Fatal(err)
	}
	m.StackID = -14
	fault := int64(-14)
	returns(t, m, uint64(fault), asm.LoadMapPtr(asm.R2, 0).WithReference("stacks"), asm.Mov.Imm(asm.R3, 0), asm.FnGetStackid.Call())
}

// count is "map[8-byte key 5] = value" with flags, or what else fn does to that
// element.
func count(fn asm.BuiltinFunc, name string, value, flags int32) []asm.Instruction {
	return []asm.Instruction{
		asm.Mov.Imm(asm.R1, 5), asm.StoreMem(asm.R10, -8, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, value), asm.StoreMem(asm.R10, -16, asm.R1, asm.DWord),
		asm.LoadMapPtr(asm.R1, 0).WithReference(name),
		asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -8),
		asm.Mov.Reg(asm.R3, asm.R10), asm.Add.Imm(asm.R3, -16),
		asm.Mov.Imm(asm.R4, flags), fn.Call(),
	}
}

func eight(order binary.ByteOrder, n uint64) []byte {
	data := make([]byte, 8)
	order.PutUint64(data, n)
	return data
}

func TestHash(t *testing.T) {
	for _, order := range orders {
		m := New(order, 2)
		for _, spec := range []object.Map{
			{Name: "h", Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 2},
			{Name: "p", Type: ebpf.PerCPUHash, KeySize: 8, ValueSize: 8, MaxEntries: 2},
			{Name: "l", Type: ebpf.LRUHash, KeySize: 8, ValueSize: 8, MaxEntries: 2},
		} {
			if _, err := m.AddMap(spec); err != nil {
				t.Fatal(err)
			}
		}
		word := func(n uint64) []byte { return eight(order, n) }
		errno := func(n int64) uint64 { return uint64(-n) }
		returns(t, m, errno(2), count(asm.FnMapUpdateElem, "h", 1, updateExisting)...)
		returns(t, m, 0, count(asm.FnMapLookupElem, "h", 0, 0)...)
		returns(t, m, 0, count(asm.FnMapUpdateElem, "h", 77, 0)...)
		returns(t, m, errno(17), count(asm.FnMapUpdateElem, "h", 1, updateNew)...)
		add := []asm.Instruction{asm.Mov.Imm(asm.R1, 3), atomic(asm.AddAtomic, asm.R0, asm.R1, asm.DWord, 0), asm.LoadMem(asm.R0, asm.R0, 0, asm.DWord)}
		returns(t, m, 80, append(count(asm.FnMapLookupElem, "h", 0, 0), add...)...)
		if got := m.Map("h").Lookup(word(5), 0); !bytes.Equal(got, word(80)) {
			t.Errorf("%v: h[5] is % x", order, got)
		}
		// Another fills the map, a third has no place.
		if err := m.Map("h").Update(word(6), word(1)); err != nil {
			t.Error(err)
		}
		if err := m.Map("h").Update(word(7), word(1)); err == nil || !strings.Contains(err.Error(), "argument list too long") {
			t.Errorf("a third of two: %v", err)
		}
		returns(t, m, 0, count(asm.FnMapDeleteElem, "h", 0, 0)...)
		returns(t, m, errno(2), count(asm.FnMapDeleteElem, "h", 0, 0)...)
		if keys := m.Map("h").Keys(); len(keys) != 1 || !bytes.Equal(keys[0], word(6)) {
			t.Errorf("keys: % x", keys)
		}

		for m.CPU = range 2 {
			returns(t, m, 0, count(asm.FnMapUpdateElem, "p", int32(10+m.CPU), 0)...)
		}
		for cpu, want := range []uint64{10, 11} {
			if got := m.Map("p").Lookup(word(5), cpu); !bytes.Equal(got, word(want)) {
				t.Errorf("%v: p[5] on CPU %d is % x", order, cpu, got)
			}
		}
		m.CPU = 0

		for key := range uint64(3) {
			if err := m.Map("l").Update(word(key), word(key)); err != nil {
				t.Error(err)
			}
		}
		if keys := m.Map("l").Keys(); len(keys) != 2 || !slices.Equal(keys[0], word(1)) {
			t.Errorf("of three the oldest is evicted: % x", keys)
		}
	}
}

func TestRing(t *testing.T) {
	m := New(binary.LittleEndian, 1)
	if _, err := m.AddMap(object.Map{Name: "ring", Type: ebpf.RingBuf, MaxEntries: 64}); err != nil {
		t.Fatal(err)
	}
	reserve := []asm.Instruction{asm.LoadMapPtr(asm.R1, 0).WithReference("ring"), asm.Mov.Imm(asm.R2, 12), asm.Mov.Imm(asm.R3, 0), asm.FnRingbufReserve.Call()}
	send := append(slices.Clone(reserve), asm.JEq.Imm(asm.R0, 0, "full"), asm.Mov.Reg(asm.R1, asm.R0), asm.Mov.Imm(asm.R2, 0),
		asm.StoreImm(asm.R1, 0, 0x01020304, asm.Word), asm.FnRingbufSubmit.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return(),
		asm.Mov.Imm(asm.R0, -1).WithSymbol("full"))
	returns(t, m, 0, send...)
	returns(t, m, 0, send...)
	returns(t, m, 1<<64-1, send...) // two times 24 of 64
	// What was not written is not cleared.
	want := append([]byte{4, 3, 2, 1}, bytes.Repeat([]byte{stale}, 8)...)
	if got := m.Map("ring").Records(); len(got) != 2 || !bytes.Equal(got[0], want) {
		t.Errorf("% x, want two of % x", got, want)
	}
	if got := m.Map("ring").Records(); len(got) != 0 {
		t.Errorf("read twice: % x", got)
	}
	output := []asm.Instruction{asm.StoreImm(asm.R10, -4, 9, asm.Word), asm.LoadMapPtr(asm.R1, 0).WithReference("ring"), asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, -4), asm.Mov.Imm(asm.R3, 4), asm.Mov.Imm(asm.R4, 0), asm.FnRingbufOutput.Call()}
	returns(t, m, 0, output...)
	if got := m.Map("ring").Records(); len(got) != 1 || !bytes.Equal(got[0], []byte{9, 0, 0, 0}) {
		t.Errorf("output: % x", got)
	}

	for name, tail := range map[string]asm.Instructions{
		"1 reserved records are neither":          {asm.Mov.Imm(asm.R0, 0), asm.Return()},
		"4 bytes at 12 of a record of ring":       {asm.StoreImm(asm.R0, 12, 1, asm.Word)},
		"is no reserved record":                   {asm.Mov.Reg(asm.R1, asm.R10), asm.Mov.Imm(asm.R2, 0), asm.FnRingbufDiscard.Call()},
		"no memory at 0xffffc90000":               {asm.Mov.Reg(asm.R6, asm.R0), asm.Mov.Reg(asm.R1, asm.R0), asm.Mov.Imm(asm.R2, 0), asm.FnRingbufDiscard.Call(), asm.StoreImm(asm.R6, 0, 1, asm.Word)},
		"map ring of type RingBuf has no element": {asm.StoreImm(asm.R10, -4, 1, asm.Word), asm.LoadMapPtr(asm.R1, 0).WithReference("ring"), asm.Mov.Reg(asm.R2, asm.R10), asm.FnMapLookupElem.Call()},
	} {
		_, err := m.Run(assemble(t, m.order, append(slices.Clone(reserve), tail...)...), nil)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %s", err, name)
		}
		m.Map("ring").Records()
	}
}

func TestObject(t *testing.T) {
	for _, order := range orders {
		m, err := Load(&object.Object{
			Order: order, Data: 24, Const: eight(order, 42),
			Maps: []object.Map{{Name: "h", Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 1}},
		}, 2)
		if err != nil {
			t.Fatal(err)
		}
		returns(t, m, 42, asm.LoadMapValue(asm.R1, 0, 0).WithReference(ir.ConstMap), asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord),
			asm.LoadMapValue(asm.R2, 0, 16).WithReference(ir.DataMap), asm.StoreMem(asm.R2, 0, asm.R0, asm.DWord))
		if got := m.Map(ir.DataMap).Lookup(make([]byte, 4), 1); order.Uint64(got[16:]) != 42 {
			t.Errorf("%v: data % x", order, got)
		}
		for want, insns := range map[string]asm.Instructions{
			"a value of map .rodata cannot be written": {asm.LoadMapValue(asm.R1, 0, 0).WithReference(ir.ConstMap), asm.StoreImm(asm.R1, 0, 1, asm.Word)},
			"byte 24 of a value of map .bss":           {asm.LoadMapValue(asm.R1, 0, 24).WithReference(ir.DataMap)},
			"map h of type Hash has no direct values":  {asm.LoadMapValue(asm.R1, 0, 0).WithReference("h")},
		} {
			if _, err := m.Run(assemble(t, order, insns...), nil); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
	}
}

func TestMapsRefused(t *testing.T) {
	for want, spec := range map[string]object.Map{
		"no maps of type Queue":       {Name: "m", Type: ebpf.Queue},
		"m is there already":          {Name: "m", Type: ebpf.RingBuf},
		"key has 4 bytes, not 8":      {Name: "a", Type: ebpf.Array, KeySize: 8, ValueSize: 8, MaxEntries: 1},
		"sizes of key, value and map": {Name: "h", Type: ebpf.Hash, KeySize: 8, ValueSize: 8},
	} {
		m := New(binary.LittleEndian, 1)
		if _, err := m.AddMap(object.Map{Name: "m", Type: ebpf.RingBuf, MaxEntries: 64}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.AddMap(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Whatever the bytes are, a run ends, with a Fault or without, and the fault
// names an instruction.
func FuzzRun(f *testing.F) {
	seed := func(insns ...asm.Instruction) {
		for _, order := range orders {
			f.Add(assemble(f, order, insns...).code, order == binary.ByteOrder(binary.BigEndian))
		}
	}
	seed(asm.Mov.Imm(asm.R0, 1), asm.Return())
	seed(append(count(asm.FnMapUpdateElem, "h", 1, 0), asm.LoadMem(asm.R0, asm.R10, -8, asm.Half), asm.Return())...)
	seed(asm.LoadMapPtr(asm.R1, 0).WithReference("ring"), asm.Mov.Imm(asm.R2, 12), asm.Mov.Imm(asm.R3, 0), asm.FnRingbufReserve.Call(), asm.Mov.Reg(asm.R1, asm.R0), asm.FnRingbufSubmit.Call())
	seed(asm.Mov.Reg(asm.R1, asm.R10), asm.Mov.Imm(asm.R2, -1), asm.Mov.Reg(asm.R3, asm.R10), asm.FnProbeReadKernelStr.Call(), atomic(asm.CmpXchg, asm.R10, asm.R0, asm.Word, -4))
	f.Fuzz(func(t *testing.T, code []byte, big bool) {
		order := orders[0]
		if big {
			order = orders[1]
		}
		m := New(order, 2)
		m.Limit = 1000
		refs := map[int]string{}
		for i, name := range []string{"h", "ring", "a"} {
			spec := object.Map{Name: name, Type: []ebpf.MapType{ebpf.Hash, ebpf.RingBuf, ebpf.Array}[i], KeySize: 8, ValueSize: 8, MaxEntries: 64}
			if name == "a" {
				spec.KeySize = 4
			}
			if _, err := m.AddMap(spec); err != nil {
				t.Fatal(err)
			}
		}
		for i := range len(code) / 8 {
			refs[i] = []string{"h", "ring", "a"}[i%3]
		}
		_, err := m.Run(FromBytes(code, order, refs), make([]byte, 64))
		var fault *Fault
		if err != nil && (!errors.As(err, &fault) || fault.Text == "") {
			t.Fatalf("%v", err)
		}
	})
}
