package merge

import (
	"context"
	"database/sql"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
	"github.com/tpinfo/tpinfo/cache/table/tabletest"
	"github.com/tpinfo/tpinfo/fixtures/snapshots"
)

// kernelOf is a snapshot's kernel on its way.
func kernelOf(t *testing.T, snap *tpinfo.Snapshot) *bundle.Kernel {
	t.Helper()
	k, err := bundle.Of(snap)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// merged is what a cache knows of these kernels, in this order.
func merged(t *testing.T, snaps ...*tpinfo.Snapshot) (*sql.Tx, string, Result) {
	t.Helper()
	ctx := context.Background()
	tx := tabletest.Begin(t, table.Migrate)
	var res Result
	into, err := NewTarget(ctx, tx, &table.Stock{}, false, &res)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range snaps {
		if err := into.Add(ctx, kernelOf(t, s)); err != nil {
			t.Fatal(err)
		}
	}
	content, err := table.Content(ctx, tx)
	if err != nil {
		t.Fatal(err)
	}
	return tx, content, res
}

// seen is a sink that lacks everything, and keeps the hashes of what comes.
type seen struct {
	hashes   map[layout.Hash]bool
	failures []tpinfo.Failure
}

func (s *seen) Wants(layout.Hash) bool { return true }

func (s *seen) Add(_ context.Context, k *bundle.Kernel) error {
	for _, l := range k.Layouts {
		s.hashes[l.Hash] = true
	}
	return nil
}

func (s *seen) Fail(_ context.Context, f tpinfo.Failure) error {
	s.failures = append(s.failures, f)
	return nil
}

// Of one kernel, each side knows something that the other does not: the union
// is the same whichever comes first, and has the better of both.
func TestUnion(t *testing.T) {
	ctx := context.Background()
	some, other := snapshots.Sample("6.1", 0), snapshots.Sample("6.1", 0)
	some.Events[1].Record.Size, some.Events[1].Record.Fields[2].Offset, some.Events[1].Record.Fields[2].Size = 24, 16, 8
	some.Events[1].Problems = nil
	better := layout.EventHash(&some.Events[1])
	worse := layout.EventHash(&other.Events[1])
	only := tpinfo.Type{Kind: tpinfo.KindBase, Name: "only", Size: 4, Encoding: tpinfo.EncSigned}
	other.Types = append(other.Types, only)

	tx, first, res := merged(t, some, other)
	if want := (Result{Kernels: 1, Grown: 1, Releases: 1, Layouts: 15}); res != want {
		t.Errorf("%+v, want %+v", res, want)
	}
	_, second, res := merged(t, other, some)
	if want := (Result{Kernels: 1, Grown: 1, Releases: 1, Layouts: 15}); res != want {
		t.Errorf("in the other order: %+v, want %+v", res, want)
	}
	if first != second {
		t.Errorf("the order makes another content: %s and %s", first, second)
	}
	_, again, res := merged(t, some, other, some, other)
	if want := (Result{Kernels: 1, Grown: 1, Known: 2, Releases: 1, Layouts: 15}); res != want || again != first {
		t.Errorf("again: %+v, want %+v and the same content: %v", res, want, again == first)
	}

	sink := &seen{hashes: map[layout.Hash]bool{}}
	if err := Send(ctx, tx, nil, false, sink); err != nil {
		t.Fatal(err)
	}
	for hash, want := range map[layout.Hash]bool{better: true, worse: false, layout.HashOf(only.ContentID()): true} {
		if sink.hashes[hash] != want {
			t.Errorf("layout %x is in the union: %v, want %v", hash, !want, want)
		}
	}
	if len(sink.hashes) != 14 {
		t.Errorf("%d layouts in the union, want 14", len(sink.hashes))
	}
}

// Failures are handed on when they are asked for, and not otherwise.
func TestSendFailures(t *testing.T) {
	ctx := context.Background()
	tx := tabletest.Begin(t, table.Migrate)
	want := []tpinfo.Failure{{Key: "a", Reason: "no"}, {Key: "b", Reason: "no"}}
	for _, f := range want {
		if err := table.StoreFailure(ctx, tx, f); err != nil {
			t.Fatal(err)
		}
	}
	var with, without seen
	if err := Send(ctx, tx, nil, true, &with); err != nil {
		t.Fatal(err)
	}
	if err := Send(ctx, tx, nil, false, &without); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, with.failures); diff != "" || len(without.failures) != 0 {
		t.Errorf("%d unasked; asked (-want +got):\n%s", len(without.failures), diff)
	}
}
