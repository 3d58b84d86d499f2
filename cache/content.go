package cache

import (
	"context"
	"database/sql"

	"github.com/tpinfo/tpinfo/cache/table"
)

// Content is the digest of all that a cache knows, in hexadecimal: kernels with
// the content of their layouts, their names, what they were built from, and
// what failed. Two caches with the same digest know the same, in whatever order
// they learned it. Times take no part, how often something was tried, and in
// which words it failed, which are a compiler's; nor do layouts that no kernel
// has.
func (db *DB) Content(ctx context.Context) (content string, err error) {
	err = db.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		content, err = table.Content(ctx, tx)
		return err
	})
	return content, err
}
