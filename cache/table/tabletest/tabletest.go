// Package tabletest opens databases for tests of what is written to tables.
package tabletest

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/mattn/go-sqlite3" // the driver
)

// Begin begins a transaction of a new database whose tables migrate makes,
// which is table.Migrate. It is rolled back when the test ends.
func Begin(t *testing.T, migrate func(ctx context.Context, tx *sql.Tx, version int) error) *sql.Tx {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(t.TempDir(), "tables.db"))
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := migrate(context.Background(), tx, 0); err != nil {
		t.Fatal(err)
	}
	return tx
}
