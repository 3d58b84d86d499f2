package cache

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo"
)

// sample is a kernel with one of everything. Kernels of different editions
// differ in the layout of one event and one type.
func sample(release string, edition int) *tpinfo.Snapshot {
	return &tpinfo.Snapshot{
		Kernel: tpinfo.Kernel{
			ID: fmt.Sprintf("%032x", 0xabc0000+edition), Release: release, Arch: "x86",
			ByteOrder: tpinfo.LittleEndian, WordSize: 8, Source: tpinfo.FromDWARF,
			Compiler: "gcc 12.2.0", Tree: "/usr/src/" + release,
			Extracted: time.Date(2026, 1, 2, 3, 4, 5+edition, 0, time.UTC),
			Problems:  []tpinfo.Problem{{Code: tpinfo.HeaderSilent, Subject: "include/trace/events/rv.h", Message: "defines no event"}},
		},
		Events: []tpinfo.Tracepoint{
			{
				System: "mmc", Name: "request", Class: "request", Header: "include/trace/events/mmc.h", Source: tpinfo.FromDWARF,
				Args:   []tpinfo.Arg{{Name: "host", Type: "struct page *", Offset: 0, Size: 8}},
				Record: &tpinfo.Record{Size: tpinfo.Bytes(16 + edition), Fields: []tpinfo.Field{{Name: "common_type", Type: "unsigned short", Offset: 0, Size: 2}}},
			},
			{
				System: "nbd", Name: "request", Class: "nbd_class", Header: "include/trace/events/nbd.h", Source: tpinfo.FromDWARFBTF,
				Args: []tpinfo.Arg{},
				Record: &tpinfo.Record{Size: tpinfo.Unknown, Fields: []tpinfo.Field{
					{Name: "name", Type: "char[]", Offset: 8, Size: 4, Signed: true, Location: tpinfo.DataLoc},
					{Name: "tail", Type: "u32[]", Offset: 12, Size: 4, Location: tpinfo.RelLoc},
					{Name: "secret", Type: "hidden_t", Offset: tpinfo.Unknown, Size: tpinfo.Unknown},
				}},
				Problems: []tpinfo.Problem{{Code: tpinfo.UnknownType, Subject: "secret", Message: "no header defines it", Supply: []string{"--btf FILE", "--source DIR"}}},
			},
			{
				System: "sched", Name: "sched_bare", Header: "include/trace/events/sched.h", Source: tpinfo.FromDWARF,
				Problems: []tpinfo.Problem{{Code: tpinfo.ArgsMissing, Message: "it does not compile"}},
			},
			{
				System: "sched", Name: "sched_switch", Class: "sched_switch", Header: "include/trace/events/sched.h", Source: tpinfo.FromDWARF,
				Args: []tpinfo.Arg{
					{Name: "preempt", Type: "bool", Offset: 0, Size: 1},
					{Name: "prev", Type: "struct page *", Offset: 8, Size: 8},
					{Name: "state", Type: "long", Offset: 16, Size: 8, Signed: true},
				},
				Record: &tpinfo.Record{Size: 8, Fields: []tpinfo.Field{}},
			},
		},
		Types: []tpinfo.Type{
			{Kind: tpinfo.KindEnum, Name: "enum colour", Size: 4, Encoding: tpinfo.EncSigned, Enumerators: []tpinfo.Enumerator{{Name: "RED", Value: -2}, {Name: "BLUE", Value: 1 << 40}}},
			{Kind: tpinfo.KindBase, Name: "int", Size: 4, Encoding: tpinfo.EncSigned},
			{Kind: tpinfo.KindTypedef, Name: "loop_a", Size: tpinfo.Unknown, Of: "loop_b"},
			{Kind: tpinfo.KindTypedef, Name: "loop_b", Size: tpinfo.Unknown, Of: "loop_a"},
			{Kind: tpinfo.KindTypedef, Name: "page_t", Size: tpinfo.Bytes(64 + edition), Of: "struct page"},
			{Kind: tpinfo.KindTypedef, Name: "pair_t", Size: 8, Of: "struct {...}[2]", Anon: &tpinfo.Type{Kind: tpinfo.KindStruct, Size: 4, Members: []tpinfo.Member{
				{Name: "low", Type: "u16", Offset: 0, Size: 2}, {Name: "high", Type: "u16", Offset: 2, Size: 2},
			}}},
			{Kind: tpinfo.KindStruct, Name: "struct inner", Size: 4, Members: []tpinfo.Member{{Name: "deep", Type: "int", Offset: 0, Size: 4}}},
			{Kind: tpinfo.KindStruct, Name: "struct page", Size: tpinfo.Bytes(64 + edition), Members: []tpinfo.Member{
				{Name: "flags", Type: "int", Offset: 0, Size: 4, BitSize: 3},
				{Name: "locked", Type: "int", Offset: 0, Size: 4, BitOffset: 3, BitSize: 1},
				{Name: "", Type: "union {...}", Offset: 8, Size: 8, Anon: &tpinfo.Type{Kind: tpinfo.KindUnion, Size: 8, Members: []tpinfo.Member{
					{Name: "next", Type: "struct page *", Offset: 0, Size: 8},
					{Name: "", Type: "struct {...}", Offset: 0, Size: 8, Anon: &tpinfo.Type{Kind: tpinfo.KindStruct, Size: 8, Members: []tpinfo.Member{
						{Name: "order", Type: "int", Offset: 4, Size: 4},
					}}},
				}}},
				{Name: "", Type: "struct inner", Offset: 16, Size: 4},
				{Name: "grid", Type: "int[2][3]", Offset: 20, Size: 24},
				{Name: "pairs", Type: "pair_t", Offset: 44, Size: 8},
				{Name: "table", Type: "struct inner[2]", Offset: 52, Size: 8},
				{Name: "data", Type: "char[]", Offset: 60, Size: 0},
			}},
			{Kind: tpinfo.KindBase, Name: "u16", Size: 2, Encoding: tpinfo.EncUnsigned},
		},
		Inputs: tpinfo.Inputs{Files: []string{"build:include/generated/autoconf.h", "source:include/linux/mm.h"}, Digest: fmt.Sprint("digest", edition), Compiler: "gcc 12.2.0"},
	}
}

