package cache

import (
	"bytes"
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

// neighbour is the kernel after n updates, each of which touches a few structs
// and an event, as those of a stable series do.
func neighbour(n int) *tpinfo.Snapshot {
	s := kernelSized()
	s.Kernel.ID, s.Kernel.Release = fmt.Sprintf("%032x", n), fmt.Sprint("6.1.0-", n)
	s.Kernel.Tree = "linux-headers-" + s.Kernel.Release
	for file := range 1500 {
		s.Inputs.Files = append(s.Inputs.Files, fmt.Sprintf("source:include/linux/header_%d.h", file))
	}
	for update := range n {
		for i := range 10 {
			s.Types[(update*10+i)*37%len(s.Types)].Size += tpinfo.Bytes(8 * n)
		}
		s.Events[update*37%len(s.Events)].Record.Size += tpinfo.Bytes(8 * n)
	}
	return s
}

// fleetOf is a cache of so many neighbours.
func fleetOf(t testing.TB, kernels int) *DB {
	t.Helper()
	db := openTemp(t)
	for n := range kernels {
		put(t, db, neighbour(n))
	}
	return db
}

// What a kernel costs in a cache that holds a fleet.
func BenchmarkPutNeighbour(b *testing.B) {
	db := fleetOf(b, 40)
	snap := neighbour(40)
	n := 0
	for b.Loop() {
		snap.Kernel.ID = fmt.Sprintf("%032x", 40+n)
		snap.Types[n%7000].Size++
		n++
		put(b, db, snap)
	}
}

// The first put of a program, which has to learn what there is.
func BenchmarkPutFirst(b *testing.B) {
	ctx := context.Background()
	path := fleetOf(b, 40).Path()
	snap := neighbour(39)
	for b.Loop() {
		db, err := Open(ctx, path)
		if err != nil {
			b.Fatal(err)
		}
		put(b, db, snap)
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMerge(b *testing.B) {
	ctx := context.Background()
	from := fleetOf(b, 40).Path()
	for b.Loop() {
		db, err := Open(ctx, filepath.Join(b.TempDir(), "cache.db"))
		if err != nil {
			b.Fatal(err)
		}
		if res, err := db.Merge(ctx, from); err != nil || res.Kernels != 40 {
			b.Fatal(res, err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExport(b *testing.B) {
	db := fleetOf(b, 40)
	for b.Loop() {
		b.ReportMetric(float64(len(export(b, db, nil))), "bytes")
	}
}

func BenchmarkImport(b *testing.B) {
	ctx := context.Background()
	file := export(b, fleetOf(b, 40), nil)
	for b.Loop() {
		db, err := Open(ctx, filepath.Join(b.TempDir(), "cache.db"))
		if err != nil {
			b.Fatal(err)
		}
		if res, err := db.Import(ctx, bytes.NewReader(file)); err != nil || res.Kernels != 40 {
			b.Fatal(res, err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// A neighbour costs what differs, and little else, however many there are.
func TestNeighbourSize(t *testing.T) {
	ctx := context.Background()
	db := fleetOf(t, 2)
	size := func() int64 {
		if err := db.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
		n, err := db.bytes()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := size()
	const more = 4
	for n := range more {
		put(t, db, neighbour(2+n))
	}
	each := (size() - before) / more
	t.Logf("%d bytes a neighbour", each)
	if each > 20_000 {
		t.Errorf("%d bytes a neighbour, more than 20,000", each)
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
