package cache

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
)

// MergeResult says what a merge or an import brought.
type MergeResult struct {
	Kernels  int `json:"kernels"`  // that were not there
	Grown    int `json:"grown"`    // there, and know more now
	Known    int `json:"known"`    // there, and no less
	Releases int `json:"releases"` // names and trees that were not there
	Layouts  int `json:"layouts"`  // that no kernel had
	Failures int `json:"failures"` // new in the ledger
	// Signer names who signed an exported file (bundle.Name); empty when
	// nobody did.
	Signer string `json:"signer"`
}

// Add sums up.
func (r *MergeResult) Add(other MergeResult) {
	r.Kernels += other.Kernels
	r.Grown += other.Grown
	r.Known += other.Known
	r.Releases += other.Releases
	r.Layouts += other.Layouts
	r.Failures += other.Failures
}

// A merge gives the union of two caches: the same whichever comes first, and
// the same again when it is repeated. Where both know something of one thing,
// these rules pick:
//
//   - of a kernel, each event and type as the one has it that knows more of it
//     (reconcile.go);
//   - of a release and tree of a kernel, the one extracted last, then the one
//     whose compiler, digests and list of headers sort later;
//   - of an origin, the one with the greater digest of headers, then kernel;
//   - of a failure, the last, then the one tried more often, then the one
//     whose JSON sorts later. What one cache failed to build and the other
//     built is no failure.

// Merge adds all that another cache holds, or nothing. The other one is only
// read, also when its schema is older. An exported file is imported.
func (db *DB) Merge(ctx context.Context, path string, opts ...ImportOption) (res MergeResult, err error) {
	if err := db.writable(); err != nil {
		return res, err
	}
	if same, err := sameFile(db.path, path); err != nil || same {
		if same {
			err = fmt.Errorf("%s is the cache itself", path)
		}
		return res, err
	}
	if exported, err := isBundle(path); err != nil {
		return res, fmt.Errorf("cache: %w", err)
	} else if exported {
		f, err := os.Open(path)
		if err != nil {
			return res, fmt.Errorf("cache: %w", err)
		}
		defer f.Close()
		if res, err = db.Import(ctx, f, opts...); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return res, err
	}
	var o importOptions
	for _, opt := range opts {
		opt(&o)
	}
	if len(o.trusted) > 0 {
		return res, fmt.Errorf("%w: %s is a cache, which nobody can sign; 'tpinfo cache export' with a key makes a file of it that is signed", bundle.ErrSignature, path)
	}
	other, err := Open(ctx, path, ReadOnly(), Wait(db.wait), func(o *options) { o.untouched = true })
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	err = db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		m, err := db.newMerger(ctx, tx, &res)
		if err != nil {
			return err
		}
		return other.send(ctx, nil, true, m)
	})
	if err != nil {
		res = MergeResult{}
	}
	return res, err
}

// sameFile tells whether two names are of one file that is there.
func sameFile(a, b string) (bool, error) {
	y, err := os.Stat(b)
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("no cache at %s: %w", b, fs.ErrNotExist)
	}
	if err != nil {
		return false, fmt.Errorf("cache: %w", err)
	}
	if y.IsDir() {
		return false, fmt.Errorf("%w: %s is a folder", ErrNotCache, b)
	}
	x, err := os.Stat(a)
	return err == nil && os.SameFile(x, y), nil
}

// merger is the sink that is a cache.
type merger struct {
	db  *DB
	tx  *sql.Tx
	res *MergeResult
}

// newMerger reads which layouts there are.
func (db *DB) newMerger(ctx context.Context, tx *sql.Tx, res *MergeResult) (*merger, error) {
	err := db.stock.Refresh(ctx, tx)
	return &merger{db, tx, res}, err
}

func (m *merger) wants(h layout.Hash) bool { return !m.db.stock.Has(h) }

