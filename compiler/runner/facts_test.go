package runner

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

func TestCheckMember(t *testing.T) {
	u32 := &btf.Int{Name: "u32", Size: 4}
	inner := &btf.Struct{Size: 8, Members: []btf.Member{
		{Name: "x", Type: u32}, {Name: "flag", Type: u32, Offset: 37, BitfieldSize: 3}}}
	outer := &btf.Struct{Name: "task", Size: 24, Members: []btf.Member{
		{Name: "se", Type: &btf.Typedef{Name: "se_t", Type: inner}, Offset: 64},
		{Type: &btf.Union{Size: 8, Members: []btf.Member{{Name: "pid", Type: u32}, {Type: inner}}}, Offset: 128},
	}}
	for _, c := range []struct {
		fact ir.Fact
		want string
	}{
		{ir.Fact{Member: "pid", Offset: 16, Size: 4}, ""},
		{ir.Fact{Member: "se.x", Offset: 8, Size: 4}, ""},
		{ir.Fact{Member: "x", Offset: 16, Size: 4}, ""},
		{ir.Fact{Member: "se", Offset: 8, Size: 8}, ""},
		{ir.Fact{Member: "flag", Offset: 20, BitOffset: 5, BitSize: 3, Size: 4}, ""},
		{ir.Fact{Member: "pid", Offset: 12, Size: 4},
			"struct task.pid is at offset 16, size 4 here; the object expects it at offset 12, size 4"},
		{ir.Fact{Member: "pid", Offset: 16, Size: 8},
			"struct task.pid is at offset 16, size 4 here; the object expects it at offset 16, size 8"},
		{ir.Fact{Member: "se.flag", Offset: 12, BitOffset: 4, BitSize: 3, Size: 4},
			"struct task.se.flag is at bit 101, 3 wide here; the object expects it at bit 100, 3 wide"},
		{ir.Fact{Member: "flag", Offset: 20, Size: 4},
			"struct task.flag is at bit 165, 3 wide here; the object expects it at offset 20, size 4"},
		{ir.Fact{Size: 24}, ""},
		{ir.Fact{Size: 32}, "the size of struct task is 24 bytes here; the object expects 32"},
		{ir.Fact{Member: "se.y"}, "struct task has no member se.y here"},
		{ir.Fact{Member: "pid.y"}, "struct task has no member pid.y here"},
	} {
		c.fact.Type = "struct task"
		if v := checkMemberOf(&c.fact, outer); v.differs != c.want || v.unknown != "" {
			t.Errorf("%s at %d: %+v, want %q", c.fact.Member, c.fact.Offset, v, c.want)
		}
	}
}

func TestCheckTarget(t *testing.T) {
	here := Target{Release: "6.1.0", Arch: "x86", ByteOrder: tpinfo.LittleEndian}
	for _, c := range []struct {
		name   string
		kernel tpinfo.Kernel
		want   string
		never  bool
	}{
		{"the same", tpinfo.Kernel{Release: "6.1.0", Arch: "x86", ByteOrder: tpinfo.LittleEndian}, "", false},
		{"another release", tpinfo.Kernel{Release: "5.10.0", Arch: "x86", ByteOrder: tpinfo.LittleEndian},
			"it is for kernel 5.10.0, this is 6.1.0", false},
		{"another machine", tpinfo.Kernel{Release: "6.1.0", Arch: "arm64", ByteOrder: tpinfo.LittleEndian},
			"it is for arm64, this machine is x86", false},
		{"another byte order", tpinfo.Kernel{Release: "6.1.0", Arch: "s390", ByteOrder: tpinfo.BigEndian},
			"it is for a big-endian kernel, this one is little-endian", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, notes := checkTarget(&ir.Program{Kernel: c.kernel}, here, newKernelTypes())
			switch {
			case c.want == "" && m != nil:
				t.Errorf("refused: %v", m)
			case c.want != "" && (m == nil || strings.Join(m.Differences, "|") != c.want || m.Never != c.never):
				t.Errorf("%+v, want %q", m, c.want)
			case len(notes) != 0:
				t.Errorf("notes %q", notes)
			}
		})
	}
	// Without BTF facts are not checked, and that is said.
	p := &ir.Program{Kernel: tpinfo.Kernel{Release: "6.1.0", Arch: "x86", ByteOrder: tpinfo.LittleEndian},
		Facts: []ir.Fact{{Type: "struct task_struct", Member: "pid", Offset: 1}, {Event: "sched_switch", Member: "prev"}}}
	m, notes := checkTarget(p, here, newKernelTypes())
	if m != nil || len(notes) != 2 ||
		notes[0] != "struct task_struct.pid was not checked: this kernel has no /sys/kernel/btf/vmlinux" ||
		!strings.HasPrefix(notes[1], "argument prev of sched_switch was not checked: ") {
		t.Errorf("%v, notes %q", m, notes)
	}
}

func TestAtLeast(t *testing.T) {
	for release, want := range map[string]bool{
		"5.7.19": false, "4.19.0-1-amd64": false, "5.8.0": true, "5.10.0-30": true, "6.0": true, "7.3-rc1": true, "odd": true,
	} {
		if got := (Target{Release: release}).atLeast(5, 8); got != want {
			t.Errorf("%s: %v", release, got)
		}
	}
}

const switchFormat = `name: sched_switch
ID: 316
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;

	field:char prev_comm[16];	offset:8;	size:16;	signed:0;
	field:const char * name;	offset:24;	size:8;	signed:0;
	field:__data_loc char[] msg;	offset:32;	size:4;	signed:0;

print fmt: "prev_comm=%s", REC->prev_comm
`

func TestFieldPlace(t *testing.T) {
	for _, c := range []struct {
		name         string
		offset, size int64
		ok           bool
	}{
		{"common_type", 0, 2, true}, {"prev_comm", 8, 16, true}, {"name", 24, 8, true}, {"msg", 32, 4, true},
		{"comm", 0, 0, false}, {"", 0, 0, false},
	} {
		offset, size, ok := fieldPlace(switchFormat, c.name)
		if offset != c.offset || size != c.size || ok != c.ok {
			t.Errorf("%q: %d, %d, %v; want %d, %d, %v", c.name, offset, size, ok, c.offset, c.size, c.ok)
		}
	}
}

func FuzzFieldPlace(f *testing.F) {
	f.Add(switchFormat, "msg")
	f.Add("field:;", "")
	f.Fuzz(func(t *testing.T, format, name string) {
		if _, _, ok := fieldPlace(format, name); ok && !strings.Contains(format, name) {
			t.Errorf("found %q, which is not there", name)
		}
	})
}

func TestPointers(t *testing.T) {
	for spelling, want := range map[string]string{
		"struct task_struct *": "struct task_struct", "const union u *": "", "int": "", "void *": "", "pid_t *": "",
		"struct page *[4]": "", "(": "",
	} {
		if want == "" && strings.Contains(spelling, "union") {
			want = "union u"
		}
		if got := pointee(spelling); got != want {
			t.Errorf("%s: %q, want %q", spelling, got, want)
		}
	}
}

func TestParseCPUs(t *testing.T) {
	for list, want := range map[string]int{"0": 1, "0-3": 4, "0-1,4,6-7": 5} {
		if got, err := parseCPUs(list); err != nil || len(got) != want {
			t.Errorf("%s: %v, %v", list, got, err)
		}
	}
	for _, list := range []string{"", "a", "3-1", "1-", "0-99999999"} {
		if got, err := parseCPUs(list); err == nil {
			t.Errorf("%s: %v", list, got)
		}
	}
}
