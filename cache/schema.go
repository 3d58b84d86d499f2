package cache

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tpinfo/tpinfo/cache/table"
)

// migrate brings the database to the newest schema, in one transaction; an
// empty one is made ours.
func (db *DB) migrate(ctx context.Context) error {
	version, err := schemaVersion(ctx, db.sql, db.path)
	if err != nil || version == table.Schema() {
		return err
	}
	if version == 0 {
		err := db.patiently(ctx, func() error {
			_, err := db.writer.ExecContext(ctx, "PRAGMA journal_mode = WAL")
			return err
		})
		if err != nil {
			return err
		}
	}
	return db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		// Another process may have come first.
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		return table.Migrate(ctx, tx, version)
	})
}

// schemaVersion checks that the file is a cache: 0 for a new one.
func schemaVersion(ctx context.Context, db *sql.DB, path string) (int, error) {
	var id, version, tables int
	if err := db.QueryRowContext(ctx, "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)").Scan(&id, &version, &tables); err != nil {
		return 0, err
	}
	switch {
	case id == table.ApplicationID && version > table.Schema():
		return 0, fmt.Errorf("%w: %s has schema %d, this one knows %d; use the newer program", ErrNewer, path, version, table.Schema())
	case id == table.ApplicationID && version > 0:
		return version, nil
	case id == 0 && version == 0 && tables == 0:
		return 0, nil
	}
	return 0, fmt.Errorf("%w: %s is another program's database", ErrNotCache, path)
}
