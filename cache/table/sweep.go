package table

import (
	"context"
	"database/sql"

	"github.com/tpinfo/tpinfo/cache/layout"
)

// Sweep deletes the layouts and lists of headers that no kernel has, and says how
// many layouts. A kernel put meanwhile waits, and then finds out for itself which
// layouts are there.
func Sweep(ctx context.Context, tx *sql.Tx) (int, error) {
	used, err := usedLayouts(ctx, tx)
	if err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, "CREATE TEMP TABLE used (id INTEGER PRIMARY KEY)"); err != nil {
		return 0, err
	}
	for id := range used {
		if _, err := tx.ExecContext(ctx, "INSERT INTO used VALUES (?)", id); err != nil {
			return 0, err
		}
	}
	r, err := tx.ExecContext(ctx, `DELETE FROM layout WHERE id NOT IN (SELECT id FROM used)
		AND id NOT IN (SELECT base FROM layout WHERE base IS NOT NULL AND id IN (SELECT id FROM used))`)
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM blob WHERE hash NOT IN (SELECT files FROM alias)
		AND hash NOT IN (SELECT base FROM blob WHERE base IS NOT NULL AND hash IN (SELECT files FROM alias)); UPDATE sweeps SET n = n + 1; DROP TABLE used`)
	return int(n), err
}

// usedLayouts are the rows that some kernel has.
func usedLayouts(ctx context.Context, tx *sql.Tx) (map[int64]bool, error) {
	rows, err := tx.QueryContext(ctx, "SELECT event_ids FROM kernel UNION ALL SELECT type_ids FROM kernel")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	used := map[int64]bool{}
	for rows.Next() {
		var list []byte
		if err := rows.Scan(&list); err != nil {
			return nil, err
		}
		if list, err = layout.Unpack(list); err != nil {
			return nil, err
		}
		ids, err := layout.DecodeList(list)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			used[id] = true
		}
	}
	return used, rows.Err()
}
