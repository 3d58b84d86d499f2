package tracefs

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

// header starts the format file of event name as
// kernel/trace/trace_events.c prints it.
func header(name string) string {
	return "name: " + name + `
ID: 315
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

`
}

func common() []tpinfo.Field {
	return []tpinfo.Field{
		{Name: "common_type", Type: "unsigned short", Offset: 0, Size: 2},
		{Name: "common_flags", Type: "unsigned char", Offset: 2, Size: 1},
		{Name: "common_preempt_count", Type: "unsigned char", Offset: 3, Size: 1},
		{Name: "common_pid", Type: "int", Offset: 4, Size: 4, Signed: true},
	}
}

var formats = []struct {
	name, event, body string
	want              []tpinfo.Field
}{
	{"plain, arrays and signs", "sched_switch", `
	field:char prev_comm[16];	offset:8;	size:16;	signed:0;
	field:pid_t prev_pid;	offset:24;	size:4;	signed:1;
	field:int prev_prio;	offset:28;	size:4;	signed:1;
	field:long prev_state;	offset:32;	size:8;	signed:1;
	field:u8 mac[6];	offset:40;	size:6;	signed:0;
	field:unsigned long args[6];	offset:48;	size:48;	signed:0;
	field:bool last;	offset:96;	size:1;	signed:0;
`, []tpinfo.Field{
		{Name: "prev_comm", Type: "char[16]", Offset: 8, Size: 16},
		{Name: "prev_pid", Type: "pid_t", Offset: 24, Size: 4, Signed: true},
		{Name: "prev_prio", Type: "int", Offset: 28, Size: 4, Signed: true},
		{Name: "prev_state", Type: "long", Offset: 32, Size: 8, Signed: true},
		{Name: "mac", Type: "u8[6]", Offset: 40, Size: 6},
		{Name: "args", Type: "unsigned long[6]", Offset: 48, Size: 48},
		{Name: "last", Type: "bool", Offset: 96, Size: 1},
	}},
	{"dynamic arrays of both kinds", "net_dev_queue", `
	field:void * skbaddr;	offset:8;	size:8;	signed:0;
	field:__data_loc char[] name;	offset:16;	size:4;	signed:0;
	field:__data_loc unsigned long[] cpumask;	offset:20;	size:4;	signed:0;
	field:__rel_loc char[] msg;	offset:24;	size:4;	signed:1;
	field:__rel_loc __u8[] saddr;	offset:28;	size:4;	signed:0;
	field:__data_loc struct gadget *[] gadgets;	offset:32;	size:4;	signed:0;
`, []tpinfo.Field{
		{Name: "skbaddr", Type: "void *", Offset: 8, Size: 8},
		{Name: "name", Type: "char[]", Offset: 16, Size: 4, Location: tpinfo.DataLoc},
		{Name: "cpumask", Type: "unsigned long[]", Offset: 20, Size: 4, Location: tpinfo.DataLoc},
		{Name: "msg", Type: "char[]", Offset: 24, Size: 4, Signed: true, Location: tpinfo.RelLoc},
		{Name: "saddr", Type: "__u8[]", Offset: 28, Size: 4, Location: tpinfo.RelLoc},
		{Name: "gadgets", Type: "struct gadget *[]", Offset: 32, Size: 4, Location: tpinfo.DataLoc},
	}},
	{"pointers and structs", "workqueue_queue_work", `
	field:void * work;	offset:8;	size:8;	signed:0;
	field:void *function;	offset:16;	size:8;	signed:0;
	field:const char * name;	offset:24;	size:8;	signed:0;
	field:const struct trace_event_call *call;	offset:32;	size:8;	signed:0;
	field:struct in6_addr addr;	offset:40;	size:16;	signed:0;
	field:enum pid_type  type;	offset:56;	size:4;	signed:0;
	field:unsigned  long	flags;	offset:64;	size:8;	signed:0;
`, []tpinfo.Field{
		{Name: "work", Type: "void *", Offset: 8, Size: 8},
		{Name: "function", Type: "void *", Offset: 16, Size: 8},
		{Name: "name", Type: "const char *", Offset: 24, Size: 8},
		{Name: "call", Type: "const struct trace_event_call *", Offset: 32, Size: 8},
		{Name: "addr", Type: "struct in6_addr", Offset: 40, Size: 16},
		{Name: "type", Type: "enum pid_type", Offset: 56, Size: 4},
		{Name: "flags", Type: "unsigned long", Offset: 64, Size: 8},
	}},
	// A macro's text that no expression covers stays as it is: an unknown
	// spelling is better than a wrong one.
	{"text that is no C type", "odd", `
	field:char name[IFNAMSIZ];	offset:8;	size:16;	signed:0;
	field:u32 m[3][2];	offset:24;	size:24;	signed:0;
`, []tpinfo.Field{
		{Name: "name", Type: "char[IFNAMSIZ]", Offset: 8, Size: 16},
		{Name: "m", Type: "u32[3][2]", Offset: 24, Size: 24},
	}},
	// Fields of ftrace's own events may come without the column.
	{"without the column signed", "function", `
	field:unsigned long ip;	offset:8;	size:8;
	field:int depth;	offset:16;	size:4;
`, []tpinfo.Field{
		{Name: "ip", Type: "unsigned long", Offset: 8, Size: 8},
		{Name: "depth", Type: "int", Offset: 16, Size: 4},
	}},
	{"no field of its own", "empty", "", nil},
}

