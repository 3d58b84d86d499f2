package cache

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/merge"
)

// inMemoryCache is an empty cache that costs no disk.
func inMemoryCache(t rapid.TB) *DB {
	t.Helper()
	ctx := context.Background()
	db, err := inMemory(ctx, "memory", func(db *DB, _ string) error { return db.migrate(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	db.readOnly = false
	return db
}

// mergeInto is what Merge does once both are open.
func mergeInto(t rapid.TB, db, other *DB) merge.Result {
	t.Helper()
	var res merge.Result
	err := db.write(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		into, err := db.target(ctx, tx, &res)
		if err != nil {
			return err
		}
		return other.send(ctx, nil, true, into)
	})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// known is all that a cache knows, with times, without the numbers of rows.
func known(t rapid.TB, db *DB) string {
	t.Helper()
	ctx := context.Background()
	var out strings.Builder
	for _, query := range []string{
		"SELECT id || hex(content) || source || incomplete || ' ' || events || ' ' || types FROM kernel ORDER BY id",
		"SELECT kernel || ' ' || release || ' ' || tree || ' ' || compiler || ' ' || extracted || digest || btf || hex(files) FROM alias ORDER BY kernel, release, tree",
		"SELECT key || ' ' || headers || ' ' || kernel FROM origin ORDER BY key",
		"SELECT key || ' ' || hex(body) FROM failure ORDER BY key",
	} {
		rows, err := db.sql.QueryContext(ctx, query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&out, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	content, err := db.Content(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return out.String() + content
}

// anyCache fills a cache with what one machine of several may come to know of
// few kernels, so that they often know different things of the same.
func anyCache(t *rapid.T, label string) *DB {
	ctx := context.Background()
	db := inMemoryCache(t)
	small := rapid.IntRange(0, 2)
	key := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("key", small.Draw(t, "key")) })
	when := rapid.Custom(func(t *rapid.T) time.Time { return time.Unix(int64(1000+small.Draw(t, "when")), 0).UTC() })
	for range rapid.IntRange(0, 5).Draw(t, label) {
		snap := sample(fmt.Sprint("6.1.0-", small.Draw(t, "release")), small.Draw(t, "edition"))
		snap.Kernel.Tree = rapid.SampledFrom([]string{"", "/here/", "/there/"}).Draw(t, "folder") + fmt.Sprint("tree", small.Draw(t, "tree"))
		snap.Kernel.Extracted = when.Draw(t, "extracted")
		snap.Inputs.Digest = fmt.Sprint("digest", small.Draw(t, "digest"))
		snap.Inputs.Files = snap.Inputs.Files[:small.Draw(t, "files")]
		snap.Kernel.Source = rapid.SampledFrom([]tpinfo.Source{tpinfo.FromDWARF, tpinfo.FromDWARFBTF}).Draw(t, "source")
		if rapid.Bool().Draw(t, "no problem") {
			snap.Kernel.Problems = []tpinfo.Problem{}
		}
		switch small.Draw(t, "sources") {
		case 1: // as with --btf
			snap.Events[1].Record.Size, snap.Events[1].Record.Fields[2].Size, snap.Events[1].Record.Fields[2].Offset = 24, 8, 16
			snap.Events[1].Problems = nil
		case 2: // as with --source
			e := snap.Events[0]
			e.Name = "private"
			snap.Events = append(snap.Events, e)
			snap.Types = append(snap.Types, tpinfo.Type{Kind: tpinfo.KindStruct, Name: "struct private", Size: 4})
		}
		origin := tpinfo.Origin{}
		if rapid.Bool().Draw(t, "from") {
			origin = tpinfo.Origin{Key: key.Draw(t, "origin"), Headers: fmt.Sprint("headers", small.Draw(t, "headers"))}
		}
		if _, err := db.PutFrom(ctx, snap, origin); err != nil {
			t.Fatal(err)
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, label+" failures") {
		f := tpinfo.Failure{Key: key.Draw(t, "failed"), Reason: fmt.Sprint("reason ", small.Draw(t, "reason")), Tries: small.Draw(t, "tries"), When: when.Draw(t, "failed at")}
		if err := db.Fail(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// Caches in any order, in any groups, and any of them twice, merge to the same;
// and so do their exported kernels, but for times and failures.
func TestMergeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var parts []*DB
		for n := range 3 {
			db := anyCache(t, fmt.Sprint("cache ", n))
			defer db.Close()
			parts = append(parts, db)
		}
		merged := func(parts ...*DB) *DB {
			db := inMemoryCache(t)
			for _, p := range parts {
				mergeInto(t, db, p)
			}
			return db
		}
		plain := merged(parts...)
		defer plain.Close()
		want := known(t, plain)
		shuffled := merged(rapid.Permutation(parts).Draw(t, "order")...)
		defer shuffled.Close()
		if diff := cmp.Diff(want, known(t, shuffled)); diff != "" {
			t.Fatalf("in another order (-first +second):\n%s", diff)
		}
		right := merged(parts[1], parts[2])
		defer right.Close()
		grouped := merged(parts[0], right)
		defer grouped.Close()
		if diff := cmp.Diff(want, known(t, grouped)); diff != "" {
			t.Fatalf("in other groups (-first +second):\n%s", diff)
		}
		again := mergeInto(t, plain, rapid.SampledFrom(parts).Draw(t, "again"))
		again.Known = 0
		if diff := cmp.Diff(want, known(t, plain)); diff != "" || again != (merge.Result{}) {
			t.Fatalf("again, it says %+v (-first +second):\n%s", again, diff)
		}
		sound(t, plain)
		file := exported(t, plain)
		imported := inMemoryCache(t)
		defer imported.Close()
		if _, err := imported.Import(context.Background(), strings.NewReader(file)); err != nil {
			t.Fatal(err)
		}
		sound(t, imported)
		if exported(t, imported) != file {
			t.Fatal("an imported file is exported as another")
		}
	})
}

// exported is a file of all kernels; that the order of merges makes no other
// follows from what is known being the same.
func exported(t rapid.TB, db *DB) string {
	t.Helper()
	var out bytes.Buffer
	if err := db.Export(context.Background(), &out, nil); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Who gives up is let go soon, and nothing has happened.
func TestMergeCancelled(t *testing.T) {
	other, db := openTemp(t), openTemp(t)
	for n := range 4 {
		put(t, other, large(n))
	}
	put(t, db, sample("6.1.0-1", 0))
	before := known(t, db)
	file := exported(t, other)
	for n := range 20 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n)*time.Millisecond)
		_, merr := db.Merge(ctx, other.Path())
		cancel()
		ctx, cancel = context.WithTimeout(context.Background(), time.Duration(n)*time.Millisecond)
		_, ierr := db.Import(ctx, strings.NewReader(file))
		cancel()
		if merr == nil || ierr == nil {
			break // it had the time
		}
		if !errors.Is(merr, context.DeadlineExceeded) || !errors.Is(ierr, context.DeadlineExceeded) {
			t.Errorf("after %d ms: %v and %v, want that the time is over", n, merr, ierr)
		}
		if known(t, db) != before {
			t.Fatalf("after %d ms something was merged", n)
		}
	}
	if _, err := db.Merge(context.Background(), other.Path()); err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		whole(t, kernel(t, db, large(n).Kernel.ID), large(n))
	}
	sound(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := other.Export(ctx, &bytes.Buffer{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("an export nobody waits for: %v", err)
	}
}

// What one extraction knew and another did not is not lost.
func TestMergeKnowsAll(t *testing.T) {
	ctx := context.Background()
	withBTF, withSource, plain := sample("6.1.0-1", 0), sample("6.1.0-1", 0), sample("6.1.0-1", 0)
	withBTF.Kernel.Source = tpinfo.FromDWARFBTF
	withBTF.Kernel.Problems = []tpinfo.Problem{}
	withBTF.Events[1].Record = &tpinfo.Record{Size: 40, Fields: []tpinfo.Field{}}
	withBTF.Events[1].Problems = nil
	private := plain.Events[0]
	private.System, private.Name = "zz", "private"
	withSource.Events = append(withSource.Events, private)
	withSource.Types = append(withSource.Types, tpinfo.Type{Kind: tpinfo.KindTypedef, Name: "zz_t", Size: 4, Of: "int"})
	withSource.Types[2].Size = 8 // loop_a, unknown to the others
	want := withSource
	want.Kernel.Source, want.Kernel.Problems, want.Events[1] = withBTF.Kernel.Source, withBTF.Kernel.Problems, withBTF.Events[1]
	for _, order := range [][]*tpinfo.Snapshot{{plain, withBTF, withSource}, {withSource, plain, withBTF}, {withBTF, withSource, plain}} {
		db := openTemp(t)
		for _, snap := range order {
			other := openTemp(t)
			put(t, other, snap)
			if _, err := db.Merge(ctx, other.Path()); err != nil {
				t.Fatal(err)
			}
		}
		whole(t, kernel(t, db, ""), want)
		if i := kernel(t, db, "").Info(); i.Events != 5 || i.Incomplete != 1 || i.Types != 10 {
			t.Errorf("%d events, %d incomplete, %d types; want 5, 1, 10", i.Events, i.Incomplete, i.Types)
		}
		sound(t, db)
	}
}

func TestMergeResult(t *testing.T) {
	ctx := context.Background()
	db, other := openTemp(t), openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	put(t, other, sample("6.1.0-1", 0))
	put(t, other, sample("6.1.0-2", 1))
	more := sample("6.1.0-3", 0)
	more.Events[2].Args = []tpinfo.Arg{}
	put(t, other, more)
	if err := other.Fail(ctx, tpinfo.Failure{Key: "aa", Reason: "it is cut short"}); err != nil {
		t.Fatal(err)
	}
	res, err := db.Merge(ctx, other.Path())
	if want := (merge.Result{Kernels: 1, Grown: 1, Releases: 2, Layouts: 4, Failures: 1}); err != nil || res != want {
		t.Errorf("%+v (%v), want %+v", res, err, want)
	}
	// What was built somewhere is no failure.
	if _, err := other.PutFrom(ctx, sample("6.1.0-2", 1), tpinfo.Origin{Key: "aa"}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Merge(ctx, other.Path()); err != nil {
		t.Fatal(err)
	}
	if f, err := db.FailureOf(ctx, "aa"); err != nil || f != nil {
		t.Errorf("it is a failure still: %+v (%v)", f, err)
	}
	sound(t, db)
	if left, err := db.Content(ctx); err != nil {
		t.Fatal(err)
	} else if right, err := other.Content(ctx); err != nil || left != right {
		t.Errorf("contents %s and %s (%v)", left, right, err)
	}
}

// What cannot be merged says why, names the file at fault, and leaves the
// cache as it was.
func TestMergeRefuses(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db := openAt(t, filepath.Join(dir, "cache.db"), Wait(50*time.Millisecond))
	put(t, db, sample("6.1.0-1", 0))
	before := known(t, db)
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database\n", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	songs := filepath.Join(dir, "songs.db")
	makeDatabase(t, songs, "CREATE TABLE songs (title TEXT)")
	newer := filepath.Join(dir, "newer.db")
	put(t, openAt(t, newer), sample("6.1.0-1", 0))
	makeDatabase(t, newer, "PRAGMA user_version = 99")
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink("cache.db", link); err != nil {
		t.Fatal(err)
	}
	damaged := func(name, damage string) string {
		path := filepath.Join(dir, name)
		other := openAt(t, path)
		// A kernel that is whole comes first.
		put(t, other, sample("5.10.0-1", 1))
		put(t, other, sample("6.1.0-2", 2))
		makeDatabase(t, path, damage)
		return path
	}
	last := "id = (SELECT max(id) FROM layout WHERE kind = 2)"
	foreign := filepath.Join(dir, "foreign.db")
	lie := sample("6.1.0-1", 0)
	lie.Kernel.Arch = "arm64"
	put(t, openAt(t, foreign), lie)
	for _, test := range []struct {
		path string
		want error
		says string
	}{
		{filepath.Join(dir, "nothing.db"), fs.ErrNotExist, "no cache at"},
		{dir, ErrNotCache, "is a folder"},
		{text, ErrNotCache, "text"},
		{songs, ErrNotCache, "another program's database"},
		{newer, ErrNewer, "has schema 99"},
		{db.Path(), nil, "is the cache itself"},
		{link, nil, "is the cache itself"},
		{damaged("body.db", "UPDATE layout SET body = x'07' WHERE "+last), ErrCorrupt, "body.db"},
		{damaged("other.db", "UPDATE layout SET body = (SELECT body FROM layout WHERE name = 'struct inner') WHERE "+last), ErrCorrupt, "other.db"},
		{damaged("hash.db", "UPDATE layout SET hash = hash + 1 WHERE "+last), ErrCorrupt, "hash.db"},
		{damaged("gone.db", "DELETE FROM layout WHERE "+last), ErrCorrupt, "1 layouts of kernel 6.1.0-2 are missing"},
		{damaged("kernel.db", "UPDATE kernel SET word_size = 4 WHERE id LIKE '%2'"), ErrCorrupt, "kernel 6.1.0-2 is not what was stored"},
		{damaged("alias.db", "DELETE FROM alias WHERE release = '6.1.0-2'"), ErrCorrupt, "has no name"},
		{damaged("list.db", "UPDATE blob SET body = x'00'"), ErrCorrupt, "list of headers"},
		{damaged("problems.db", "UPDATE kernel SET problems = x'07'"), ErrCorrupt, "problems of kernel"},
		{foreign, ErrCorrupt, "it is x86, little-endian with words of 8 bytes here, and arm64"},
	} {
		res, err := db.Merge(ctx, test.path)
		if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.path, err, test.want, test.says)
		}
		if res != (merge.Result{}) {
			t.Errorf("%s: %+v although it failed", test.path, res)
		}
		if errors.Is(err, ErrCorrupt) && test.path != foreign && strings.Contains(err.Error(), db.Path()) {
			t.Errorf("%s: %v blames the cache that is whole", test.path, err)
		}
		if diff := cmp.Diff(before, known(t, db)); diff != "" {
			t.Errorf("%s changed the cache (-before +after):\n%s", test.path, diff)
		}
	}
	if _, err := db.Merge(ctx, newer, Trust(bytes.Repeat([]byte{1}, 32))); !errors.Is(err, bundle.ErrSignature) {
		t.Errorf("a cache where a signature is asked for: %v", err)
	}
	sound(t, db)
	// Another program writes to it.
	tx, err := openAt(t, db.Path()).writer.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Merge(ctx, foreign); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), db.Path()) {
		t.Errorf("while another writes: %v, want ErrLocked", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
}

// An older cache is merged, read and not changed.
func TestMergeOlder(t *testing.T) {
	ctx := context.Background()
	path := older(t)
	before := readFile(t, path)
	db := openTemp(t)
	if res, err := db.Merge(ctx, path); err != nil || res.Kernels != 2 {
		t.Errorf("%+v (%v), want 2 kernels", res, err)
	}
	holdsOlder(t, db)
	if !bytes.Equal(before, readFile(t, path)) {
		t.Error("the older cache was changed")
	}
}

// A cache that somebody writes to meanwhile is merged as it was at one moment.
func TestMergeBesideAWriter(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "busy.db")
	cmd, said := child(t, path)
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	for range 3 {
		said.Scan()
	}
	db := openTemp(t)
	for range 5 {
		if _, err := db.Merge(ctx, path); err != nil {
			t.Fatal(err)
		}
	}
	infos, err := db.Kernels(ctx)
	if err != nil || len(infos) == 0 {
		t.Fatalf("%d kernels (%v)", len(infos), err)
	}
	for _, i := range infos {
		var edition int
		if _, err := fmt.Sscanf(i.ID, "%x", &edition); err != nil {
			t.Fatal(err)
		}
		whole(t, &Kernel{db: db, info: i}, large(edition))
	}
	sound(t, db)
}

// An exported file is read where a cache is asked for, and merged.
func TestExportedFileAsCache(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	path := filepath.Join(t.TempDir(), "kernels.tpinfo")
	if err := os.WriteFile(path, export(t, db, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	want := sample("6.1.0-1", 0)
	want.Kernel.Tree, want.Kernel.Extracted = "6.1.0-1", time.Time{}
	there := openAt(t, path, ReadOnly())
	whole(t, kernel(t, there, ""), want)
	sound(t, there)
	if _, err := there.Put(ctx, want); !errors.Is(err, ErrReadOnly) {
		t.Errorf("writing to it: %v", err)
	}
	again := openAt(t, path, ReadOnly()) // each its own
	whole(t, kernel(t, again, ""), want)
	if db, err := Open(ctx, path); !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "tpinfo cache import") {
		t.Errorf("opened for writing: %v", err)
		if err == nil {
			db.Close() //nolint:errcheck // it should not have opened
		}
	}
	into := openTemp(t)
	if res, err := into.Merge(ctx, path); err != nil || res.Kernels != 1 {
		t.Errorf("merged: %+v (%v)", res, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("files beside it: %v (%v)", entries, err)
	}
	if db, err := Open(ctx, path, ReadOnly(), TrustedBy(bytes.Repeat([]byte{1}, 32))); !errors.Is(err, bundle.ErrSignature) {
		t.Errorf("where a signature is asked for: %v", err)
		if err == nil {
			db.Close() //nolint:errcheck // it should not have opened
		}
	}
	bad := readFile(t, path)
	bad[len(bad)-5] ^= 1
	if err := os.WriteFile(path, bad, 0o644); err != nil {
		t.Fatal(err)
	}
	if db, err := Open(ctx, path, ReadOnly()); !errors.Is(err, bundle.ErrDamaged) || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged file: %v", err)
		if err == nil {
			db.Close() //nolint:errcheck // it should not have opened
		}
	}
	if res, err := into.Merge(ctx, path); !errors.Is(err, bundle.ErrDamaged) || res != (merge.Result{}) {
		t.Errorf("a damaged file merged: %+v (%v)", res, err)
	}
	if infos, err := into.Kernels(ctx); err != nil || !slices.ContainsFunc(infos, func(i Info) bool { return i.Release == "6.1.0-1" }) {
		t.Errorf("kernels %v (%v)", infos, err)
	}
}
