package codegen

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/codegen/machine"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// orders are both byte orders, of kernels that do not know the newest things
// and of one that does.
var orders = []struct {
	order   binary.ByteOrder
	name    tpinfo.ByteOrder
	release string
}{
	{binary.LittleEndian, tpinfo.LittleEndian, "5.10.0"}, {binary.BigEndian, tpinfo.BigEndian, "5.10.0"},
	{binary.LittleEndian, tpinfo.LittleEndian, "6.18.0"}, {binary.BigEndian, tpinfo.BigEndian, "6.18.0"},
}

// interpret runs a program's handler without a kernel and returns the data map.
func interpret(t rapid.TB, p *ir.Program, order binary.ByteOrder, name tpinfo.ByteOrder, release string, memory map[uint64][]byte, args ...int64) []byte {
	t.Helper()
	p.StringSize = 128
	p.Kernel = tpinfo.Kernel{Release: release, ByteOrder: name, WordSize: 8}
	o, err := Generate(p, source)
	if err != nil {
		t.Fatalf("%v", err)
	}
	m, err := machine.Load(o, 2)
	if err != nil {
		t.Fatalf("%v", err)
	}
	for addr, data := range memory {
		if err := m.AddMemory(addr, data, false); err != nil {
			t.Fatalf("%v", err)
		}
	}
	prog, err := machine.Assemble(o.Programs[0].Insns, order)
	if err != nil {
		t.Fatalf("%v", err)
	}
	ctx := make([]byte, 12*8)
	for i, a := range args {
		order.PutUint64(ctx[8*i:], uint64(a))
	}
	if _, err := m.Run(prog, ctx); err != nil {
		t.Fatalf("%s %s: %v\n%v", name, release, err, o.Programs[0].Insns)
	}
	return m.Map(ir.DataMap).Lookup([]byte{0, 0, 0, 0}, 0)
}

func TestArithmeticInterpreted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := expression(5).Draw(rt, "x")
		args := rapid.SliceOfN(interesting, 4, 4).Draw(rt, "args")
		caught := &ir.Node{Op: ir.Try, Int: -1, Args: []*ir.Node{block(eval(set(global(0), x))), block(eval(set(global(1), number(1))))}}
		want, fails := reckon(x, args)
		for _, o := range orders {
			data := interpret(rt, one(2, block(caught)), o.order, o.name, o.release, nil, args...)
			got, failed := int64(o.order.Uint64(data[ir.ControlSize:])), o.order.Uint64(data[ir.ControlSize+8:]) == 1
			if failed != fails || !fails && got != want {
				rt.Fatalf("%s %s: %d, want %d; failed %v, want %v", o.name, o.release, got, want, failed, fails)
			}
		}
	})
}

func TestTextsInterpreted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x, want := textExpression(rt, 3)
		y, other := textExpression(rt, 1)
		s := &ir.Node{Op: ir.GetGlo, Type: ir.String, Int: 0, Size: 128}
		for _, o := range orders {
			data := interpret(rt, texts(x, long(ir.Lt, s, y)), o.order, o.name, o.release, nil)
			text, _, _ := bytes.Cut(data[ir.ControlSize:ir.ControlSize+128], []byte{0})
			if string(text) != want {
				rt.Fatalf("%s: %q, want %q", o.name, text, want)
			}
			if less := o.order.Uint64(data[ir.ControlSize+128:]) == 1; less != (want < other) {
				rt.Fatalf("%s: %q < %q is %v", o.name, want, other, less)
			}
		}
	})
}

// Members of every size, and bitfields of every place and width, are read from
// memory as a compiler of that byte order lays them out; several of one
// statement are read together.
func TestMembersInterpreted(t *testing.T) {
	const at = 0xffff888000001000
	rapid.Check(t, func(rt *rapid.T) {
		bytes := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(rt, "memory")
		type member struct {
			mem  ir.Mem
			off  int64
			want map[tpinfo.ByteOrder]int64
		}
		var members []member
		for i := range rapid.IntRange(1, 4).Draw(rt, "members") {
			m := ir.Mem{Size: rapid.SampledFrom([]int{1, 2, 4, 8}).Draw(rt, fmt.Sprint("size", i)), Signed: rapid.Bool().Draw(rt, "signed")}
			off := rapid.IntRange(0, 40).Draw(rt, "off")
			if rapid.Bool().Draw(rt, "bitfield") {
				m.BitOffset, m.BitSize = rapid.IntRange(0, 7).Draw(rt, "bit"), rapid.IntRange(1, 64).Draw(rt, "bits")
				m.Size = (m.BitOffset + m.BitSize + 7) / 8
			}
			want := map[tpinfo.ByteOrder]int64{
				tpinfo.LittleEndian: reckonMember(bytes[off:], &m, false), tpinfo.BigEndian: reckonMember(bytes[off:], &m, true),
			}
			members = append(members, member{m, int64(off), want})
		}
		// The sum of all, so that one statement has every load.
		sum := number(0)
		for i := range members {
			load := &ir.Node{Op: ir.Load, Type: ir.Long, Int: members[i].off, Mem: &members[i].mem, Args: []*ir.Node{arg(0)}}
			sum = long(ir.Add, sum, long(ir.Mul, load, number(int64(2*i+1))))
		}
		for _, o := range orders {
			want := int64(0)
			for i := range members {
				want += members[i].want[o.name] * int64(2*i+1)
			}
			data := interpret(rt, one(1, block(eval(set(global(0), sum)))), o.order, o.name, o.release, map[uint64][]byte{at: bytes}, at-(1<<64))
			if got := int64(o.order.Uint64(data[ir.ControlSize:])); got != want {
				rt.Fatalf("%s: %#x, want %#x", o.name, got, want)
			}
		}
	})
}

// reckonMember takes a member's bits one after another.
func reckonMember(data []byte, m *ir.Mem, big bool) int64 {
	first, width := m.BitOffset, m.BitSize
	if width == 0 {
		first, width = 0, 8*m.Size
	}
	bit := func(n int) uint64 {
		if big {
			return uint64(data[n/8]>>(7-n%8)) & 1
		}
		return uint64(data[n/8]>>(n%8)) & 1
	}
	var v uint64
	for n := range width {
		if big {
			v = v<<1 | bit(first+n)
		} else {
			v |= bit(first+n) << n
		}
	}
	if m.Signed && width < 64 && v>>(width-1)&1 == 1 {
		v |= ^uint64(0) << width
	}
	return int64(v)
}

// An argument lies in the low-order bytes of its slot.
func TestArgumentsInterpreted(t *testing.T) {
	for _, o := range orders {
		for _, size := range []int{1, 2, 4, 8} {
			off := int64(8)
			if o.name == tpinfo.BigEndian {
				off += int64(8 - size)
			}
			a := &ir.Node{Op: ir.Arg, Type: ir.Long, Int: off, Mem: &ir.Mem{Size: size, Signed: true}}
			data := interpret(t, one(1, block(eval(set(global(0), a)))), o.order, o.name, o.release, nil, 0, -5)
			if got := int64(o.order.Uint64(data[ir.ControlSize:])); got != -5 {
				t.Errorf("%s: an argument of %d bytes is %d, want -5", o.name, size, got)
			}
		}
	}
}
