package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/fixtures/snapshots"
)

// A row that is not as it was stored is found, and named.
func TestDamagedRows(t *testing.T) {
	ctx := context.Background()
	for _, test := range []struct {
		damage      string
		where, what string
		// reads is what reading all events says; empty when they are whole.
		reads string
	}{
		{"DELETE FROM layout WHERE name = 'sched_switch'", "kernel 6.1.0-1", "1 of its 4 layouts are missing", "1 layouts of kernel 6.1.0-1 are missing"},
		{"DELETE FROM layout WHERE kind = 2", "kernel 6.1.0-1", "9 of its 9 layouts are missing", ""},
		{"UPDATE layout SET body = x'' WHERE name = 'sched_switch'", "(sched_switch)", "damaged", "sched_switch: a stored layout is damaged"},
		{"UPDATE layout SET body = x'07' || substr(body, 2) WHERE name = 'sched_switch'", "(sched_switch)", "unknown form 7", "unknown form 7"},
		{"UPDATE layout SET body = substr(body, 1, length(body) - 6) WHERE name = 'sched_switch'", "(sched_switch)", "damaged", "sched_switch: a stored layout is damaged"},
		{"UPDATE layout SET body = x'00' WHERE name = 'struct page'", "(struct page)", "damaged", ""},
		{"UPDATE layout SET body = (SELECT body FROM layout WHERE name = 'struct inner') WHERE name = 'struct page'", "(struct page)", "does not have the id", ""},
		{"UPDATE layout SET hash = hash + 1 WHERE name = 'struct page'", "(struct page)", "does not have the id", ""},
		{"UPDATE layout SET rest = rest + 1 WHERE name = 'struct page'", "kernel 6.1.0-1", "not what was stored", ""},
		{"UPDATE layout SET key = key + 1 WHERE name = 'struct page'", "(struct page)", "not the one it is found by", ""},
		{"UPDATE layout SET name = 'struct pagf' WHERE name = 'struct page'", "(struct pagf)", "does not have the id", ""},
		{"UPDATE layout SET kind = 3 - kind WHERE name = 'struct page'", "kernel 6.1.0-1", "1 of its 9 layouts are missing", ""},
		{"UPDATE kernel SET content = zeroblob(16)", "kernel 6.1.0-1", "not what was stored", ""},
		{"UPDATE kernel SET types = types + 1", "kernel 6.1.0-1", "1 of its 10 layouts are missing", ""},
		{"UPDATE kernel SET event_ids = type_ids", "kernel 6.1.0-1", "of its 4 layouts are missing", "9 layouts of kernel 6.1.0-1 are missing"},
		{"UPDATE kernel SET event_ids = x'0000'", "kernel 6.1.0-1", "damaged", "list of layouts: a stored layout is damaged"},
		{"UPDATE kernel SET event_ids = x'00'", "kernel 6.1.0-1", "4 of its 4 layouts are missing", ""},
		{"UPDATE kernel SET incomplete = 1", "kernel 6.1.0-1", "not as many incomplete events", ""},
		{"UPDATE kernel SET arch = 'x87'", "kernel 6.1.0-1", "not what was stored", ""},
		{"UPDATE kernel SET word_size = 4", "kernel 6.1.0-1", "not what was stored", ""},
		{"UPDATE kernel SET problems = x'005b5d'", "kernel 6.1.0-1", "not what was stored", ""},
		{"UPDATE failure SET body = x'07'", "failure aa", "damaged", ""},
		{"UPDATE failure SET key = 'ab'", "failure ab", "damaged", ""},
		{"UPDATE failure SET key = 'bb'; UPDATE origin SET key = 'bb'", "failure bb", "was built all the same", ""},
		{"PRAGMA foreign_keys = 0; UPDATE origin SET kernel = 'gone'", "origin bb", "kernel gone is not there", ""},
		{"PRAGMA foreign_keys = 0; UPDATE alias SET files = x'00'", "alias 6.1.0-1", "its list of headers is not there", ""},
		{"PRAGMA foreign_keys = 0; UPDATE alias SET kernel = 'gone'", "alias 6.1.0-1", "kernel gone is not there", ""},
		{"DELETE FROM alias", "kernel 00000", "it has no name", ""},
		{"UPDATE blob SET body = x'00'", "list of headers", "not what it was", ""},
		{"UPDATE blob SET body = x'07'", "list of headers", "not what it was", ""},
	} {
		db := openTemp(t)
		if _, err := db.PutFrom(ctx, sample("6.1.0-1", 0), tpinfo.Origin{Key: "bb"}); err != nil {
			t.Fatal(err)
		}
		if err := db.Fail(ctx, tpinfo.Failure{Key: "aa", Reason: "it is cut short"}); err != nil {
			t.Fatal(err)
		}
		k := kernel(t, db, "")
		if _, err := db.sql.ExecContext(ctx, test.damage); err != nil {
			t.Fatalf("%s: %v", test.damage, err)
		}
		faults, err := db.Verify(ctx)
		if err != nil {
			t.Errorf("%s: %v", test.damage, err)
		}
		found := false
		for _, f := range faults {
			found = found || strings.Contains(f.Where, test.where) && strings.Contains(f.What, test.what)
		}
		if !found {
			t.Errorf("%s: faults %q, want one at %q that says %q", test.damage, faults, test.where, test.what)
		}
		_, err = k.Events(ctx)
		switch {
		case test.reads == "" && err != nil:
			t.Errorf("%s: the events: %v", test.damage, err)
		case test.reads != "" && (!errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), test.reads)):
			t.Errorf("%s: the events: %v, want ErrCorrupt that says %q", test.damage, err, test.reads)
		}
	}
}

