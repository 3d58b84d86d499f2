package btf

import (
	"bytes"
	"encoding/binary"
	"testing"

	cbtf "github.com/cilium/ebpf/btf"
)

// sampleBTF is what a very small kernel would have: events in both forms that
// BTF knows them by, two records, and types of every kind.
func sampleBTF(t testing.TB) []byte {
	t.Helper()
	return sampleIn(t, binary.LittleEndian)
}

func sampleIn(t testing.TB, order binary.ByteOrder) []byte {
	t.Helper()
	u8 := &cbtf.Int{Name: "unsigned char", Size: 1}
	u16 := &cbtf.Int{Name: "short unsigned int", Size: 2}
	u32 := &cbtf.Int{Name: "unsigned int", Size: 4}
	i32 := &cbtf.Int{Name: "int", Size: 4, Encoding: cbtf.Signed}
	long := &cbtf.Int{Name: "long unsigned int", Size: 8}
	char := &cbtf.Int{Name: "char", Size: 1, Encoding: cbtf.Signed}
	boolean := &cbtf.Int{Name: "_Bool", Size: 1, Encoding: cbtf.Bool}
	void := &cbtf.Pointer{Target: (*cbtf.Void)(nil)}
	text := &cbtf.Pointer{Target: &cbtf.Const{Type: char}}
	pid := &cbtf.Typedef{Name: "pid_t", Type: i32}
	task := &cbtf.Struct{Name: "task_struct", Size: 40}
	task.Members = []cbtf.Member{
		{Name: "pid", Type: pid},
		{Name: "flags", Type: u32, Offset: 32, BitfieldSize: 3},
		{Name: "state", Type: u32, Offset: 35, BitfieldSize: 5},
		{Name: "parent", Type: &cbtf.Pointer{Target: task}, Offset: 64},
		{Type: &cbtf.Union{Size: 8, Members: []cbtf.Member{
			{Name: "start", Type: long}, {Name: "any", Type: void},
		}}, Offset: 128},
		{Name: "comm", Type: &cbtf.Array{Type: char, Index: u32, Nelems: 16}, Offset: 192},
	}
	entry := &cbtf.Struct{Name: "trace_entry", Size: 8, Members: []cbtf.Member{
		{Name: "type", Type: u16}, {Name: "flags", Type: u8, Offset: 16}, {Name: "preempt_count", Type: u8, Offset: 24}, {Name: "pid", Type: i32, Offset: 32},
	}}
	record := func(class string, size uint32, fields ...cbtf.Member) cbtf.Type {
		members := append([]cbtf.Member{{Name: "ent", Type: entry}}, fields...)
		members = append(members, cbtf.Member{Name: "__data", Type: &cbtf.Array{Type: char, Index: u32}, Offset: cbtf.Bits(size * 8)})
		return &cbtf.Struct{Name: "trace_event_raw_" + class, Size: size, Members: members}
	}
	proto := func(params ...cbtf.FuncParam) *cbtf.FuncProto {
		return &cbtf.FuncProto{Return: i32, Params: append([]cbtf.FuncParam{{Name: "__data", Type: void}}, params...)}
	}
	types := []cbtf.Type{
		task,
		&cbtf.Func{Name: "__traceiter_wakeup", Linkage: cbtf.StaticFunc, Type: proto(
			cbtf.FuncParam{Name: "p", Type: &cbtf.Pointer{Target: task}}, cbtf.FuncParam{Name: "success", Type: boolean}, cbtf.FuncParam{Name: "name", Type: text})},
		&cbtf.Typedef{Name: "btf_trace_wakeup", Type: &cbtf.Pointer{Target: proto(cbtf.FuncParam{Type: &cbtf.Pointer{Target: task}})}},
		// Only its types are known.
		&cbtf.Typedef{Name: "btf_trace_older", Type: &cbtf.Pointer{Target: proto(cbtf.FuncParam{Type: long}, cbtf.FuncParam{Type: pid})}},
		record("wakeup", 24, cbtf.Member{Name: "pid", Type: pid, Offset: 64}, cbtf.Member{Name: "__data_loc_name", Type: u32, Offset: 96}, cbtf.Member{Name: "__rel_loc_list", Type: u32, Offset: 128}, cbtf.Member{Name: "ok", Type: boolean, Offset: 160}),
		record("some_class", 16, cbtf.Member{Name: "when", Type: long, Offset: 64}),
		&cbtf.Enum{Name: "mood", Size: 4, Signed: true, Values: []cbtf.EnumValue{{Name: "BAD", Value: ^uint64(0)}, {Name: "GOOD", Value: 1}}},
	}
	b, err := cbtf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, &cbtf.MarshalOptions{Order: order})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// elfWith makes an ELF file with one section, and text in another.
func elfWith(section string, data []byte, text string) []byte {
	names := "\x00.shstrtab\x00" + section + "\x00.rodata\x00"
	const header, entry = 64, 64
	at := func(name string) uint32 { return uint32(bytes.Index([]byte(names), []byte(name+"\x00"))) }
	var out bytes.Buffer
	le := binary.LittleEndian
	names += string(make([]byte, -len(names)&7))
	offsetNames := header
	offsetData := offsetNames + len(names)
	offsetText := offsetData + len(data)
	offsetTable := offsetText + len(text)
	ident := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9)...)
	out.Write(ident)
	for _, v := range []any{uint16(3), uint16(62), uint32(1), uint64(0), uint64(0), uint64(offsetTable), uint32(0), uint16(header), uint16(0), uint16(0), uint16(entry), uint16(4), uint16(1)} {
		_ = binary.Write(&out, le, v) // into memory
	}
	out.WriteString(names)
	out.Write(data)
	out.WriteString(text)
	write := func(name, kind uint32, offset, size int) {
		for _, v := range []any{name, kind, uint64(0), uint64(0), uint64(offset), uint64(size), uint32(0), uint32(0), uint64(1), uint64(0)} {
			_ = binary.Write(&out, le, v)
		}
	}
	write(0, 0, 0, 0)
	write(at(".shstrtab"), 3, offsetNames, len(names))
	write(at(section), 1, offsetData, len(data))
	write(at(".rodata"), 1, offsetText, len(text))
	return out.Bytes()
}

// bzImage puts a payload where an x86 boot header says.
func bzImage(payload []byte, release string) []byte {
	const sectors = 4
	data := make([]byte, (sectors+1)*512+100)
	data[0x1f1] = sectors
	copy(data[0x202:], "HdrS")
	binary.LittleEndian.PutUint16(data[0x206:], 0x20f)
	binary.LittleEndian.PutUint16(data[0x20e:], 0x300)
	copy(data[0x500:], release+" (builder@host) #1 SMP\x00")
	binary.LittleEndian.PutUint32(data[0x248:], 100)
	binary.LittleEndian.PutUint32(data[0x24c:], uint32(len(payload)))
	return append(data, payload...)
}
