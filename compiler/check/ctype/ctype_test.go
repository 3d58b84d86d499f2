package ctype_test

import (
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/checktest"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

func tiny(t *testing.T) *ctype.Kernel {
	return ctype.NewKernel(t.Context(), checktest.New(), func(err error) { t.Error(err) })
}

func TestSizeOf(t *testing.T) {
	k := tiny(t)
	for spelling, want := range map[string]tpinfo.Bytes{
		"pid_t": 4, "char[16]": 16, "int[2][3]": 24, "struct task_struct": 512, "struct task_struct *": 8, "struct mystery *": 8,
		"kuid_t[3]": 12, "char[]": 0, "void": tpinfo.Unknown, "struct mystery": tpinfo.Unknown, "struct mystery[2]": tpinfo.Unknown, "loop_t": tpinfo.Unknown,
	} {
		if got := k.SizeOf(ctype.Parse(spelling, nil)); got != want {
			t.Errorf("%s: %v, want %v", spelling, got, want)
		}
	}
}

// A typedef of an unnamed struct is known by its own name.
func TestBare(t *testing.T) {
	k := tiny(t)
	u, ok := k.Bare(ctype.Named("kuid_t"))
	if !ok || !u.IsStruct() || u.Name != "kuid_t" || u.StructName() != "kuid_t" || u.Def.Members[0].Name != "val" {
		t.Errorf("kuid_t: %+v %v", u, ok)
	}
	if u, ok = k.Bare(ctype.Named("pid_t")); !ok || u.IsStruct() || u.Def.Name != "int" {
		t.Errorf("pid_t: %+v %v", u, ok)
	}
	if u, ok = k.Bare(ctype.Named("struct mystery")); ok || u.Name != "struct mystery" {
		t.Errorf("struct mystery: %+v %v", u, ok)
	}
	if u, ok = k.Bare(ctype.Named("loop_t")); ok {
		t.Errorf("loop_t: %+v", u)
	}
}

// A member of an unnamed union is one of the struct around it.
func TestMember(t *testing.T) {
	k := tiny(t)
	task := k.Known("task_struct")
	for name, want := range map[string]tpinfo.Bytes{"pid": 128, "rcu": 184, "users": 188, "hidden": tpinfo.Unknown} {
		if f, ok, _ := k.Member(task, name); !ok || f.Offset != want {
			t.Errorf("%s: %v at %v, want %v", name, ok, f.Offset, want)
		}
	}
	_, ok, names := k.Member(task, "piid")
	if ok || len(names) != 28 || names[0] != "thread_info" || names[16] != "users" {
		t.Errorf("piid: %v, %d names %q", ok, len(names), names)
	}
}

func TestValue(t *testing.T) {
	k := tiny(t)
	for spelling, want := range map[string]string{
		"pid_t": "a signed number of 4 bytes", "u8": "an unsigned number of 1 byte", "struct task_struct *": "a pointer to struct task_struct",
		"const char *": "a pointer to char", "pid_t[3]": "an array of a signed number of 4 bytes", "kuid_t": "kuid_t", "float": "float", "void": "void",
		"int (*)(struct hrtimer *)": "a pointer to a function", "struct mystery *": "a pointer to struct mystery",
	} {
		if got := k.Value(ctype.Parse(spelling, nil), nil, 0).String(); got != want {
			t.Errorf("%s: %q, want %q", spelling, got, want)
		}
	}
	if got := k.Value(ctype.Named("u32"), nil, 3).String(); got != "an unsigned number of 3 bits" {
		t.Errorf("a bitfield: %q", got)
	}
	if got := k.Value(ctype.Named("secret_t"), &ir.Mem{Size: 8, Signed: true}, 0).String(); got != "a signed number of 8 bytes" {
		t.Errorf("an unknown type with a width: %q", got)
	}
}

func TestCharsIn(t *testing.T) {
	k := tiny(t)
	for spelling, want := range map[string]int64{"char[16]": 17, "char[]": 0, "char[1]": 0, "unsigned char[16]": 0, "const char *": 0} {
		if got := k.CharsIn(ctype.Parse(spelling, nil)); got != want {
			t.Errorf("%s: %d, want %d", spelling, got, want)
		}
	}
}
