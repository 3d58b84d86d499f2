package cache

import (
	"context"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo"
)

// The content is another when something else is known, and only then.
func TestContent(t *testing.T) {
	ctx := context.Background()
	content := func(fill func(*DB) error) string {
		db := openTemp(t)
		put(t, db, sample("6.1.0-1", 0))
		if err := db.Fail(ctx, tpinfo.Failure{Key: "aa", Release: "6.1.0-9", Reason: "in /tmp/1: no"}); err != nil {
			t.Fatal(err)
		}
		if err := fill(db); err != nil {
			t.Fatal(err)
		}
		c, err := db.Content(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	putting := func(change func(*tpinfo.Snapshot)) func(*DB) error {
		return func(db *DB) error {
			snap := sample("6.1.0-1", 0)
			change(snap)
			_, err := db.Put(ctx, snap)
			return err
		}
	}
	plain := content(func(*DB) error { return nil })
	for name, fill := range map[string]func(*DB) error{
		"a time": putting(func(s *tpinfo.Snapshot) { s.Kernel.Extracted = time.Now() }),
		"another order": func(db *DB) error {
			if err := db.Remove(ctx, sample("", 0).Kernel.ID); err != nil {
				return err
			}
			if _, err := db.Put(ctx, sample("6.1.0-2", 1)); err != nil {
				return err
			}
			if err := db.Remove(ctx, sample("", 1).Kernel.ID); err != nil {
				return err
			}
			_, err := db.Put(ctx, sample("6.1.0-1", 0))
			return err
		},
		"the words of a failure": func(db *DB) error {
			return db.Fail(ctx, tpinfo.Failure{Key: "aa", Release: "6.1.0-9", Reason: "in /tmp/2: no", Tries: 3, When: time.Now()})
		},
	} {
		if got := content(fill); got != plain {
			t.Errorf("%s makes another content", name)
		}
	}
	seen := map[string]string{plain: "nothing"}
	for name, fill := range map[string]func(*DB) error{
		"a kernel":            func(db *DB) error { _, err := db.Put(ctx, sample("6.1.0-2", 1)); return err },
		"a layout":            putting(func(s *tpinfo.Snapshot) { s.Types[0].Size++ }),
		"a problem's words":   putting(func(s *tpinfo.Snapshot) { s.Events[1].Problems[0].Message = "no" }),
		"an event's source":   putting(func(s *tpinfo.Snapshot) { s.Events[1].Source = "btf" }),
		"a kernel's problems": putting(func(s *tpinfo.Snapshot) { s.Kernel.Problems = nil }),
		"a tree":              putting(func(s *tpinfo.Snapshot) { s.Kernel.Tree = "another" }),
		"inputs":              putting(func(s *tpinfo.Snapshot) { s.Inputs.Digest = "another" }),
		"a list of headers":   putting(func(s *tpinfo.Snapshot) { s.Inputs.Files = nil }),
		"an origin": func(db *DB) error {
			_, err := db.PutFrom(ctx, sample("6.1.0-1", 0), tpinfo.Origin{Key: "bb"})
			return err
		},
		"what failed was built": func(db *DB) error {
			_, err := db.PutFrom(ctx, sample("6.1.0-1", 0), tpinfo.Origin{Key: "aa"})
			return err
		},
		"a failure": func(db *DB) error { return db.Fail(ctx, tpinfo.Failure{Key: "bb"}) },
	} {
		got := content(fill)
		if other, ok := seen[got]; ok {
			t.Errorf("%s gives the content of %s", name, other)
		}
		seen[got] = name
	}
}
