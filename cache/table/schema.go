package table

import (
	"context"
	"database/sql"
	"fmt"
)

// ApplicationID marks a SQLite file as ours: "tpnf".
const ApplicationID = 0x74706e66

// step brings a database from one schema version to the next.
type step struct {
	version int // that it leads to
	sql     string
	// convert does what SQL cannot.
	convert func(context.Context, *sql.Tx) error
}

// steps are the migrations in order; the last one's version is the schema this
// package reads and writes.
var steps = []step{
	{version: 1, sql: `
CREATE TABLE layout (
	id   INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again for another
	hash INTEGER NOT NULL, -- first half of the content id; of an event, with its source
	rest INTEGER NOT NULL, -- second half
	kind INTEGER NOT NULL, -- 1 event, 2 type
	key  INTEGER NOT NULL, -- 32 bits of the name, for the index
	name TEXT NOT NULL,
	body BLOB NOT NULL     -- body.go
);
CREATE INDEX layout_key ON layout (key);
CREATE TABLE kernel (
	id         TEXT PRIMARY KEY,
	arch       TEXT NOT NULL,
	byte_order TEXT NOT NULL,
	word_size  INTEGER NOT NULL,
	source     TEXT NOT NULL,
	problems   BLOB NOT NULL,    -- JSON, packed
	event_ids  BLOB NOT NULL,    -- rows of layout in ascending order, packed
	type_ids   BLOB NOT NULL,
	content    BLOB NOT NULL,    -- digest of the layouts' hashes
	events     INTEGER NOT NULL,
	incomplete INTEGER NOT NULL,
	types      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE alias (
	kernel    TEXT NOT NULL REFERENCES kernel (id) ON DELETE CASCADE,
	release   TEXT NOT NULL,
	tree      TEXT NOT NULL,
	compiler  TEXT NOT NULL,
	extracted INTEGER NOT NULL,  -- seconds since 1970
	digest    TEXT NOT NULL,     -- tpinfo.Inputs
	btf       TEXT NOT NULL,
	files     BLOB NOT NULL,     -- hash of a row of blob
	PRIMARY KEY (kernel, release, tree)
) WITHOUT ROWID;
CREATE INDEX alias_release ON alias (release);
CREATE TABLE blob (
	hash BLOB PRIMARY KEY,
	body BLOB NOT NULL
) WITHOUT ROWID;
`},
	{version: 2, sql: `
CREATE TABLE origin (
	key     TEXT PRIMARY KEY,     -- tpinfo.Origin
	headers TEXT NOT NULL,
	kernel  TEXT NOT NULL REFERENCES kernel (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE failure (
	key  TEXT PRIMARY KEY,
	body BLOB NOT NULL            -- tpinfo.Failure as JSON, packed
) WITHOUT ROWID;
`},
	// The words of problems take part in an event's hash, and all of a kernel
	// in its content.
	{version: 3, sql: `
CREATE TABLE sweeps (n INTEGER NOT NULL); -- how often layouts were removed
INSERT INTO sweeps VALUES (0);
`, convert: rehash},
	{version: 4, sql: `
ALTER TABLE blob ADD COLUMN base BLOB; -- hash of the row it is packed with, headerlist.go
`},
	{version: 5, sql: `
ALTER TABLE layout ADD COLUMN base INTEGER; -- the row it is packed on, likeness.go
`},
}

// Schema is the version that this package reads and writes.
func Schema() int { return steps[len(steps)-1].version }

// Migrate brings the tables of a database from a schema to the newest, and
// marks it as ours; an empty one has schema 0.
func Migrate(ctx context.Context, tx *sql.Tx, from int) error {
	for _, s := range steps {
		if s.version <= from {
			continue
		}
		if _, err := tx.ExecContext(ctx, s.sql); err != nil {
			return fmt.Errorf("schema %d: %w", s.version, err)
		}
		if s.convert == nil {
			continue
		}
		if err := s.convert(ctx, tx); err != nil {
			return fmt.Errorf("schema %d: %w", s.version, err)
		}
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", ApplicationID, Schema()))
	return err
}
