package cache

import (
	"context"
	"encoding/hex"
	"slices"
)

// KernelContent is what tells whether two caches know the same of a kernel.
type KernelContent struct {
	Info
	// Releases are all that the kernel is known as, sorted.
	Releases []string
	// Digest covers the layouts of its events and types and all else that is
	// known of it, but not from which tree and when, in hexadecimal.
	Digest string
}

// Contents lists the kernels as Kernels does, with what they hold.
func (db *DB) Contents(ctx context.Context) (out []KernelContent, err error) {
	defer func() { err = explain(db.path, err) }()
	infos, err := db.aliases(ctx, selectKernels)
	if err != nil {
		return nil, err
	}
	releases := map[string][]string{} // by id
	for _, i := range infos {
		releases[i.ID] = append(releases[i.ID], i.Release)
	}
	digests, err := db.contentDigests(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range newestOfEach(infos) {
		digest, ok := digests[i.ID]
		if !ok {
			continue // removed meanwhile
		}
		slices.Sort(releases[i.ID])
		out = append(out, KernelContent{Info: i, Releases: slices.Compact(releases[i.ID]), Digest: digest})
	}
	return out, nil
}

func (db *DB) contentDigests(ctx context.Context) (map[string]string, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT id, content FROM kernel")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	digests := map[string]string{}
	for rows.Next() {
		var id string
		var content []byte
		if err := rows.Scan(&id, &content); err != nil {
			return nil, err
		}
		digests[id] = hex.EncodeToString(content)
	}
	return digests, rows.Err()
}
