package table

import (
	"context"
	"database/sql"
	"slices"

	"github.com/tpinfo/tpinfo/cache/layout"
)

// A list of headers, some 50 kB of paths, is a row of blob. Neighbours differ
// in a few paths: one list of a series stands whole, packed as bodies are, and
// others are packed with it as their dictionary, which takes 30 to 200 bytes
// where a list alone takes 7 kB. No list is packed with one that is not whole.

// alike is by how much a list must get smaller to be packed with another. Lists
// of one architecture and series get 30 times smaller and more, those of
// different ones 5 times.
const alike = 10

// leastPacked is what a list takes at least that is packed with another, in
// bytes: where less would have to do, it is not tried.
const leastPacked = 20

// StoreFiles keeps a list of headers, a path a line, once, and returns its hash.
func StoreFiles(ctx context.Context, tx *sql.Tx, text []byte) ([]byte, error) {
	hash := layout.FilesHash(text)
	var known int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM blob WHERE hash = ?", hash).Scan(&known); err != nil || known > 0 {
		return hash, err
	}
	body, err := layout.Pack(text)
	if err != nil {
		return nil, err
	}
	limit := len(body) / alike
	var bases []wholeList
	if limit >= leastPacked {
		if bases, err = wholeLists(ctx, tx); err != nil {
			return nil, err
		}
	}
	var base []byte
	for _, b := range bases {
		if len(b.text) == 0 {
			continue // it gives nothing to refer to
		}
		after, err := layout.PackAfter(text, b.text)
		if err != nil {
			return nil, err
		}
		if len(after) < limit {
			body, base, limit = after, b.hash, len(after)
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO blob (hash, body, base) VALUES (?, ?, ?)", hash, body, base)
	return hash, err
}

// wholeList is a list that others may be packed with.
type wholeList struct{ hash, text []byte }

// wholeLists reads the lists that stand whole. One that is damaged is left
// out: verify tells of it.
func wholeLists(ctx context.Context, tx *sql.Tx) (out []wholeList, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT hash, body FROM blob WHERE base IS NULL ORDER BY hash")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l wholeList
		var body sql.RawBytes
		if err := rows.Scan(&l.hash, &body); err != nil {
			return nil, err
		}
		if l.text, err = ReadFiles(l.hash, body, nil); err == nil {
			out = append(out, l)
		}
	}
	return out, rows.Err()
}

// Files is the table that reads want: each list of headers as body, and
// in whole the one that it is packed with, NULL for none.
const Files = "(SELECT b.hash, b.body, w.body AS whole, b.base FROM blob b LEFT JOIN blob w ON w.hash = b.base AND w.base IS NULL)"

// ReadFiles unpacks a list of headers and checks that it is the one with the
// hash; whole is the body of the one that it is packed with, nil for none.
func ReadFiles(hash, body, whole []byte) (text []byte, err error) {
	if whole == nil {
		text, err = layout.Unpack(body)
	} else if text, err = layout.Unpack(whole); err == nil {
		text, err = layout.UnpackAfter(body, text)
	}
	if err == nil && !slices.Equal(layout.FilesHash(text), hash) {
		err = layout.ErrDamaged
	}
	return text, err
}
