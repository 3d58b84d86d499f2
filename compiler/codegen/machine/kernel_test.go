package machine

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// native is a little-endian machine's order, as this one's is.
var native = binary.LittleEndian

// inKernel runs a program once on the kernel, over the map that it refers to by
// name, whose value it changes.
func inKernel(t interface{ Fatalf(string, ...any) }, insns asm.Instructions, values *ebpf.Map) uint32 {
	insns = append(asm.Instructions{}, insns...)
	for i := range insns {
		if insns[i].IsLoadFromMap() {
			if err := insns[i].AssociateMap(values); err != nil {
				t.Fatalf("%v", err)
			}
		}
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, Instructions: insns, License: "GPL"})
	if err != nil {
		t.Fatalf("%+v\n%v", err, insns)
	}
	defer prog.Close()
	ret, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 14)})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return ret
}

// The kernel is right, whatever the program: all registers and the stack are as
// it leaves them.
func TestAsKernel(t *testing.T) {
	tier.Need(t, tier.Machine)
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	kernel, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: uint32(values.ValueSize), MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	same := func(t interface{ Fatalf(string, ...any) }, insns asm.Instructions, input []byte) {
		if err := kernel.Put(uint32(0), input); err != nil {
			t.Fatalf("%v", err)
		}
		inKernel(t, insns, kernel)
		var want []byte
		if err := kernel.Lookup(uint32(0), &want); err != nil {
			t.Fatalf("%v", err)
		}
		got := onMachine(t, insns, input, native)
		if diff := cmp.Diff(words(want, native), words(got, native)); diff != "" {
			t.Fatalf("(-kernel +machine)\n%s\n%v", diff, insns)
		}
	}
	// What random programs seldom meet: R0 equals what is in memory, or its
	// lower half does.
	for _, high := range []int64{0, 1 << 40} {
		for _, size := range []asm.Size{asm.Word, asm.DWord} {
			body := []asm.Instruction{asm.LoadImm(asm.R0, high|0x80000005, asm.DWord), asm.LoadImm(asm.R1, 0x80000005, asm.DWord), asm.StoreMem(asm.R10, -64, asm.R1, asm.DWord)}
			same(t, whole(append(body, atomic(asm.CmpXchg, asm.R10, asm.R2, size, -64))...), bytes.Repeat([]byte{0x77}, values.ValueSize))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		insns := program(t, true)
		input := make([]byte, values.ValueSize)
		for i := range 9 {
			native.PutUint64(input[8*i:], word().Draw(t, "input"))
		}
		same(t, insns, input)
	})
}

// onMachine is the map's value after a run.
func onMachine(t interface{ Fatalf(string, ...any) }, insns asm.Instructions, input []byte, order binary.ByteOrder) []byte {
	p, err := Assemble(insns, order)
	if err != nil {
		t.Fatalf("%v", err)
	}
	m := New(order, 1)
	mp, err := m.AddMap(values)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if err := mp.Update(make([]byte, 4), input); err != nil {
		t.Fatalf("%v", err)
	}
	if _, err := m.Run(p, nil); err != nil {
		t.Fatalf("%v\n%v", err, insns)
	}
	return mp.Lookup(make([]byte, 4), 0)
}

func words(data []byte, order binary.ByteOrder) []uint64 {
	out := make([]uint64, len(data)/8)
	for i := range out {
		out[i] = order.Uint64(data[8*i:])
	}
	return out
}

// What only computes does not depend on the order of bytes.
func TestOrders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		insns := program(t, false)
		little, big := make([]byte, values.ValueSize), make([]byte, values.ValueSize)
		for i := range 9 {
			n := word().Draw(t, "input")
			binary.LittleEndian.PutUint64(little[8*i:], n)
			binary.BigEndian.PutUint64(big[8*i:], n)
		}
		one := words(onMachine(t, insns, little, binary.LittleEndian), binary.LittleEndian)
		two := words(onMachine(t, insns, big, binary.BigEndian), binary.BigEndian)
		if diff := cmp.Diff(one, two); diff != "" {
			t.Fatalf("(-little +big)\n%s\n%v", diff, insns)
		}
	})
}
