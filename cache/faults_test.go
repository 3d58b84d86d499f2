package cache

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// What is no cache of ours is refused with what to do, and left as it is.
func TestNotACache(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database\n", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.db")
	makeDatabase(t, other, "CREATE TABLE songs (title TEXT); PRAGMA user_version = 3")
	marked := filepath.Join(dir, "marked.db")
	makeDatabase(t, marked, "PRAGMA application_id = 42; PRAGMA user_version = 1")
	newer := filepath.Join(dir, "newer.db")
	makeDatabase(t, newer, fmt.Sprintf("CREATE TABLE layout (id INTEGER); PRAGMA application_id = %d; PRAGMA user_version = 99", table.ApplicationID))
	for _, test := range []struct {
		path string
		want error
		says string
	}{
		{text, ErrNotCache, text},
		{other, ErrNotCache, "another program's database"},
		{marked, ErrNotCache, "another program's database"},
		{dir, ErrNotCache, "is a folder"},
		{newer, ErrNewer, "has schema 99"},
	} {
		var before []byte
		if test.path != dir {
			before = readFile(t, test.path)
		}
		for _, opts := range [][]Option{nil, {ReadOnly()}} {
			db, err := Open(ctx, test.path, opts...)
			if err == nil {
				t.Errorf("%s opens", test.path)
				t.Cleanup(func() { db.Close() })
			}
			if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.says) {
				t.Errorf("%s: %v, want %v that says %q", test.path, err, test.want, test.says)
			}
		}
		if test.path != dir && !bytes.Equal(before, readFile(t, test.path)) {
			t.Errorf("%s was changed", test.path)
		}
	}
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, empty, ReadOnly()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file whose maker was ended before it began: %v", err)
	}
	if _, err := Open(ctx, filepath.Join(dir, "nothing"), ReadOnly()); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "tpinfo extract makes one") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func makeDatabase(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
}

// Names that mean something in a URI are just names.
func TestOddNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{":memory:", "file:x.db", "relative.db"} {
		db := openAt(t, name)
		put(t, db, sample("6.1.0-1", 0))
		if err := db.Checkpoint(context.Background()); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(name); err != nil || st.Size() == 0 {
			t.Errorf("%q is no file with a cache: %v", name, err)
		}
	}
	if db, err := Open(context.Background(), ""); err == nil {
		t.Error("a cache without a name opens, and is gone when closed")
		t.Cleanup(func() { db.Close() })
	}
	for _, name := range []string{"a b.db", "what?mode=memory", "100%.db", "#1.db", "ü.db"} {
		path := filepath.Join(t.TempDir(), "folder ?#%", name)
		db := openAt(t, path)
		put(t, db, sample("6.1.0-1", 0))
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestLocked(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "cache.db")
	first := openAt(t, path)
	second := openAt(t, path, Wait(50*time.Millisecond))
	tx, err := first.writer.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Put(ctx, sample("6.1.0-1", 0)); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "try again") {
		t.Errorf("while another writes: %v, want ErrLocked", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	put(t, second, sample("6.1.0-1", 0))
}

// Who gives up waiting for another writer is let go at once, whether that one
// is another program or another goroutine.
func TestCancelledWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	first, second := openAt(t, path), openAt(t, path)
	tx, err := first.writer.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	var all sync.WaitGroup
	for name, ask := range map[string]func() error{
		"put":        func() error { _, err := second.Put(ctx, sample("6.1.0-1", 0)); return err },
		"put too":    func() error { _, err := second.Put(ctx, sample("6.1.0-1", 1)); return err },
		"remove":     func() error { return second.Remove(ctx, "aa") },
		"fail":       func() error { return second.Fail(ctx, tpinfo.Failure{Key: "aa"}) },
		"gc":         func() error { _, err := second.GC(ctx, GCRequest{}); return err },
		"checkpoint": func() error { return second.Checkpoint(ctx) },
	} {
		all.Go(func() {
			if err := ask(); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want that the time is over", name, err)
			}
		})
	}
	all.Wait()
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("they returned after %v", took)
	}
}

