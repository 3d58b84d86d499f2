package table

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"slices"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// Content digests all that the tables hold but times, the folders that trees
// and packages lay in, how often something was tried and in which words it
// failed, and layouts that no kernel has; in hexadecimal, and independent of the
// order in which it came there.
func Content(ctx context.Context, tx *sql.Tx) (string, error) {
	var e layout.Encoder
	e.Text("tpinfo content 2")
	for _, table := range []func(context.Context, *sql.Tx, *layout.Encoder) error{kernelContents, aliasContents, originContents, failureContents} {
		if err := table(ctx, tx, &e); err != nil {
			return "", err
		}
	}
	sum := sha256.Sum256(e.Bytes())
	return hex.EncodeToString(sum[:]), nil
}

func kernelContents(ctx context.Context, tx *sql.Tx, e *layout.Encoder) error {
	return eachText(ctx, tx, e, 2, "SELECT id, content FROM kernel ORDER BY id")
}

func aliasContents(ctx context.Context, tx *sql.Tx, e *layout.Encoder) error {
	rows, err := tx.QueryContext(ctx, "SELECT kernel, release, tree, compiler, digest, btf, files FROM alias ORDER BY kernel")
	if err != nil {
		return err
	}
	defer rows.Close()
	var kernel string
	var aliases []layout.Alias
	n := 0
	end := func() {
		for _, a := range layout.Homeless(aliases) {
			e.Text(kernel, a.Release, a.Tree, a.Compiler, a.Digest, a.BTF, string(a.Files))
			n++
		}
		aliases = nil
	}
	for rows.Next() {
		var of string
		var a layout.Alias
		if err := rows.Scan(&of, &a.Release, &a.Tree, &a.Compiler, &a.Digest, &a.BTF, &a.Files); err != nil {
			return err
		}
		if of != kernel {
			end()
			kernel = of
		}
		aliases = append(aliases, a)
	}
	end()
	e.Number(int64(n))
	return rows.Err()
}

func originContents(ctx context.Context, tx *sql.Tx, e *layout.Encoder) error {
	return eachText(ctx, tx, e, 3, "SELECT key, headers, kernel FROM origin ORDER BY key")
}

// eachText writes a table of so many columns, all of which are texts.
func eachText(ctx context.Context, tx *sql.Tx, e *layout.Encoder, columns int, query string) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	texts, into := make([]string, columns), make([]any, columns)
	for i := range texts {
		into[i] = &texts[i]
	}
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		e.Text(texts...)
	}
	e.Number(int64(n))
	return rows.Err()
}

func failureContents(ctx context.Context, tx *sql.Tx, e *layout.Encoder) error {
	list, err := Failures(ctx, tx, "SELECT key, body FROM failure")
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b tpinfo.Failure) int { return cmp.Compare(a.Key, b.Key) })
	for _, f := range list {
		e.Text(f.Key, f.Release, f.Arch, f.Subject, f.Tools)
	}
	e.Number(int64(len(list)))
	return nil
}
