package cache

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
)

// Types that are added are there beside what was, under the same id; a name
// that is taken stays what it is.
func TestAddTypes(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	snap := sample("6.1.0-1", 0)
	put(t, db, snap)
	put(t, db, sample("6.1.0-2", 1))
	widget := tpinfo.Type{Kind: tpinfo.KindStruct, Name: "struct widget", Size: 4,
		Members: []tpinfo.Member{{Name: "size", Type: "int", Offset: 0, Size: 4}}}
	taken := snap.Types[0]
	taken.Size++
	for range 2 {
		if err := db.AddTypes(ctx, snap.Kernel.ID, []tpinfo.Type{taken, widget}); err != nil {
			t.Fatal(err)
		}
	}
	want := *snap
	want.Types = append(append([]tpinfo.Type{}, snap.Types...), widget)
	slices.SortFunc(want.Types, func(a, b tpinfo.Type) int { return strings.Compare(a.Name, b.Name) })
	whole(t, kernel(t, db, snap.Kernel.ID), &want)
	if _, err := kernel(t, db, "6.1.0-2").Type(ctx, "struct widget"); err == nil {
		t.Error("the other kernel has it too")
	}
	var missing *NotFoundError
	if err := db.AddTypes(ctx, "0123456789", []tpinfo.Type{widget}); !errors.As(err, &missing) || missing.What != "kernel" {
		t.Errorf("a kernel that is not there: %v", err)
	}
	sound(t, db)
}
