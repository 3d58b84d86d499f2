package cache

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
)

// withStruct is a kernel whose one large struct has a member of its own.
func withStruct(n int) *tpinfo.Snapshot {
	snap := sample(fmt.Sprintf("6.1.0-%d", n), 0)
	snap.Kernel.ID = fmt.Sprintf("%032x", 0xfee000+n)
	large := tpinfo.Type{Kind: tpinfo.KindStruct, Name: "struct large", Size: 8*200 + 8}
	for i := range 200 {
		large.Members = append(large.Members, tpinfo.Member{Name: fmt.Sprintf("member_%d_%x", i, i*i*7919), Type: "unsigned long", Offset: tpinfo.Bytes(8 * i), Size: 8})
	}
	large.Members = append(large.Members, tpinfo.Member{Name: fmt.Sprintf("new_in_%d", n), Type: "int", Offset: 8 * 200, Size: 4})
	snap.Types = append(snap.Types, large)
	slices.SortFunc(snap.Types, func(a, b tpinfo.Type) int { return strings.Compare(a.Name, b.Name) })
	return snap
}

// stand is how the layouts of a name are stored: sizes, and "+" for those that
// are packed on another.
func stand(t *testing.T, db *DB, name string) (sizes []int, how string) {
	t.Helper()
	rows, err := db.sql.QueryContext(context.Background(), "SELECT length(body), base IS NULL FROM layout WHERE name = ? ORDER BY id", name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		var alone bool
		if err := rows.Scan(&n, &alone); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, n)
		how += map[bool]string{true: "a", false: "+"}[alone]
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return sizes, how
}

// A layout that is like an earlier one takes a fraction of its space, reads
// back the same, in this cache, in another, and when the earlier one's kernel
// is gone.
func TestPackedOnEarlier(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	for n := range 4 {
		put(t, db, withStruct(n))
	}
	sizes, how := stand(t, db, "struct large")
	if how != "a+++" || sizes[1] > sizes[0]/10 {
		t.Errorf("layouts take %v bytes and stand %q, want the first alone and the others small", sizes, how)
	}
	other := openTemp(t)
	if _, err := other.Merge(ctx, db.Path()); err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	if err := db.Export(ctx, &file, nil); err != nil {
		t.Fatal(err)
	}
	imported := openTemp(t)
	if _, err := imported.Import(ctx, strings.NewReader(file.String())); err != nil {
		t.Fatal(err)
	}
	if exported(t, other) != file.String() || exported(t, imported) != file.String() {
		t.Error("the same kernels give another file")
	}
	for _, c := range []*DB{db, other} {
		for n := range 4 {
			whole(t, kernel(t, c, fmt.Sprintf("6.1.0-%d", n)), withStruct(n))
		}
	}
	for _, c := range []*DB{db, other, imported} {
		sound(t, c)
	}

	// The first kernel goes; its layout stays for those that need it, and is
	// found again when the kernel comes back.
	if err := db.Remove(ctx, withStruct(0).Kernel.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := db.GC(ctx, GCRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, how := stand(t, db, "struct large"); how != "a+++" {
		t.Errorf("afterwards they stand %q", how)
	}
	whole(t, kernel(t, db, "6.1.0-3"), withStruct(3))
	sound(t, db)
	if res := put(t, db, withStruct(0)); res.NewLayouts != 0 {
		t.Errorf("it came back with %d new layouts", res.NewLayouts)
	}
	// When nobody needs it any more, it goes.
	for n := range 4 {
		if err := db.Remove(ctx, withStruct(n).Kernel.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.GC(ctx, GCRequest{}); err != nil {
		t.Fatal(err)
	}
	if sizes, _ := stand(t, db, "struct large"); len(sizes) != 0 {
		t.Errorf("%d layouts are left", len(sizes))
	}
}

// A layout whose earlier one is gone or damaged is told of, never made up.
func TestPackedOnDamage(t *testing.T) {
	ctx := context.Background()
	for _, damage := range []string{
		"DELETE FROM layout WHERE name = 'struct large' AND base IS NULL",
		"UPDATE layout SET body = x'07' WHERE name = 'struct large' AND base IS NULL",
		"UPDATE layout SET base = NULL WHERE name = 'struct large'",
		"UPDATE layout SET base = id WHERE name = 'struct large' AND base IS NOT NULL",
		"UPDATE layout SET base = (SELECT id FROM layout WHERE name = 'struct page' AND base IS NULL) WHERE base IS NOT NULL",
	} {
		db := openTemp(t)
		put(t, db, withStruct(0))
		put(t, db, withStruct(1))
		if _, err := db.sql.ExecContext(ctx, damage); err != nil {
			t.Fatal(err)
		}
		faults, err := db.Verify(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(fmt.Sprint(faults), "struct large") {
			t.Errorf("%s: %v", damage, faults)
		}
		if typ, err := kernel(t, db, "6.1.0-1").Type(ctx, "struct large"); err == nil {
			t.Errorf("%s: it reads %d members", damage, len(typ.Members))
		}
		if _, err := openTemp(t).Merge(ctx, db.Path()); err == nil {
			t.Errorf("%s: it was merged", damage)
		}
	}
}