// Every way to ask for a damaged layout says that the cache is damaged, which
// file it is, and what to do.
func TestDamageIsExplained(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	k := kernel(t, db, "")
	if _, err := db.sql.ExecContext(ctx, "UPDATE layout SET body = x'0101'"); err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func() error{
		"event":  func() error { _, err := k.Event(ctx, "sched_switch"); return err },
		"events": func() error { _, err := k.Events(ctx); return err },
		"type":   func() error { _, err := k.Type(ctx, "page"); return err },
		"types":  func() error { _, err := k.Types(ctx); return err },
		"member": func() error { _, err := k.Member(ctx, "page", "flags"); return err },
	} {
		err := ask()
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
			continue
		}
		for _, want := range []string{db.Path(), "make it anew"} {
			if strings.Count(err.Error(), want) != 1 {
				t.Errorf("%s: %v, want it to say %q once", name, err, want)
			}
		}
	}
	if _, err := db.sql.ExecContext(ctx, "UPDATE kernel SET problems = x'07'; UPDATE blob SET body = x'07'"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Kernels(ctx); !errors.Is(err, ErrCorrupt) {
		t.Errorf("kernels: %v, want ErrCorrupt", err)
	}
	if _, err := db.Recorded(ctx, "6.1.0-1", ""); !errors.Is(err, ErrCorrupt) {
		t.Errorf("recorded: %v, want ErrCorrupt", err)
	}
	// A put of what is there already does not mend layouts: it must not say
	// that all is well either.
	put(t, db, sample("6.1.0-1", 0))
	if faults, err := db.Verify(ctx); err != nil || len(faults) == 0 {
		t.Errorf("%d faults (%v) in a cache without one good layout", len(faults), err)
	}
}

