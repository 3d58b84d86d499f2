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
	"testing"
	"time"

	"golang.org/x/sys/unix"

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
	makeDatabase(t, newer, fmt.Sprintf("CREATE TABLE layout (id INTEGER); PRAGMA application_id = %d; PRAGMA user_version = 99", applicationID))
	for _, test := range []struct {
		path string
		want error
		says string
	}{
		{text, ErrNotCache, "--cache"},
		{other, ErrNotCache, "another program's database"},
		{marked, ErrNotCache, "another program's database"},
		{dir, ErrNotCache, "takes a file"},
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
	tx, err := first.sql.BeginTx(ctx, nil)
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
