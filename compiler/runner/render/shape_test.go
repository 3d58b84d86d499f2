package render

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

func shown(t *testing.T, p *Printer, r *ir.Render, v Value) (string, error) {
	t.Helper()
	site := ir.Site{Slots: []ir.Slot{{Type: v.Type, Size: 8, Render: r}}, Parts: []ir.Part{part('r')}}
	text, err := p.Format(nil, &site, []Value{v})
	return string(text), err
}

func TestShape(t *testing.T) {
	const bytes = "\xfe\xff\xff\xff" + "bash\x00xx\x00" + "\x10\x00\x00\x81\xff\xff\xff\xff" + "\x01\x00\x02\x00" + "\xb5\x03"
	mem := func(offset, size int, signed bool) *ir.Render {
		return &ir.Render{Offset: offset, Mem: &ir.Mem{Size: size, Signed: signed}}
	}
	named := func(name string, r *ir.Render) *ir.Render { c := *r; c.Name = name; return &c }
	array := &ir.Render{Array: true, More: true, Members: []*ir.Render{mem(20, 2, false), mem(22, 2, false)}}
	pointer := mem(12, 8, false)
	pointer.Pointer = true
	field := &ir.Render{Offset: 24, Mem: &ir.Mem{Size: 1, BitOffset: 2, BitSize: 4, Signed: true}}
	for _, c := range []struct {
		r    *ir.Render
		want string
	}{
		{mem(0, 4, true), "-2"},
		{mem(0, 4, false), "4294967294"},
		{named("prev", mem(0, 2, true)), "prev=-2"},
		{&ir.Render{Offset: 4, Chars: 8}, `"bash"`},
		{&ir.Render{Offset: 0, Chars: 6}, `"\376\377\377\377ba"`},
		{pointer, "0xffffffff81000010"},
		{array, "[1, 2, ...]"},
		{&ir.Render{Struct: true, More: true}, "{...}"},
		{field, "-3"}, // 0xb5 is 10110101: bits 2 to 5 are 1101
		{&ir.Render{Name: "task", Struct: true, More: true, Members: []*ir.Render{
			named("pid", mem(0, 4, true)),
			named("comm", &ir.Render{Offset: 4, Chars: 8}),
			{Struct: true, Members: []*ir.Render{named("next", pointer)}},
			named("arr", array),
		}}, `task={.pid=-2, .comm="bash", {.next=0xffffffff81000010}, .arr=[1, 2, ...], ...}`},
	} {
		got, err := shown(t, &Printer{Order: binary.LittleEndian}, c.r, Value{Str: bytes})
		if err != nil || got != c.want {
			t.Errorf("%q, %v; want %q", got, err, c.want)
		}
	}
}

// A bitfield is counted from the other end on a big-endian kernel, and may
// straddle bytes.
func TestBitfields(t *testing.T) {
	for _, c := range []struct {
		order binary.ByteOrder
		mem   ir.Mem
		bytes string
		want  string
	}{
		{binary.LittleEndian, ir.Mem{Size: 2, BitOffset: 6, BitSize: 5}, "\xc0\x05", "23"},
		{binary.BigEndian, ir.Mem{Size: 2, BitOffset: 6, BitSize: 5}, "\x02\xe0", "23"},
		{binary.BigEndian, ir.Mem{Size: 1, BitOffset: 0, BitSize: 1, Signed: true}, "\x80", "-1"},
		{binary.LittleEndian, ir.Mem{Size: 9, BitOffset: 4, BitSize: 64, Signed: true}, "\xf0\xff\xff\xff\xff\xff\xff\xff\x0f", "-1"},
		{binary.BigEndian, ir.Mem{Size: 9, BitOffset: 4, BitSize: 64}, "\x00\x00\x00\x00\x00\x00\x00\x00\x70", "7"},
	} {
		got, err := shown(t, &Printer{Order: c.order}, &ir.Render{Mem: &c.mem}, Value{Str: c.bytes})
		if err != nil || got != c.want {
			t.Errorf("%+v of %q is %q, %v; want %q", c.mem, c.bytes, got, err, c.want)
		}
	}
}

