package cache

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tpinfo/tpinfo"
)

// kernelSized is a snapshot of about the size of a real one: 1,600 events and
// 7,200 types of a dozen members.
func kernelSized() *tpinfo.Snapshot {
	s := sample("6.1.0-1", 0)
	s.Events, s.Types = nil, nil
	for n := range 1600 {
		e := sample("", 0).Events[3]
		e.System, e.Name = fmt.Sprint("system", n/40), fmt.Sprint("event_", n)
		e.Record = &tpinfo.Record{Size: 64}
		for f := range 9 {
			e.Record.Fields = append(e.Record.Fields, tpinfo.Field{Name: fmt.Sprintf("field_%d_%d", n%97, f), Type: "unsigned long", Offset: tpinfo.Bytes(8 * f), Size: 8})
		}
		s.Events = append(s.Events, e)
	}
	for n := range 7200 {
		typ := tpinfo.Type{Kind: tpinfo.KindStruct, Name: fmt.Sprint("struct type_", n), Size: 96}
		for m := range 12 {
			typ.Members = append(typ.Members, tpinfo.Member{Name: fmt.Sprintf("member_%d_%d", n%211, m), Type: "struct list_head *", Offset: tpinfo.Bytes(8 * m), Size: 8})
		}
		s.Types = append(s.Types, typ)
	}
	return s
}

func BenchmarkPut(b *testing.B) {
	ctx := context.Background()
	snap := kernelSized()
	for b.Loop() {
		db, err := Open(ctx, filepath.Join(b.TempDir(), "cache.db"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := db.Put(ctx, snap); err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	ctx := context.Background()
	path := filepath.Join(b.TempDir(), "cache.db")
	put(b, openAt(b, path), kernelSized())
	for b.Loop() {
		db, err := Open(ctx, path, ReadOnly())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := db.Kernel(ctx, "6.1.0-1"); err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// One event by name, through the API, with the cache open.
func BenchmarkEvent(b *testing.B) {
	ctx := context.Background()
	db := openTemp(b)
	put(b, db, kernelSized())
	k := kernel(b, db, "")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Event(ctx, "system20:event_800"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvents(b *testing.B) {
	ctx := context.Background()
	db := openTemp(b)
	put(b, db, kernelSized())
	k := kernel(b, db, "")
	for b.Loop() {
		events, err := k.Events(ctx)
		if err != nil || len(events) != 1600 {
			b.Fatal(len(events), err)
		}
	}
}

func BenchmarkMember(b *testing.B) {
	ctx := context.Background()
	db := openTemp(b)
	put(b, db, kernelSized())
	k := kernel(b, db, "")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Member(ctx, "type_4000", "member_202_5"); err != nil {
			b.Fatal(err)
		}
	}
}

// An event costs a bounded number of allocations, however many there are.
func TestEventAllocations(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	snap := kernelSized()
	put(t, db, snap)
	k := kernel(t, db, "")
	at := slices.IndexFunc(snap.Events, func(e tpinfo.Tracepoint) bool { return e.Name == "event_800" })
	allocations := testing.AllocsPerRun(50, func() {
		e, err := k.Event(ctx, "system20:event_800")
		if err != nil || len(e.Args) != len(snap.Events[at].Args) {
			t.Fatal(err)
		}
	})
	t.Logf("%.0f allocations an event", allocations)
	if allocations > 150 {
		t.Errorf("%.0f allocations for one event", allocations)
	}
}
