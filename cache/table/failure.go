package table

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// StoreFailure enters a failure into the ledger in place of what stood there for
// its key, unless what has the key was built.
func StoreFailure(ctx context.Context, tx *sql.Tx, f tpinfo.Failure) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	body, err := layout.Pack(text)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO failure (key, body) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM origin WHERE key = ?1)", f.Key, body)
	return err
}

// Failures reads what a query of keys and bodies finds in the ledger.
func Failures(ctx context.Context, tx *sql.Tx, query string, args ...any) (out []tpinfo.Failure, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var body sql.RawBytes
		if err := rows.Scan(&key, &body); err != nil {
			return nil, err
		}
		f, err := DecodeFailure(key, body)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// DecodeFailure reads the body of a failure with this key. Its errors wrap
// layout.ErrDamaged.
func DecodeFailure(key string, body []byte) (f tpinfo.Failure, err error) {
	text, err := layout.Unpack(body)
	if err == nil && (json.Unmarshal(text, &f) != nil || f.Key != key) {
		err = layout.ErrDamaged
	}
	if err != nil {
		return f, fmt.Errorf("failure %.12s: %w", key, err)
	}
	return f, nil
}
