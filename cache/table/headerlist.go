package table

import (
	"context"
	"database/sql"
	"slices"

	"github.com/tpinfo/tpinfo/cache/layout"
)

// A list of headers, some 50 kB of paths, is a row of blob. Neighbours differ
// in a few paths: packed on another of its series, a list takes 30 to 200 bytes
// where one alone takes 7 kB.

const (
	// alike is how many times a list must get smaller. Those of one
	// architecture and series get 30 times smaller and more, those of
	// different ones 5 times: they stand alone, for their own neighbours.
	alike = 10
	// shortList is what is stored alone whatever there is, in bytes.
	shortList = 200
)

// StoreFiles keeps a list of headers, a path a line, once, and returns its hash.
func StoreFiles(ctx context.Context, tx *sql.Tx, text []byte) ([]byte, error) {
	hash := layout.FilesHash(text)
	var known int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM blob WHERE hash = ?", hash).Scan(&known); err != nil || known > 0 {
		return hash, err
	}
	alone, err := layout.Pack(text)
	if err != nil {
		return nil, err
	}
	b := body{stored: alone}
	if len(alone) >= shortList {
		others, err := wholeLists(ctx, tx)
		if err != nil {
			return nil, err
		}
		if b, err = onAnother(text, alone, others, alike); err != nil {
			return nil, err
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO blob (hash, body, base) VALUES (?, ?, ?)", hash, b.stored, b.base)
	return hash, err
}

// wholeLists are the lists that stand alone, with their hashes as base.
func wholeLists(ctx context.Context, tx *sql.Tx) (out []body, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT hash, body FROM blob WHERE base IS NULL ORDER BY hash")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var hash []byte
		var b body
		if err := rows.Scan(&hash, &b.stored); err != nil {
			return nil, err
		}
		b.base = hash
		out = append(out, b)
	}
	return out, rows.Err()
}

// Files is the table that reads want: each list of headers as body, and
// in whole the one that it is packed on, NULL for none.
const Files = "(SELECT b.hash, b.body, w.body AS whole, b.base FROM blob b LEFT JOIN blob w ON w.hash = b.base AND w.base IS NULL)"

// ReadFiles unpacks a list of headers and checks that it is the one with the
// hash.
func ReadFiles(hash []byte, stored layout.Packed) (text []byte, err error) {
	text, err = stored.Unpack()
	if err == nil && !slices.Equal(layout.FilesHash(text), hash) {
		err = layout.ErrDamaged
	}
	return text, err
}