// One byte of a layout changed, whichever: it is found, or what is read is what
// was stored.
func TestDamagedBytes(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	snap := sample("6.1.0-1", 0)
	put(t, db, snap)
	tried, found := 0, 0
	for name, ask := range map[string]func(*Kernel) (any, error){
		"sched_switch": func(k *Kernel) (any, error) { return k.Event(ctx, "sched_switch") },
		"struct page":  func(k *Kernel) (any, error) { return k.Type(ctx, "struct page") },
		"enum colour":  func(k *Kernel) (any, error) { return k.Type(ctx, "enum colour") },
	} {
		want, err := ask(kernel(t, db, ""))
		if err != nil {
			t.Fatal(err)
		}
		var good []byte
		if err := db.sql.QueryRowContext(ctx, "SELECT body FROM layout WHERE name = ?", name).Scan(&good); err != nil {
			t.Fatal(err)
		}
		for at := range good {
			for _, change := range []byte{0x01, 0x5a, 0x80, 0xff} {
				bad := append([]byte{}, good...)
				bad[at] ^= change
				if _, err := db.sql.ExecContext(ctx, "UPDATE layout SET body = ? WHERE name = ?", bad, name); err != nil {
					t.Fatal(err)
				}
				faults, err := db.Verify(ctx)
				if err != nil {
					t.Fatal(err)
				}
				tried++
				got, err := ask(kernel(t, db, ""))
				switch {
				case err != nil && !errors.Is(err, ErrCorrupt):
					t.Errorf("%s with byte %d changed by %#x: %v, want ErrCorrupt", name, at, change, err)
				case len(faults) > 0:
					found++
				case err != nil || cmp.Diff(want, got, snapshots.Alike) != "":
					t.Errorf("%s with byte %d changed by %#x is taken for sound: %v (%v)", name, at, change, got, err)
				}
			}
		}
		if _, err := db.sql.ExecContext(ctx, "UPDATE layout SET body = ? WHERE name = ?", good, name); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d changes found; the others are bits that deflate passes over", found, tried)
	if found < tried*9/10 {
		t.Errorf("only %d of %d changes found", found, tried)
	}
	sound(t, db)
	whole(t, kernel(t, db, ""), snap)
}

// A damaged kernel costs the others nothing, and can be removed.
func TestDamageBesideWhole(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	put(t, db, sample("6.1.0-2", 1))
	own := fmt.Sprintf("UPDATE layout SET body = x'07' WHERE id IN (SELECT max(id) FROM layout WHERE kind = %d)", layout.KindEvent)
	if _, err := db.sql.ExecContext(ctx, own); err != nil {
		t.Fatal(err)
	}
	whole(t, kernel(t, db, "6.1.0-1"), sample("6.1.0-1", 0))
	if _, err := kernel(t, db, "6.1.0-2").Events(ctx); !errors.Is(err, ErrCorrupt) {
		t.Errorf("the damaged one: %v, want ErrCorrupt", err)
	}
	if err := db.Remove(ctx, sample("", 1).Kernel.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := db.GC(ctx, GCRequest{}); err != nil {
		t.Fatal(err)
	}
	sound(t, db)
	again := sample("6.1.0-2", 1)
	put(t, db, again)
	whole(t, kernel(t, db, "6.1.0-2"), again)
	sound(t, db)
}

// A damaged file is found out, whatever is damaged, and nothing panics.
func TestDamagedFile(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "cache.db")
	db, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, kernelSized())
	if err := db.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	good := readFile(t, path)
	found, tried := 0, 0
	for at := 150; at+16 < len(good); at += len(good)/50 + 1 {
		if bytes.Equal(good[at:at+16], make([]byte, 16)) {
			continue // a part of a page that holds nothing
		}
		bad := bytes.Clone(good)
		for i := at; i < min(at+16, len(bad)); i++ {
			bad[i] ^= 0x5a
		}
		file := filepath.Join(t.TempDir(), "bad.db")
		if err := os.WriteFile(file, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		tried++
		if damaged(t, file) {
			found++
		}
	}
	// What cannot be read at all is a fault as others are, and nothing leads
	// back to who found it.
	for name, bad := range map[string][]byte{
		"cut":         good[:len(good)/3],
		"overwritten": append(bytes.Clone(good[:len(good)/3]), bytes.Repeat([]byte{0x5a}, len(good)-len(good)/3)...),
	} {
		file := filepath.Join(t.TempDir(), name+".db")
		if err := os.WriteFile(file, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		db, err := Open(ctx, file, ReadOnly())
		if err == nil {
			var faults []Fault
			faults, err = db.Verify(ctx)
			if err != nil || len(faults) == 0 || !strings.HasPrefix(faults[len(faults)-1].What, "more cannot be read: ") {
				t.Errorf("%s: %q, %v", name, faults, err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		} else if !errors.Is(err, ErrCorrupt) || strings.Contains(err.Error(), "verify") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What is left: parts of pages that hold nothing any more.
	t.Logf("%d of %d damages found", found, tried)
	if found < tried*95/100 {
		t.Errorf("only %d of %d damages found", found, tried)
	}
}

// damaged reads all there is; what reads fine must be what was stored.
func damaged(t *testing.T, file string) bool {
	t.Helper()
	ctx := context.Background()
	db, err := Open(ctx, file, ReadOnly())
	if err != nil {
		return true
	}
	defer db.Close()
	if faults, err := db.Verify(ctx); err != nil || len(faults) > 0 {
		return true
	}
	k, err := db.Kernel(ctx, "")
	if err != nil {
		return true
	}
	if _, err := k.Events(ctx); err != nil {
		t.Errorf("no fault found, and the events cannot be read: %v", err)
	}
	if _, err := k.Types(ctx); err != nil {
		t.Errorf("no fault found, and the types cannot be read: %v", err)
	}
	return false
}
