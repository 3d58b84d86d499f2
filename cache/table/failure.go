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
// its key, unless it is Mended.
func StoreFailure(ctx context.Context, tx *sql.Tx, f tpinfo.Failure) error {
	if mended, err := Mended(ctx, tx, f); err != nil || mended {
		return err
	}
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	body, err := layout.Pack(text)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO failure (key, body) VALUES (?, ?)", f.Key, body)
	return err
}

// Mended reports whether what failed was built: from the same files, or its
// release since then from others.
func Mended(ctx context.Context, tx *sql.Tx, f tpinfo.Failure) (mended bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM origin WHERE key = ?1)
		OR EXISTS (SELECT 1 FROM alias JOIN kernel ON kernel.id = alias.kernel WHERE alias.release = ?2 AND kernel.arch = ?3 AND alias.extracted >= ?4)`,
		f.Key, f.Release, f.Arch, f.When.Unix()).Scan(&mended)
	return mended, err
}

// forgetFailures removes what an alias mends.
func forgetFailures(ctx context.Context, tx *sql.Tx, kernelID string, a layout.Alias) error {
	list, err := Failures(ctx, tx, "SELECT key, body FROM failure")
	if err != nil || len(list) == 0 {
		return err
	}
	var arch string
	if err := tx.QueryRowContext(ctx, "SELECT arch FROM kernel WHERE id = ?", kernelID).Scan(&arch); err != nil {
		return err
	}
	for _, f := range list {
		if f.Release == a.Release && f.Arch == arch && f.When.Unix() <= a.Extracted {
			if _, err := tx.ExecContext(ctx, "DELETE FROM failure WHERE key = ?", f.Key); err != nil {
				return err
			}
		}
	}
	return nil
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