func TestParse(t *testing.T) {
	for _, c := range formats {
		t.Run(c.name, func(t *testing.T) {
			text := header(c.event) + c.body + "\nprint fmt: \"field:%d\", REC->prev_pid\n\tfield:int not_one;\toffset:9;\tsize:9;\tsigned:1;\n"
			got, err := Parse("sys", strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			want := &tpinfo.Tracepoint{
				System: "sys", Name: c.event, Source: tpinfo.FromTracefs,
				// The file does not tell the record's size, nor arguments.
				Record: &tpinfo.Record{Size: tpinfo.Unknown, Fields: append(common(), c.want...)},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Real-time kernels before 6.1 and those with migration counters have more
// fields in struct trace_entry; nothing may rely on it having eight bytes.
func TestParseRealTimeHeader(t *testing.T) {
	text := `name: sched_wakeup
ID: 318
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
	field:unsigned char common_migrate_disable;	offset:8;	size:1;	signed:0;
	field:unsigned char common_preempt_lazy_count;	offset:9;	size:1;	signed:0;

	field:char comm[16];	offset:12;	size:16;	signed:0;

print fmt: "comm=%s", REC->comm
`
	got, err := Parse("sched", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := append(common(),
		tpinfo.Field{Name: "common_migrate_disable", Type: "unsigned char", Offset: 8, Size: 1},
		tpinfo.Field{Name: "common_preempt_lazy_count", Type: "unsigned char", Offset: 9, Size: 1},
		tpinfo.Field{Name: "comm", Type: "char[16]", Offset: 12, Size: 16})
	if diff := cmp.Diff(want, got.Record.Fields); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestParseGarbage(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"empty", "", `no "name:" line`},
		{"no name", "ID: 1\nformat:\n", `no "name:" line`},
		{"empty name", "name: \nformat:\n", `no "name:" line`},
		{"binary", "\x7fELF\x02\x01\x01\x00\x00", `no "name:" line`},
		{"name behind the format", "print fmt: \"\"\nname: x\n", `no "name:" line`},
		{"no offset", "name: x\n\tfield:int a;\tsize:4;\tsigned:1;\n", "field:int a"},
		{"negative offset", "name: x\n\tfield:int a;\toffset:-4;\tsize:4;\tsigned:1;\n", "offset:-4"},
		{"offset beyond 32 bits", "name: x\n\tfield:int a;\toffset:4294967296;\tsize:4;\tsigned:1;\n", "offset"},
		{"size beyond 64 bits", "name: x\n\tfield:int a;\toffset:0;\tsize:99999999999999999999;\tsigned:1;\n", "size"},
		{"cut short", "name: x\n\tfield:int a;\toffset:8;\tsi", "field:int a"},
		{"no declaration", "name: x\n\tfield:;\toffset:8;\tsize:4;\tsigned:0;\n", "no name"},
		{"no name in a declaration", "name: x\n\tfield:char *;\toffset:8;\tsize:4;\tsigned:0;\n", "no name"},
		{"words behind a field", "name: x\n\tfield:int a;\toffset:8;\tsize:4;\tsigned:0; more\n", "more"},
		{"a line without end", "name: x\n\tfield:" + strings.Repeat("x", 2<<20), "too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse("sys", strings.NewReader(c.text))
			if !errors.Is(err, ErrFormat) || got != nil {
				t.Fatalf("got %+v, error %v; want nothing and ErrFormat", got, err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not tell %q", err, c.says)
			}
		})
	}
}