// What could not be read back is not stored.
func TestTooLarge(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	nested := &tpinfo.Type{Kind: tpinfo.KindStruct}
	for range layout.MaxAnon {
		nested = &tpinfo.Type{Kind: tpinfo.KindStruct, Members: []tpinfo.Member{{Type: "struct {...}", Anon: nested}}}
	}
	for name, change := range map[string]func(*tpinfo.Snapshot){
		"struct page":  func(s *tpinfo.Snapshot) { s.Types[7].Members[0].Name = strings.Repeat("x", layout.MaxBody) },
		"struct inner": func(s *tpinfo.Snapshot) { s.Types[6].Members[0].Anon = nested },
		"bytes":        func(s *tpinfo.Snapshot) { s.Kernel.Problems[0].Message = strings.Repeat("x", layout.MaxBody) },
	} {
		snap := sample("6.1.0-2", 1)
		change(snap)
		if _, err := db.Put(ctx, snap); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want an error that names %s", err, name)
		}
	}
	whole(t, kernel(t, db, ""), sample("6.1.0-1", 0))
	put(t, db, sample("6.1.0-2", 1))
	whole(t, kernel(t, db, "6.1.0-2"), sample("6.1.0-2", 1))
	sound(t, db)
}

// A cache in a folder that cannot be written, such as one on a read-only
// medium, is read all the same.
func TestReadOnlyFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		tier.Need(t, tier.Machine)
	}
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, "cache.db")
	db, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, sample("6.1.0-1", 0))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	mounted := filepath.Join(t.TempDir(), "mounted")
	bindReadOnly(t, dir, mounted)
	frozen := openAt(t, filepath.Join(mounted, "cache.db"), ReadOnly())
	whole(t, kernel(t, frozen, ""), sample("6.1.0-1", 0))
	if db, err := Open(ctx, filepath.Join(mounted, "cache.db")); err == nil {
		_, err = db.Put(ctx, sample("6.1.0-2", 1))
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("writing to it: %v, want ErrReadOnly", err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	} else if !errors.Is(err, ErrReadOnly) {
		t.Errorf("opening it for writing: %v, want ErrReadOnly", err)
	}
	if _, err := Open(ctx, filepath.Join(mounted, "new.db")); !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), mounted) {
		t.Errorf("a new one there: %v, want ErrReadOnly and the folder", err)
	}
}

