package checktest

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Kernel is a kernel of a few events and types, held in maps: check.Metadata.
type Kernel struct {
	Order       tpinfo.ByteOrder
	Source      tpinfo.Source
	Tracepoints []tpinfo.Tracepoint
	Types       map[string]tpinfo.Type
	Headers     map[string]tpinfo.Type // by "header type"
	Broken      error                  // what Event answers where it is set
}

type missing struct {
	what string
	near []string
}

func (m *missing) Error() string         { return "no " + m.what }
func (m *missing) Suggestions() []string { return m.near }

// Identity implements check.Metadata, as the methods behind it do.
func (k *Kernel) Identity() tpinfo.Kernel {
	return tpinfo.Kernel{ID: "0123", Release: "6.1.0-tiny", Arch: "x86", ByteOrder: k.Order, WordSize: 8, Source: k.Source}
}

// Event finds an event by its name, with or without its system.
func (k *Kernel) Event(_ context.Context, name string) (*tpinfo.Tracepoint, error) {
	if k.Broken != nil {
		return nil, k.Broken
	}
	var names []string
	for i := range k.Tracepoints {
		e := &k.Tracepoints[i]
		if name == e.Name || name == e.FullName() && e.System != "" {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return nil, &missing{"event " + name, tpinfo.Near(name, names, 3, false)}
}

// Events finds those that patterns match.
func (k *Kernel) Events(_ context.Context, patterns ...string) ([]tpinfo.Tracepoint, error) {
	var found []tpinfo.Tracepoint
	for _, e := range k.Tracepoints {
		for _, p := range patterns {
			name := e.Name
			if strings.Contains(p, ":") {
				name = e.FullName()
			}
			if ok, _ := path.Match(p, name); ok {
				found = append(found, e)
			}
		}
	}
	if len(found) == 0 {
		return nil, &missing{"event", nil}
	}
	return found, nil
}

// TypeIfKnown finds a type in Types.
func (k *Kernel) TypeIfKnown(_ context.Context, name string) (*tpinfo.Type, error) {
	if t, ok := k.Types[name]; ok {
		return &t, nil
	}
	return nil, nil
}

// TypeNames are those of all Types, whatever the pattern.
func (k *Kernel) TypeNames(context.Context, string) ([]string, error) {
	var names []string
	for name := range k.Types {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// Enumerator looks through the enums of Types.
func (k *Kernel) Enumerator(_ context.Context, name string) (int64, bool, error) {
	for _, t := range k.Types {
		for _, e := range t.Enumerators {
			if e.Name == name {
				return e.Value, true, nil
			}
		}
	}
	return 0, false, nil
}

// Header finds a type in Headers.
func (k *Kernel) Header(_ context.Context, headers []string, name string) (*tpinfo.Type, error) {
	for _, h := range headers {
		if t, ok := k.Headers[h+" "+name]; ok {
			return &t, nil
		}
	}
	return nil, errors.New("header " + headers[0] + " cannot be compiled: no build tree; extract with one")
}

func base(name string, size int, enc tpinfo.Encoding) tpinfo.Type {
	return tpinfo.Type{Kind: tpinfo.KindBase, Name: name, Size: tpinfo.Bytes(size), Encoding: enc}
}

func typedef(name, of string, size int) tpinfo.Type {
	return tpinfo.Type{Kind: tpinfo.KindTypedef, Name: name, Of: of, Size: tpinfo.Bytes(size)}
}

func structOf(name string, size int, members ...tpinfo.Member) tpinfo.Type {
	return tpinfo.Type{Kind: tpinfo.KindStruct, Name: name, Size: tpinfo.Bytes(size), Members: members}
}

func member(name, typ string, offset, size int) tpinfo.Member {
	return tpinfo.Member{Name: name, Type: typ, Offset: tpinfo.Bytes(offset), Size: tpinfo.Bytes(size)}
}

func bits(name, typ string, offset, bit, width int) tpinfo.Member {
	return tpinfo.Member{Name: name, Type: typ, Offset: tpinfo.Bytes(offset), Size: 4, BitOffset: bit, BitSize: width}
}

func union(offset, size int, members ...tpinfo.Member) tpinfo.Member {
	return tpinfo.Member{
		Type: tpinfo.AnonUnion, Offset: tpinfo.Bytes(offset), Size: tpinfo.Bytes(size),
		Anon: &tpinfo.Type{Kind: tpinfo.KindUnion, Size: tpinfo.Bytes(size), Members: members},
	}
}

func arg(i int, name, typ string, size int, signed bool) tpinfo.Arg {
	return tpinfo.Arg{Name: name, Type: typ, Offset: tpinfo.Bytes(8 * i), Size: tpinfo.Bytes(size), Signed: signed}
}

// CommonFields are those that every record starts with.
func CommonFields() []tpinfo.Field {
	return []tpinfo.Field{
		{Name: "common_type", Type: "unsigned short", Offset: 0, Size: 2},
		{Name: "common_flags", Type: "unsigned char", Offset: 2, Size: 1},
		{Name: "common_preempt_count", Type: "unsigned char", Offset: 3, Size: 1},
		{Name: "common_pid", Type: "int", Offset: 4, Size: 4, Signed: true},
	}
}

// New is a kernel of release 6.1.0-tiny with a bit of everything: events with
// arguments, records, both and neither, structs with members of all sorts.
func New() *Kernel {
	k := &Kernel{Order: tpinfo.LittleEndian, Types: map[string]tpinfo.Type{}, Headers: map[string]tpinfo.Type{}}
	k.Tracepoints = []tpinfo.Tracepoint{
		{System: "sched", Name: "sched_switch", Class: "sched_switch",
			Args: []tpinfo.Arg{arg(0, "preempt", "bool", 1, false), arg(1, "prev", "struct task_struct *", 8, false), arg(2, "next", "struct task_struct *", 8, false), arg(3, "prev_state", "unsigned int", 4, false)},
			Record: &tpinfo.Record{Size: 64, Fields: append(CommonFields(),
				tpinfo.Field{Name: "prev_comm", Type: "char[16]", Offset: 8, Size: 16, Signed: true},
				tpinfo.Field{Name: "prev_pid", Type: "pid_t", Offset: 24, Size: 4, Signed: true},
				tpinfo.Field{Name: "prev_prio", Type: "int", Offset: 28, Size: 4, Signed: true},
				tpinfo.Field{Name: "prev_state", Type: "long", Offset: 32, Size: 8, Signed: true},
				tpinfo.Field{Name: "next_pid", Type: "pid_t", Offset: 56, Size: 4, Signed: true},
			)}},
		{System: "sched", Name: "sched_process_exec", Class: "sched_process_exec",
			Args: []tpinfo.Arg{arg(0, "p", "struct task_struct *", 8, false), arg(1, "old_pid", "pid_t", 4, true)},
			Record: &tpinfo.Record{Size: 20, Fields: append(CommonFields(),
				tpinfo.Field{Name: "filename", Type: "char[]", Offset: 8, Size: 4, Signed: true, Location: tpinfo.DataLoc},
				tpinfo.Field{Name: "args", Type: "u32[]", Offset: 12, Size: 4, Location: tpinfo.RelLoc},
				tpinfo.Field{Name: "pid", Type: "pid_t", Offset: 16, Size: 4, Signed: true},
			)}},
		{System: "filemap", Name: "mm_filemap_add_to_page_cache",
			Args:   []tpinfo.Arg{arg(0, "folio", "struct folio *", 8, false)},
			Record: &tpinfo.Record{Size: 40, Fields: append(CommonFields(), tpinfo.Field{Name: "pfn", Type: "unsigned long", Offset: 8, Size: 8})}},
		{System: "timer", Name: "hrtimer_init",
			Args:   []tpinfo.Arg{arg(0, "hrtimer", "struct hrtimer *", 8, false), arg(1, "clockid", "clockid_t", 4, true), arg(2, "mode", "enum hrtimer_mode", 4, false)},
			Record: &tpinfo.Record{Size: 24, Fields: CommonFields()}},
		{System: "raw_syscalls", Name: "sys_enter",
			Args: []tpinfo.Arg{arg(0, "regs", "struct pt_regs *", 8, false), arg(1, "id", "long", 8, true)},
			Record: &tpinfo.Record{Size: 64, Fields: append(CommonFields(),
				tpinfo.Field{Name: "id", Type: "long", Offset: 8, Size: 8, Signed: true},
				tpinfo.Field{Name: "args", Type: "unsigned long[6]", Offset: 16, Size: 48})}},
		{System: "sched", Name: "sched_bare", Args: []tpinfo.Arg{arg(0, "rq", "struct rq *", 8, false)}},
		{System: "sched", Name: "sched_dark",
			Problems: []tpinfo.Problem{{Code: tpinfo.ArgsMissing, Message: "its header does not compile", Supply: []string{"--btf FILE"}}}},
		{System: "sched", Name: "sched_off", Args: []tpinfo.Arg{arg(0, "x", "int", 4, true)},
			Problems: []tpinfo.Problem{{Code: tpinfo.NotBuilt, Message: "not built: CONFIG_OFF is not set"}}},
		{Name: "orphan", Args: []tpinfo.Arg{arg(0, "x", "int", 4, true), {Name: "lost", Type: "secret_t", Offset: 8, Size: tpinfo.Unknown}},
			Record:   &tpinfo.Record{Size: 16, Fields: append(CommonFields(), tpinfo.Field{Name: "y", Type: "int", Offset: 8, Size: 4, Signed: true})},
			Problems: []tpinfo.Problem{{Code: tpinfo.UnknownType, Subject: "lost", Message: "no header defines it", Supply: []string{"--source DIR"}}}},
	}
	for _, t := range []tpinfo.Type{
		base("char", 1, tpinfo.EncSigned), base("unsigned char", 1, tpinfo.EncUnsigned), base("short", 2, tpinfo.EncSigned),
		base("unsigned short", 2, tpinfo.EncUnsigned), base("int", 4, tpinfo.EncSigned), base("unsigned int", 4, tpinfo.EncUnsigned),
		base("long", 8, tpinfo.EncSigned), base("unsigned long", 8, tpinfo.EncUnsigned), base("bool", 1, tpinfo.EncBool),
		base("float", 4, tpinfo.EncFloat), base("__int128", 16, tpinfo.EncSigned),
		typedef("pid_t", "int", 4), typedef("u8", "unsigned char", 1), typedef("u32", "unsigned int", 4), typedef("clockid_t", "int", 4),
		typedef("loop_t", "loop_t", -1),
		{Kind: tpinfo.KindTypedef, Name: "kuid_t", Of: tpinfo.AnonStruct, Size: 4, Anon: &tpinfo.Type{Kind: tpinfo.KindStruct, Size: 4, Members: []tpinfo.Member{member("val", "u32", 0, 4)}}},
		{Kind: tpinfo.KindTypedef, Name: "kgid_t", Of: tpinfo.AnonStruct, Size: 4, Anon: &tpinfo.Type{Kind: tpinfo.KindStruct, Size: 4, Members: []tpinfo.Member{member("val", "u32", 0, 4)}}},
		{Kind: tpinfo.KindEnum, Name: "enum hrtimer_mode", Size: 4, Encoding: tpinfo.EncUnsigned, Enumerators: []tpinfo.Enumerator{{Name: "HRTIMER_MODE_ABS", Value: 0}, {Name: "HRTIMER_MODE_REL", Value: 1}}},
		structOf("struct sched_entity", 64, member("load", "u32", 0, 4), member("vruntime", "unsigned long", 16, 8)),
		structOf("struct cred", 32, member("uid", "kuid_t", 4, 4), member("gid", "kgid_t", 8, 4), member("euid", "kuid_t", 20, 4), member("egid", "kgid_t", 24, 4)),
		structOf("struct thread_info", 16, member("flags", "unsigned long", 0, 8), member("cpu", "u32", 12, 4)),
		structOf("struct task_struct", 512,
			member("thread_info", "struct thread_info", 0, 16), member("__state", "unsigned int", 24, 4), member("stack", "void *", 32, 8),
			member("prio", "int", 40, 4), member("static_prio", "int", 44, 4), member("se", "struct sched_entity", 64, 64),
			member("pid", "pid_t", 128, 4), member("tgid", "pid_t", 132, 4), member("real_parent", "struct task_struct *", 136, 8),
			member("cred", "const struct cred *", 144, 8), member("comm", "char[16]", 152, 16), member("mm", "struct mm_struct *", 168, 8),
			bits("in_execve", "unsigned int", 176, 0, 1), bits("in_iowait", "unsigned int", 176, 1, 1), bits("wide", "int", 176, 6, 12),
			union(184, 8, member("rcu", "long", 0, 8), member("users", "int", 4, 4)),
			member("ratio", "float", 192, 4), member("wide_int", "__int128", 208, 16), member("hidden", "u32", -1, 4),
			member("stamps", "unsigned long[4]", 224, 32), member("entities", "struct sched_entity[2]", 256, 128),
			member("name", "const char *", 384, 8), member("start_time", "unsigned long", 392, 8), member("grid", "int[2][3]", 400, 24),
			member("list", "struct task_struct **", 424, 8), member("opaque", "struct mystery *", 432, 8), member("tail", "char[]", 512, 0)),
		structOf("struct hrtimer", 64, member("function", "int (*)(struct hrtimer *)", 40, 8), member("state", "u8", 56, 1), member("is_rel", "u8", 57, 1)),
		structOf("struct folio", 64, member("flags", "unsigned long", 0, 8), member("index", "unsigned long", 32, 8)),
		structOf("struct pt_regs", 168, member("di", "unsigned long", 112, 8)),
		structOf("struct vast", 2048, union(0, 2048, member("count", "int", 0, 4), member("rest", "char[2048]", 0, 2048))),
	} {
		k.Types[t.Name] = t
	}
	k.Headers["linux/gadget.h gadget"] = structOf("struct gadget", 8, member("id", "int", 4, 4))
	return k
}
