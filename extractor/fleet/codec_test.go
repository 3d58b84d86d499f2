package fleet

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/s2"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// samples are results of the three kinds, with what a codec could lose: unknown
// sizes, arguments that are not known and none at all.
func samples() []Result {
	when := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	task := Task{Key: "k1", CC: "clang", Set: kpkg.Set{
		Release: "6.1.0-1-amd64", Arch: "amd64",
		Headers: []kpkg.Package{{Path: "/p/a.deb", Format: archive.Deb, Name: "linux-headers-6.1.0-1-amd64", Version: "6.1.1-1", Arch: "amd64", Depends: []string{"b"}, Digest: "d1", Size: 12}},
	}}
	snap := &tpinfo.Snapshot{
		Kernel: tpinfo.Kernel{
			ID: "id1", Release: "6.1.0-1-amd64", Arch: "x86", ByteOrder: tpinfo.LittleEndian, WordSize: 8,
			Source: tpinfo.FromDWARF, Compiler: "gcc 12.2.0", Tree: "/t", Extracted: when,
			Problems: []tpinfo.Problem{{Code: tpinfo.HeaderFailed, Subject: "x.h", Message: "error: ‘u33’ undeclared", Supply: []string{"--source DIR"}}},
		},
		Events: []tpinfo.Tracepoint{
			{System: "s", Name: "none", Source: tpinfo.FromDWARF, Args: []tpinfo.Arg{}},
			{System: "s", Name: "unknown", Source: tpinfo.FromDWARF, Problems: []tpinfo.Problem{{Code: tpinfo.ArgsMissing, Message: "m"}}},
			{
				System: "s", Name: "whole", Class: "c", Header: "include/trace/events/s.h", Source: tpinfo.FromDWARFBTF,
				Args:   []tpinfo.Arg{{Name: "a", Type: "const char *", Size: 8}, {Name: "b", Type: "odd_t", Offset: 8, Size: tpinfo.Unknown, Signed: true}},
				Record: &tpinfo.Record{Size: 24, Fields: []tpinfo.Field{{Name: "f", Type: "char[]", Offset: 8, Size: 4, Signed: true, Location: tpinfo.DataLoc}}},
			},
		},
		Types: []tpinfo.Type{{
			Kind: tpinfo.KindStruct, Name: "struct s", Size: 16,
			Members: []tpinfo.Member{{Name: "", Type: tpinfo.AnonUnion, Size: 8, Anon: &tpinfo.Type{Kind: tpinfo.KindUnion, Size: 8, Members: []tpinfo.Member{{Name: "b", Type: "int", Size: 4, BitOffset: 3, BitSize: 2}}}}},
		}, {Kind: tpinfo.KindEnum, Name: "enum e", Size: 4, Encoding: tpinfo.EncSigned, Enumerators: []tpinfo.Enumerator{{Name: "E", Value: -1 << 63}}}},
		Inputs: tpinfo.Inputs{Files: []string{"build:a.h"}, Digest: "dd", Compiler: "gcc 12.2.0"},
	}
	return []Result{
		{Task: task, Origin: tpinfo.Origin{Key: "k1", Headers: "h1"}, Snapshot: snap, Seconds: 1.25, Worker: "w1"},
		{Task: task, Origin: tpinfo.Origin{Key: "k1", Headers: "h1"}, Same: "id1"},
		{Task: task, Failure: &tpinfo.Failure{Key: "k1", Release: "6.1.0-1-amd64", Reason: "truncated", Supply: []string{"fetch it again"}, Tries: 2, When: when}},
	}
}

func TestCodec(t *testing.T) {
	for _, want := range samples() {
		packed, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Encode(want)
		if err != nil || !bytes.Equal(packed, again) {
			t.Errorf("encoded twice, differently (%v)", err)
		}
		got, err := Decode(packed)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("- sent, + received:\n%s", d)
		}
		if want.Snapshot == nil {
			continue
		}
		// Not known and none are two things.
		if got.Snapshot.Events[0].Args == nil || got.Snapshot.Events[1].Args != nil {
			t.Errorf("arguments: none became %#v, unknown became %#v", got.Snapshot.Events[0].Args, got.Snapshot.Events[1].Args)
		}
	}
}

func pack(text string) []byte {
	return append([]byte(CodecVersion), s2.Encode(nil, []byte(text))...)
}

// written is a result as Encode packs it.
func written(t testing.TB, r Result) string {
	t.Helper()
	packed, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(packed)
}

func TestDecodeRefuses(t *testing.T) {
	whole, err := Encode(samples()[0])
	if err != nil {
		t.Fatal(err)
	}
	other := samples()[0]
	other.Origin.Key = "another"
	negative := samples()[0]
	negative.Snapshot.Types[0].Members[0].Anon.Members[0].Offset = -5
	for _, c := range []struct{ name, packed, says string }{
		{"empty", "", "does not begin with"},
		{"another form", strings.Replace(string(whole), CodecVersion, "tpinfo result 1\n", 1), "does not begin with"},
		{"cut", string(whole[:len(whole)/2]), "corrupt"},
		{"no S2", CodecVersion + "\xff\xff\xff\xff\xff\xff", "corrupt"},
		{"no CBOR", string(pack("hello")), "unexpected EOF"},
		{"of no task", written(t, Result{Same: "x"}), "which task"},
		{"nothing in it", written(t, Result{Task: Task{Key: "k"}}), "it takes one"},
		{"two in it", written(t, Result{Task: Task{Key: "k"}, Same: "x", Failure: &tpinfo.Failure{Reason: "r"}}), "it takes one"},
		{"of something else", written(t, other), `built from "another", asked for "k1"`},
		{"negative size", written(t, negative), "negative"},
		{"bomb", string(pack(strings.Repeat("a", maxUnpacked+1))), "bytes unpacked"},
		{"huge", CodecVersion + strings.Repeat("a", MaxPacked), "a result may have"},
	} {
		got, err := Decode([]byte(c.packed))
		if !errors.Is(err, ErrCodec) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.says)
		}
		if !cmp.Equal(got, Result{}) {
			t.Errorf("%s: half a result", c.name)
		}
	}
}

// FuzzDecode holds that bytes are a whole result, which encodes to something
// that reads the same, or an error that says so.
func FuzzDecode(f *testing.F) {
	for _, r := range samples() {
		write, _ := form()
		text, err := write.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, false)
		packed, err := Encode(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed, true)
	}
	f.Fuzz(func(t *testing.T, data []byte, packed bool) {
		if !packed {
			// Past the packing, where a mutation would seldom get.
			data = pack(string(data))
		}
		got, err := Decode(data)
		if err != nil {
			if !errors.Is(err, ErrCodec) || !cmp.Equal(got, Result{}) {
				t.Fatalf("%+v, error %v", got, err)
			}
			return
		}
		if err := got.whole(); err != nil {
			t.Fatal(err)
		}
		again, err := Encode(got)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(again)
		if err != nil || !cmp.Equal(got, back, cmpopts.EquateEmpty()) {
			t.Fatalf("%v\n%s", err, cmp.Diff(got, back, cmpopts.EquateEmpty()))
		}
	})
}