// A log beside a cache on a read-only medium holds kernels that the file does
// not have yet: they are read, or it is said that they cannot be.
func TestReadOnlyFolderWithLog(t *testing.T) {
	tier.Need(t, tier.Machine)
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "cache.db")
	db := openAt(t, path)
	put(t, db, sample("6.1.0-1", 0))
	if err := db.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	put(t, db, sample("6.1.0-2", 1))
	for _, test := range []struct {
		copied []string
		want   int // kernels; 0 for an error
	}{
		{[]string{""}, 1},
		{[]string{"", "-wal", "-shm"}, 2},
		{[]string{"", "-wal"}, 0},
	} {
		dir := t.TempDir()
		for _, suffix := range test.copied {
			if err := os.WriteFile(filepath.Join(dir, "cache.db"+suffix), readFile(t, path+suffix), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		mounted := filepath.Join(t.TempDir(), "mounted")
		bindReadOnly(t, dir, mounted)
		frozen, err := Open(ctx, filepath.Join(mounted, "cache.db"), ReadOnly())
		if test.want == 0 {
			if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "cache.db-wal") {
				t.Errorf("%q: %v, want ErrReadOnly that names the log", test.copied, err)
			}
			if err == nil {
				frozen.Close() //nolint:errcheck // it should not have opened
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", test.copied, err)
			continue
		}
		if infos, err := frozen.Kernels(ctx); err != nil || len(infos) != test.want {
			t.Errorf("%q: %d kernels (%v), want %d", test.copied, len(infos), err, test.want)
		}
		sound(t, frozen)
		if err := frozen.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A cache of a newer program is left as it is, and works when that is back.
func TestNewerSchema(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "cache.db")
	put(t, openAt(t, path), sample("6.1.0-1", 0))
	makeDatabase(t, path, "PRAGMA user_version = 99")
	for _, opts := range [][]Option{nil, {ReadOnly()}} {
		if db, err := Open(ctx, path, opts...); !errors.Is(err, ErrNewer) {
			t.Errorf("%v, want ErrNewer", err)
			if err == nil {
				db.Close() //nolint:errcheck // it should not have opened
			}
		}
	}
	makeDatabase(t, path, fmt.Sprintf("PRAGMA user_version = %d", table.Schema()))
	db := openAt(t, path)
	whole(t, kernel(t, db, ""), sample("6.1.0-1", 0))
	sound(t, db)
}

// Many that open a file which is not there yet end with one cache.
func TestMadeAtOnce(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "cache.db")
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			db, err := Open(ctx, path)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := db.Put(ctx, sample(fmt.Sprint("6.1.0-", n), n)); err != nil {
				t.Error(err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	db := openAt(t, path)
	for n := range 8 {
		release := fmt.Sprint("6.1.0-", n)
		whole(t, kernel(t, db, release), sample(release, n))
	}
	sound(t, db)
}

func bindReadOnly(t *testing.T, dir, at string) {
	t.Helper()
	tier.Need(t, tier.Machine)
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(dir, at, "", unix.MS_BIND, ""); err != nil {
		tier.Skip(t, "no mount here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}

// A full disk costs the kernel that did not fit, and no other.
func TestFullDisk(t *testing.T) {
	tier.Need(t, tier.Machine)
	ctx := context.Background()
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=700k"); err != nil {
		tier.Skip(t, "no mount here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(disk, "cache.db")
	db, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, large(0))
	stored := 1
	for ; ; stored++ {
		if _, err = db.Put(ctx, large(stored)); err != nil {
			break
		}
		if stored > 1000 {
			t.Fatal("the disk never filled")
		}
	}
	if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "free some space") {
		t.Errorf("a full disk: %v, want ErrFull", err)
	}
	for _, again := range []string{"in the same process", "opened anew"} {
		sound(t, db)
		infos, err := db.Kernels(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(infos) != stored {
			t.Errorf("%s: %d kernels, want the %d that fitted", again, len(infos), stored)
		}
		whole(t, kernel(t, db, large(0).Kernel.ID), large(0))
		if err := db.Close(); err != nil {
			t.Logf("closing on a full disk: %v", err)
		}
		if db, err = Open(ctx, path); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// Of many things that a name may stand for, an error shows a few.
func TestAmbiguous(t *testing.T) {
	for want, e := range map[string]*AmbiguousError{
		`event "a" is ambiguous: x:a, y:a`:                       {What: "event", Name: "a", Matches: []string{"x:a", "y:a"}},
		`kernel "6*" is ambiguous: 1, 2, 3, 4, 5, 6`:             {What: "kernel", Name: "6*", Matches: []string{"1", "2", "3", "4", "5", "6"}},
		`kernel "6*" is ambiguous: 1, 2, 3, 4, 5 and 2 more`:     {What: "kernel", Name: "6*", Matches: []string{"1", "2", "3", "4", "5", "6", "7"}},
		`which kernel? There are 6.1.0-56-amd64, 7.3.4-rt-amd64`: {What: "kernel", Matches: []string{"6.1.0-56-amd64", "7.3.4-rt-amd64"}},
	} {
		if e.Error() != want {
			t.Errorf("%s, want %s", e, want)
		}
	}
}