// open opens a cache in a folder of the test's own.
func openTemp(t testing.TB) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "cache.db"))
}

func openAt(t testing.TB, path string, opts ...Option) *DB {
	t.Helper()
	db, err := Open(context.Background(), path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func put(t testing.TB, db *DB, snap *tpinfo.Snapshot) PutResult {
	t.Helper()
	res, err := db.Put(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func kernel(t testing.TB, db *DB, selector string) *Kernel {
	t.Helper()
	k, err := db.Kernel(context.Background(), selector)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sound fails the test when a check of the whole cache finds a fault.
func sound(t rapid.TB, db *DB) {
	t.Helper()
	faults, err := db.Verify(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Errorf("%s: %s", f.Where, f.What)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Generators of anything that the values can hold.
var (
	anyText  = rapid.StringN(0, 20, 60)
	anyBytes = rapid.Custom(func(t *rapid.T) tpinfo.Bytes {
		return tpinfo.Bytes(rapid.OneOf(rapid.Just(int64(tpinfo.Unknown)), rapid.Int64Range(0, 1<<40)).Draw(t, "bytes"))
	})
)

func anyList[T any](g *rapid.Generator[T]) *rapid.Generator[[]T] { return rapid.SliceOfN(g, 0, 5) }

var anyEvent = rapid.Custom(func(t *rapid.T) *tpinfo.Tracepoint {
	e := &tpinfo.Tracepoint{
		System: anyText.Draw(t, "system"), Name: anyText.Draw(t, "name"), Class: anyText.Draw(t, "class"),
		Header: anyText.Draw(t, "header"), Source: tpinfo.Source(anyText.Draw(t, "source")),
	}
	if rapid.Bool().Draw(t, "known") {
		e.Args = anyList(rapid.Custom(func(t *rapid.T) tpinfo.Arg {
			return tpinfo.Arg{Name: anyText.Draw(t, "arg"), Type: anyText.Draw(t, "type"), Offset: anyBytes.Draw(t, "offset"), Size: anyBytes.Draw(t, "size"), Signed: rapid.Bool().Draw(t, "signed")}
		})).Draw(t, "args")
		if e.Args == nil {
			e.Args = []tpinfo.Arg{}
		}
	}
	if rapid.Bool().Draw(t, "recorded") {
		e.Record = &tpinfo.Record{Size: anyBytes.Draw(t, "record"), Fields: anyList(rapid.Custom(func(t *rapid.T) tpinfo.Field {
			return tpinfo.Field{
				Name: anyText.Draw(t, "field"), Type: anyText.Draw(t, "type"), Offset: anyBytes.Draw(t, "offset"), Size: anyBytes.Draw(t, "size"),
				Signed: rapid.Bool().Draw(t, "signed"), Location: rapid.SampledFrom([]tpinfo.Location{tpinfo.InPlace, tpinfo.DataLoc, tpinfo.RelLoc}).Draw(t, "location"),
			}
		})).Draw(t, "fields")}
	}
	e.Problems = anyList(rapid.Custom(func(t *rapid.T) tpinfo.Problem {
		return tpinfo.Problem{Code: tpinfo.ProblemCode(anyText.Draw(t, "code")), Subject: anyText.Draw(t, "subject"), Message: anyText.Draw(t, "message"), Supply: anyList(anyText).Draw(t, "supply")}
	})).Draw(t, "problems")
	return e
})

// anyType nests unnamed types up to depth.
func anyType(depth int) *rapid.Generator[*tpinfo.Type] {
	return rapid.Custom(func(t *rapid.T) *tpinfo.Type {
		anon := func() *tpinfo.Type {
			if depth == 0 || rapid.IntRange(0, 3).Draw(t, "nest") > 0 {
				return nil
			}
			inner := anyType(depth-1).Draw(t, "anon")
			inner.Name = ""
			return inner
		}
		out := &tpinfo.Type{
			Kind: rapid.SampledFrom([]tpinfo.Kind{tpinfo.KindStruct, tpinfo.KindUnion, tpinfo.KindEnum, tpinfo.KindTypedef, tpinfo.KindBase}).Draw(t, "kind"),
			Name: anyText.Draw(t, "name"), Size: anyBytes.Draw(t, "size"),
			Encoding: tpinfo.Encoding(anyText.Draw(t, "encoding")), Of: anyText.Draw(t, "of"), Anon: anon(),
		}
		for range rapid.IntRange(0, 5).Draw(t, "members") {
			out.Members = append(out.Members, tpinfo.Member{
				Name: anyText.Draw(t, "member"), Type: anyText.Draw(t, "type"), Offset: anyBytes.Draw(t, "offset"), Size: anyBytes.Draw(t, "size"),
				BitOffset: rapid.IntRange(0, 7).Draw(t, "bit"), BitSize: rapid.IntRange(0, 64).Draw(t, "bits"), Anon: anon(),
			})
		}
		for range rapid.IntRange(0, 5).Draw(t, "constants") {
			out.Enumerators = append(out.Enumerators, tpinfo.Enumerator{Name: anyText.Draw(t, "constant"), Value: rapid.Int64().Draw(t, "value")})
		}
		return out
	})
}