func (m *merger) kernel(ctx context.Context, k *bundle.Kernel) error {
	added, err := m.db.stock.Store(ctx, m.tx, k.Layouts, m.db.keep != nil)
	if err != nil {
		return err
	}
	m.res.Layouts += added
	if err := m.mergeKernel(ctx, k.Kernel); err != nil {
		return fmt.Errorf("kernel %s: %w", k.Aliases[0].Release, err)
	}
	for _, hash := range slices.Sorted(maps.Keys(k.Lists)) {
		if _, err := table.StoreFiles(ctx, m.tx, []byte(k.Lists[hash])); err != nil {
			return err
		}
	}
	for _, alias := range k.Aliases {
		if err := m.mergeAlias(ctx, k.ID, alias); err != nil {
			return err
		}
	}
	for _, o := range k.Origins {
		if err := m.mergeOrigin(ctx, k.ID, o); err != nil {
			return err
		}
	}
	return nil
}

func (m *merger) mergeKernel(ctx context.Context, theirs layout.Kernel) error {
	theirContent := theirs.Content()
	var content []byte
	err := m.tx.QueryRowContext(ctx, "SELECT content FROM kernel WHERE id = ?", theirs.ID).Scan(&content)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		m.res.Kernels++
		_, err := table.StoreKernel(ctx, m.tx, theirs)
		return err
	case err != nil:
		return err
	case slices.Equal(content, theirContent):
		m.res.Known++
		return nil
	}
	both, err := m.reconcile(ctx, theirs)
	if err != nil {
		return err
	}
	known, err := table.StoreKernel(ctx, m.tx, both)
	if known {
		m.res.Known++
	} else {
		m.res.Grown++
	}
	return err
}

func (m *merger) mergeAlias(ctx context.Context, kernelID string, theirs layout.Alias) error {
	var mine layout.Alias
	err := m.tx.QueryRowContext(ctx, "SELECT release, tree, compiler, extracted, digest, btf, files FROM alias WHERE kernel = ? AND release = ? AND tree = ?",
		kernelID, theirs.Release, theirs.Tree).Scan(&mine.Release, &mine.Tree, &mine.Compiler, &mine.Extracted, &mine.Digest, &mine.BTF, &mine.Files)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && mine.Compare(theirs) >= 0 {
		return nil
	}
	fresh, err := table.StoreAlias(ctx, m.tx, kernelID, theirs)
	if fresh {
		m.res.Releases++
	}
	return err
}

func (m *merger) mergeOrigin(ctx context.Context, kernelID string, theirs tpinfo.Origin) error {
	var headers, kernel string
	err := m.tx.QueryRowContext(ctx, "SELECT headers, kernel FROM origin WHERE key = ?", theirs.Key).Scan(&headers, &kernel)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && cmp.Or(cmp.Compare(headers, theirs.Headers), cmp.Compare(kernel, kernelID)) >= 0 {
		return nil
	}
	return table.StoreOrigin(ctx, m.tx, kernelID, theirs)
}

func (m *merger) failure(ctx context.Context, theirs tpinfo.Failure) error {
	var built int
	if err := m.tx.QueryRowContext(ctx, "SELECT count(*) FROM origin WHERE key = ?", theirs.Key).Scan(&built); err != nil || built > 0 {
		return err
	}
	mine, err := table.Failures(ctx, m.tx, "SELECT key, body FROM failure WHERE key = ?", theirs.Key)
	if err != nil {
		return err
	}
	if len(mine) == 0 {
		m.res.Failures++
	} else if c, err := compareFailures(mine[0], theirs); err != nil || c >= 0 {
		return err
	}
	return table.StoreFailure(ctx, m.tx, theirs)
}

func compareFailures(a, b tpinfo.Failure) (int, error) {
	x, err := json.Marshal(a)
	if err != nil {
		return 0, err
	}
	y, err := json.Marshal(b)
	return cmp.Or(a.When.Compare(b.When), cmp.Compare(a.Tries, b.Tries), slices.Compare(x, y)), err
}
