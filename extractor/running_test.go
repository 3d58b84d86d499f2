package extractor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/btf"
)

func TestUnambiguous(t *testing.T) {
	typedef := func(name, of string) tpinfo.Type {
		return tpinfo.Type{Kind: tpinfo.KindTypedef, Name: name, Of: of, Size: 1}
	}
	char := tpinfo.Type{Kind: tpinfo.KindBase, Name: "unsigned char", Size: 1, Encoding: tpinfo.EncUnsigned}
	one := tpinfo.Type{Kind: tpinfo.KindStruct, Name: "struct workspace", Size: 24}
	kept, problems := unambiguous([]tpinfo.Type{
		typedef("__u8", "unsigned char"), typedef("loop", "loop"), typedef("loop", "u8"), one, {Kind: tpinfo.KindStruct, Name: "struct workspace", Size: 40},
		typedef("two", "u8"), typedef("two", "signed char"), typedef("u8", "__u8"), typedef("u8", "unsigned char"), char,
	}, nil)
	want := []tpinfo.Type{typedef("__u8", "unsigned char"), typedef("u8", "__u8"), char}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	var left []string
	for _, p := range problems {
		left = append(left, p.Subject)
	}
	if diff := cmp.Diff([]string{"loop", "struct workspace", "two"}, left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
}

// Events of system calls are complete by their format files: they are no
// tracepoints, so there are no arguments to miss. Of others arguments are.
func TestOnlyFormat(t *testing.T) {
	record := func() *tpinfo.Record {
		return &tpinfo.Record{Size: tpinfo.Unknown, Fields: []tpinfo.Field{{Name: "__syscall_nr", Type: "int", Offset: 8, Size: 4, Signed: true}}}
	}
	e := onlyFormat(tpinfo.Tracepoint{System: "syscalls", Name: "sys_enter_vhangup", Source: tpinfo.FromTracefs, Record: record()}, 8)
	if !e.Complete() || !e.RecordOnly() || e.Args == nil || e.Record.Size != 16 {
		t.Errorf("%+v", e)
	}
	e = onlyFormat(tpinfo.Tracepoint{System: "kprobes", Name: "mine", Source: tpinfo.FromTracefs, Record: record()}, 8)
	if e.Complete() || e.RecordOnly() || e.Args != nil || e.Record.Size.Known() || len(e.Problems) != 1 || e.Problems[0].Code != tpinfo.ArgsMissing {
		t.Errorf("%+v", e)
	}
}

// Two modules may have an event of one name: BTF tells of one, and the other is
// not lost.
func TestSameName(t *testing.T) {
	format := func(system string) tpinfo.Tracepoint {
		return tpinfo.Tracepoint{System: system, Name: "read_promote", Source: tpinfo.FromTracefs, Record: &tpinfo.Record{Size: tpinfo.Unknown, Fields: []tpinfo.Field{}}}
	}
	args := []tpinfo.Arg{{Name: "bio", Type: "struct bio *", Size: 8}}
	snap := &tpinfo.Snapshot{Events: []tpinfo.Tracepoint{{Name: "read_promote", Args: args, Source: tpinfo.FromBTF}}}
	overlay(snap, &btf.Tracepoints{}, []tpinfo.Tracepoint{format("bcache"), format("bcachefs")})
	if len(snap.Events) != 2 {
		t.Fatalf("%d events: %+v", len(snap.Events), snap.Events)
	}
	first, second := snap.Events[0], snap.Events[1]
	if first.FullName() != "bcache:read_promote" || len(first.Args) != 1 {
		t.Errorf("%+v", first)
	}
	if second.FullName() != "bcachefs:read_promote" || second.Args != nil || second.Record == nil ||
		len(second.Problems) != 1 || second.Problems[0].Code != tpinfo.ArgsMissing || !strings.Contains(second.Problems[0].Message, "bcache:read_promote") {
		t.Errorf("%+v", second)
	}
}
