package btf

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

func TestTracepoints(t *testing.T) {
	spec, err := Parse(context.Background(), sampleBTF(t))
	if err != nil {
		t.Fatal(err)
	}
	if spec.WordSize() != 8 || spec.ByteOrder() != tpinfo.LittleEndian || spec.Release() != "" {
		t.Errorf("word size %d, %s-endian, release %q", spec.WordSize(), spec.ByteOrder(), spec.Release())
	}
	tp, err := spec.Tracepoints()
	if err != nil {
		t.Fatal(err)
	}
	if len(tp.Events) != 2 {
		t.Fatalf("%d events, want 2: %+v", len(tp.Events), tp.Events)
	}
	older, wakeup := tp.Events[0], tp.Events[1]
	wantArgs := []tpinfo.Arg{
		{Name: "p", Type: "struct task_struct *", Offset: 0, Size: 8},
		{Name: "success", Type: "_Bool", Offset: 8, Size: 1},
		{Name: "name", Type: "const char *", Offset: 16, Size: 8},
	}
	if diff := cmp.Diff(wantArgs, wakeup.Args); diff != "" {
		t.Errorf("arguments of wakeup (-want +got):\n%s", diff)
	}
	wantArgs = []tpinfo.Arg{{Type: "unsigned long", Offset: 0, Size: 8}, {Type: "pid_t", Offset: 8, Size: 4, Signed: true}}
	if diff := cmp.Diff(wantArgs, older.Args); diff != "" {
		t.Errorf("arguments of older (-want +got):\n%s", diff)
	}
	codes := func(e tpinfo.Tracepoint) (found []tpinfo.ProblemCode) {
		for _, p := range e.Problems {
			found = append(found, p.Code)
		}
		return found
	}
	if got, want := codes(wakeup), []tpinfo.ProblemCode{tpinfo.SystemUnknown}; !cmp.Equal(got, want) {
		t.Errorf("problems of wakeup: %v, want %v", got, want)
	}
	if got, want := codes(older), []tpinfo.ProblemCode{tpinfo.SystemUnknown, tpinfo.ArgsMissing, tpinfo.RecordMissing}; !cmp.Equal(got, want) {
		t.Errorf("problems of older: %v, want %v", got, want)
	}
	wantRecord := &tpinfo.Record{Size: 24, Fields: []tpinfo.Field{
		{Name: "common_type", Type: "unsigned short", Offset: 0, Size: 2},
		{Name: "common_flags", Type: "unsigned char", Offset: 2, Size: 1},
		{Name: "common_preempt_count", Type: "unsigned char", Offset: 3, Size: 1},
		{Name: "common_pid", Type: "int", Offset: 4, Size: 4, Signed: true},
		{Name: "pid", Type: "pid_t", Offset: 8, Size: 4, Signed: true},
		{Name: "name", Offset: 12, Size: 4, Location: tpinfo.DataLoc},
		{Name: "list", Offset: 16, Size: 4, Location: tpinfo.RelLoc},
		{Name: "ok", Type: "_Bool", Offset: 20, Size: 1},
	}}
	if diff := cmp.Diff(wantRecord, tp.Records["wakeup"]); diff != "" {
		t.Errorf("record of wakeup (-want +got):\n%s", diff)
	}
	of := tp.RecordsOf([]tpinfo.Tracepoint{{System: "sched", Name: "x", Class: "some_class"}, {System: "sched", Name: "y", Class: "unheard"}})
	if len(of) != 1 || of[0].FullName() != "sched:x" || of[0].Record.Size != 16 {
		t.Errorf("records of events with known classes: %+v", of)
	}
}

func TestTypes(t *testing.T) {
	spec, err := Parse(context.Background(), sampleBTF(t))
	if err != nil {
		t.Fatal(err)
	}
	types, err := spec.Types()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]tpinfo.Type{}
	for _, typ := range types {
		byName[typ.Name] = typ
	}
	for _, want := range []tpinfo.Type{
		{Kind: tpinfo.KindTypedef, Name: "pid_t", Size: 4, Of: "int"},
		{Kind: tpinfo.KindEnum, Name: "enum mood", Size: 4, Encoding: tpinfo.EncSigned, Enumerators: []tpinfo.Enumerator{{Name: "BAD", Value: -1}, {Name: "GOOD", Value: 1}}},
		{Kind: tpinfo.KindBase, Name: "unsigned long", Size: 8, Encoding: tpinfo.EncUnsigned},
		{Kind: tpinfo.KindStruct, Name: "struct task_struct", Size: 40, Members: []tpinfo.Member{
			{Name: "pid", Type: "pid_t", Offset: 0, Size: 4},
			{Name: "flags", Type: "unsigned int", Offset: 4, Size: 4, BitSize: 3},
			{Name: "state", Type: "unsigned int", Offset: 4, Size: 4, BitOffset: 3, BitSize: 5},
			{Name: "parent", Type: "struct task_struct *", Offset: 8, Size: 8},
			{Type: "union {...}", Offset: 16, Size: 8, Anon: &tpinfo.Type{Kind: tpinfo.KindUnion, Size: 8, Members: []tpinfo.Member{
				{Name: "start", Type: "unsigned long", Size: 8}, {Name: "any", Type: "void *", Size: 8},
			}}},
			{Name: "comm", Type: "char[16]", Offset: 24, Size: 16},
		}},
	} {
		if diff := cmp.Diff(want, byName[want.Name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Name, diff)
		}
	}
}