func TestShapeErrors(t *testing.T) {
	for _, r := range []*ir.Render{
		{Offset: 6, Mem: &ir.Mem{Size: 4}},
		{Offset: -1, Mem: &ir.Mem{Size: 4}},
		{Mem: &ir.Mem{Size: -4}},
		{Mem: &ir.Mem{Size: 16}},
		{Offset: 1 << 62, Chars: 1 << 62},
		{Mem: &ir.Mem{Size: 1, BitOffset: 5, BitSize: 4}},
		{Mem: &ir.Mem{Size: 1, BitOffset: -5, BitSize: 4}},
		{Struct: true, Members: []*ir.Render{nil}},
		{Array: true, Members: []*ir.Render{{Offset: 9, Chars: 1}}},
	} {
		if got, err := shown(t, &Printer{Order: binary.LittleEndian}, r, Value{Str: "01234567"}); err == nil {
			t.Errorf("%+v is %q", r, got)
		}
	}
}

type table map[int64][]uint64

func (table) Symbol(addr uint64) (Symbol, bool) {
	switch {
	case addr >= 0x1000 && addr < 0x1100:
		return Symbol{Name: "schedule", Module: "kernel", Offset: addr - 0x1000, Size: 0x100}, true
	case addr == 0x2000:
		return Symbol{Name: ".dotted", Module: "xfs", Size: 8}, true
	}
	return Symbol{}, false
}

func (s table) Stack(id int64) ([]uint64, error) {
	if frames := s[id]; frames != nil {
		return frames, nil
	}
	return nil, errors.New("key does not exist")
}

func TestNames(t *testing.T) {
	full := &Printer{
		Order:   binary.LittleEndian,
		Symbols: table{3: {0x1010, 0xffff, 0x2000}},
		Syscall: func(n int64) string { return map[int64]string{59: "execve"}[n] },
	}
	bare := &Printer{Order: binary.LittleEndian}
	for _, p := range []*Printer{full, bare} {
		p.Call = func(name string, v Value) (Value, error) {
			switch name {
			case "syscall_name":
				return Value{Type: ir.String, Str: p.SyscallName(v.Int)}, nil
			default:
				return Value{Type: ir.String, Str: string(p.Symbol(nil, uint64(v.Int), name == "symdata"))}, nil
			}
		}
	}
	symname, symdata := &ir.Render{Call: "symname"}, &ir.Render{Call: "symdata"}
	stack, syscall := &ir.Render{Stack: true}, &ir.Render{Call: "syscall_name"}
	for _, c := range []struct {
		p      *Printer
		r      *ir.Render
		number int64
		want   string
	}{
		{full, symname, 0x1010, "schedule"},
		{full, symname, 0x2000, "dotted"},
		{full, symname, 0x3000, "0x3000"},
		{full, symname, 0, "0x0"},
		{full, symdata, 0x1010, "schedule+0x10/0x100 [kernel]"},
		{full, symdata, 0x2000, "dotted+0x0/0x8 [xfs]"},
		{full, symdata, -1, "0xffffffffffffffff"},
		{bare, symdata, 0x1010, "0x1010"},
		{full, stack, 3, " 0x1010 : schedule+0x10/0x100 [kernel]\n 0xffff\n 0x2000 : dotted+0x0/0x8 [xfs]\n"},
		{full, stack, -14, " (no kernel stack: error -14)\n"},
		{full, stack, 9, " (no kernel stack: key does not exist)\n"},
		{bare, stack, 9, " (no kernel stack: none can be read here)\n"},
		{full, syscall, 59, "execve"},
		{full, syscall, 1000, ""},
		{bare, syscall, 59, ""},
	} {
		got, err := shown(t, c.p, c.r, Value{Type: ir.Long, Int: c.number})
		if err != nil || got != c.want {
			t.Errorf("%d is %q, %v; want %q", c.number, got, err, c.want)
		}
	}
}
