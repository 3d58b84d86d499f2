package syscalls

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// autoconf makes an autoconf.h of an auto.conf.
var autoconf = strings.NewReplacer("CONFIG_", "#define CONFIG_", "=y", " 1", "=m", "_MODULE 1")

// kernel is a source tree beside a build tree, of which the preprocessor is
// asked nothing: what goes to it is what the tests look at.
func kernel(t *testing.T, config string, more map[string]string) (*kbuild.Source, *kbuild.Tree) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"out/include/config/auto.conf": config, "out/include/generated/autoconf.h": autoconf.Replace(config), "out/include/linux/tracepoint.h": "",
		"out/include/generated/utsrelease.h":               "#define UTS_RELEASE \"6.1.9-tiny\"\n",
		"out/include/generated/uapi/linux/version.h":       "#define LINUX_VERSION_CODE 393481\n",
		"out/arch/x86/include/generated/asm/syscalls_64.h": "__SYSCALL(0, sys_read)\n",
		"out/arch/arm64/include/generated/asm/.any":        "",
		"src/Makefile":                      "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 9\n",
		"src/Kbuild":                        "obj-y += init/ fs/ kernel/\nobj-m += fs/mod/\n",
		"src/init/Makefile":                 "obj-y := main.o start.o\n",
		"src/init/main.c":                   "int main;\n",
		"src/fs/Makefile":                   "obj-y := open.o torn.o\nobj-$(CONFIG_OFF) += off.o\n",
		"src/fs/open.c":                     "#include \"x.h\"\n#define WANT 1\n#ifdef CONFIG_OPEN\nSYSCALL_DEFINE1(open, const char __user *, filename)\n{}\n#endif\n#if WANT && defined(STRANGE)\nSYSCALL_DEFINE0(odd)\n#endif\n",
		"src/fs/off.c":                      "SYSCALL_DEFINE0(off)\n",
		"src/fs/torn.c":                     "#endif\nSYSCALL_DEFINE0(torn)\n",
		"src/fs/mod/Makefile":               "obj-m := mod.o\n",
		"src/fs/mod/mod.c":                  "SYSCALL_DEFINE0(mod)\n",
		"src/kernel/Makefile":               "obj-y := build.o trace/\n",
		"src/kernel/build.c":                "#ifdef CONFIG_MEMBARRIER\n# include \"membarrier.c\"\n#endif\n#include \"gone.c\"\n",
		"src/kernel/membarrier.c":           "SYSCALL_DEFINE1(membarrier, int, cmd)\n",
		"src/kernel/trace/Makefile":         "obj-y := trace_syscalls.o\n",
		"src/kernel/trace/trace_syscalls.c": "static void check_faultable_syscall(struct trace_event_call *call, int nr)\n{\n\tswitch (nr) {\n#ifdef __NR_open\n\tcase __NR_open:\n#endif\n\t}\n}\n",
	}
	for name, text := range more {
		files[name] = text
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := kbuild.Find(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	src, err := kbuild.OpenSource(filepath.Join(dir, "src"), tree)
	if err != nil {
		t.Fatal(err)
	}
	return src, tree
}

const traced = "CONFIG_X86_64=y\nCONFIG_MODULES=y\nCONFIG_FTRACE_SYSCALLS=y\n"

// The fields that every record starts with; those of a real-time kernel.
var (
	common = []tpinfo.Field{
		{Name: "common_type", Type: "unsigned short", Offset: 0, Size: 2},
		{Name: "common_flags", Type: "unsigned char", Offset: 2, Size: 1},
		{Name: "common_preempt_count", Type: "unsigned char", Offset: 3, Size: 1},
		{Name: "common_pid", Type: "int", Offset: 4, Size: 4, Signed: true},
	}
	lazy = append(common[:4:4], tpinfo.Field{Name: "common_preempt_lazy_count", Type: "unsigned char", Offset: 8, Size: 1})
)

func TestUnit(t *testing.T) {
	src, tree := kernel(t, traced, nil)
	var unit string
	found, err := Events(context.Background(), src, tree, Entry{common, 8}, func(_ context.Context, text string) (string, error) {
		unit = text
		return output, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, unit, _ = strings.Cut(unit, "#define __SYSCALL_DEFINEx(...)\n")
	head, rest, _ := strings.Cut(unit, "\n\n#undef __SYSCALL\n")
	want := `tpinfo_file "fs/open.c"
#define WANT 1
#ifdef CONFIG_OPEN
SYSCALL_DEFINE1(open, const char __user *, filename)
#endif
#ifndef STRANGE
tpinfo_undefined "fs/open.c" "STRANGE" tpinfo_end
#endif
#if WANT && defined(STRANGE)
SYSCALL_DEFINE0(odd)
#endif
#undef WANT
tpinfo_file "kernel/build.c"
#ifdef CONFIG_MEMBARRIER
tpinfo_file "kernel/membarrier.c"
SYSCALL_DEFINE1(membarrier, int, cmd)
tpinfo_file "kernel/build.c"
#endif
`
	if diff := cmp.Diff(want, head+"\n"); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, line := range []string{"#define __SYSCALL(nr, sym) tpinfo_number nr __x64_##sym tpinfo_end\n", "#include <asm/syscalls_64.h>\n",
		"tpinfo_faults {\n\tswitch (nr) {\n#ifdef __NR_open\n\tcase __NR_open:\n#endif\n\t}\n} tpinfo_end\n"} {
		if !strings.Contains(rest, line) {
			t.Errorf("no %q in\n%s", line, rest)
		}
	}
	if diff := cmp.Diff([]string{"fs/open.c", "kernel/build.c", "kernel/membarrier.c", "kernel/trace/trace_syscalls.c"}, found.Files); diff != "" {
		t.Errorf("files, -want +got:\n%s", diff)
	}
	problems := []tpinfo.Problem{
		{Code: tpinfo.InputSkipped, Subject: "fs/torn.c", Message: "its system calls are not known: its #if and #endif do not pair up"},
		{Code: tpinfo.InputSkipped, Subject: "kernel/signal.c", Message: "which of its system calls there are depends on ODD, which no header read here defines"},
	}
	if diff := cmp.Diff(problems, found.Problems); diff != "" {
		t.Errorf("problems, -want +got:\n%s", diff)
	}
}

func TestEvents(t *testing.T) {
	src, tree := kernel(t, traced, nil)
	nr := tpinfo.Field{Name: "__syscall_nr", Type: "int", Offset: 8, Size: 4, Signed: true}
	ret := tpinfo.Field{Name: "ret", Type: "long", Offset: 16, Size: 8, Signed: true}
	arg := func(i int, name, typ string) tpinfo.Field {
		return tpinfo.Field{Name: name, Type: typ, Offset: tpinfo.Bytes(16 + 8*i), Size: 8}
	}
	// The call's number has bit 1 of its mask set: its second argument's string.
	val := tpinfo.Field{Name: "__flags_val", Type: "char[]", Offset: 40, Size: 4, Location: tpinfo.DataLoc}
	record := func(size tpinfo.Bytes, fields ...tpinfo.Field) *tpinfo.Record {
		return &tpinfo.Record{Size: size, Fields: append(common[:4:4], fields...)}
	}
	found, err := Events(context.Background(), src, tree, Entry{common, 8}, func(context.Context, string) (string, error) {
		return output, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	event := func(name string, r *tpinfo.Record, hook string) tpinfo.Tracepoint {
		return tpinfo.Tracepoint{
			System: "syscalls", Name: name, Header: "fs/open.c", Source: tpinfo.FromSource, Args: []tpinfo.Arg{}, Record: r,
			Problems: []tpinfo.Problem{{Code: tpinfo.RecordOnly, Message: "it is no tracepoint of its own: the kernel makes its record in raw_syscalls:" + hook + ", whose arguments a program may read instead"}},
		}
	}
	want := []tpinfo.Tracepoint{
		event("sys_enter_open", record(44, nr, arg(0, "filename", "const char *"), arg(1, "flags", "int"), arg(2, "mode", "umode_t"), val), "sys_enter"),
		event("sys_enter_vhangup", record(16, nr), "sys_enter"),
		event("sys_exit_open", record(24, nr, ret), "sys_exit"),
		event("sys_exit_vhangup", record(24, nr, ret), "sys_exit"),
	}
	if diff := cmp.Diff(want, found.Events); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for i := range found.Events {
		if e := &found.Events[i]; !e.Complete() || !e.RecordOnly() || Size(e.Record.Fields, 8) != e.Record.Size {
			t.Errorf("%s: size %v, by its fields %v", e.Name, e.Record.Size, Size(e.Record.Fields, 8))
		}
	}
}

// A larger struct trace_entry moves the number, not the arguments.
func TestRealTimeEntry(t *testing.T) {
	d := defined{name: "close", types: []string{"unsigned int"}, names: []string{"fd"}}
	r := enter(d, 0, Entry{lazy, 12}, 8)
	if f := r.Fields[5]; f.Offset != 12 || f.Name != "__syscall_nr" || r.Fields[6].Offset != 16 || r.Size != 24 {
		t.Errorf("%+v", r)
	}
	if r := exit(Entry{lazy, 12}, 4); r.Fields[6].Offset != 16 || r.Fields[6].Size != 4 || r.Size != 20 {
		t.Errorf("of 32 bits: %+v", r)
	}
}

func TestEntryOf(t *testing.T) {
	events := []tpinfo.Tracepoint{{Name: "bare"}, {Name: "a", Record: &tpinfo.Record{Size: 24, Fields: append(lazy[:5:5],
		tpinfo.Field{Name: "common_of_its_own", Type: "int", Offset: 12, Size: 4}, tpinfo.Field{Name: "x", Type: "long", Offset: 16, Size: 8})}}}
	types := []tpinfo.Type{{Kind: tpinfo.KindStruct, Name: "struct trace_entry", Size: 12}}
	e, ok := EntryOf(events, types)
	if diff := cmp.Diff(Entry{lazy, 12}, e); !ok || diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, ok := EntryOf(events, nil); ok {
		t.Error("an entry without its type")
	}
}

func TestEventsRefuses(t *testing.T) {
	quiet := func(context.Context, string) (string, error) { return "", nil }
	src, tree := kernel(t, traced, nil)
	if _, err := Events(context.Background(), src, tree, Entry{common, 8}, quiet); !errors.Is(err, ErrNoTable) {
		t.Errorf("an empty table: %v", err)
	}
	broken := errors.New("broken")
	if _, err := Events(context.Background(), src, tree, Entry{common, 8}, func(context.Context, string) (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("a broken compiler: %v", err)
	}
	src, tree = kernel(t, "CONFIG_X86_64=y\n", nil)
	if found, err := Events(context.Background(), src, tree, Entry{common, 8}, nil); err != nil || len(found.Events) != 0 {
		t.Errorf("without CONFIG_FTRACE_SYSCALLS: %+v, %v", found, err)
	}
	src, tree = kernel(t, "CONFIG_ARM64=y\nCONFIG_FTRACE_SYSCALLS=y\n", nil)
	if _, err := Events(context.Background(), src, tree, Entry{common, 8}, quiet); !errors.Is(err, ErrNoTable) || !strings.Contains(err.Error(), "has no asm/syscall_table_64.h and no asm/unistd.h") {
		t.Errorf("no table: %v", err)
	}
}
