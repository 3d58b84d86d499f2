package merge

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
)

// Result says what a merge or an import brought.
type Result struct {
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
func (r *Result) Add(other Result) {
	r.Kernels += other.Kernels
	r.Grown += other.Grown
	r.Known += other.Known
	r.Releases += other.Releases
	r.Layouts += other.Layouts
	r.Failures += other.Failures
}

// Target is the sink that is a cache.
type Target struct {
	tx        *sql.Tx
	stock     *table.Stock
	asTheyAre bool
	res       *Result
}

// NewTarget merges into a cache whose layouts are stock, in a transaction of its
// writer, and counts in res what that brings. asTheyAre is for Stock.Store.
func NewTarget(ctx context.Context, tx *sql.Tx, stock *table.Stock, asTheyAre bool, res *Result) (*Target, error) {
	return &Target{tx, stock, asTheyAre, res}, stock.Refresh(ctx, tx)
}

// Wants says whether the cache lacks a layout still.
func (t *Target) Wants(h layout.Hash) bool { return !t.stock.Has(h) }

// Add takes a kernel in.
func (t *Target) Add(ctx context.Context, k *bundle.Kernel) error {
	added, err := t.stock.Store(ctx, t.tx, k.Layouts, t.asTheyAre)
	if err != nil {
		return err
	}
	t.res.Layouts += added
	if err := t.mergeKernel(ctx, k.Kernel); err != nil {
		return fmt.Errorf("kernel %s: %w", k.Aliases[0].Release, err)
	}
	for _, hash := range slices.Sorted(maps.Keys(k.Lists)) {
		if _, err := table.StoreFiles(ctx, t.tx, []byte(k.Lists[hash])); err != nil {
			return err
		}
	}
	for _, alias := range k.Aliases {
		if err := t.mergeAlias(ctx, k.ID, alias); err != nil {
			return err
		}
	}
	for _, o := range k.Origins {
		if err := t.mergeOrigin(ctx, k.ID, o); err != nil {
			return err
		}
	}
	return nil
}

func (t *Target) mergeKernel(ctx context.Context, theirs layout.Kernel) error {
	theirContent := theirs.Content()
	var content []byte
	err := t.tx.QueryRowContext(ctx, "SELECT content FROM kernel WHERE id = ?", theirs.ID).Scan(&content)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		t.res.Kernels++
		_, err := table.StoreKernel(ctx, t.tx, theirs)
		return err
	case err != nil:
		return err
	case slices.Equal(content, theirContent):
		t.res.Known++
		return nil
	}
	both, err := t.reconcile(ctx, theirs)
	if err != nil {
		return err
	}
	known, err := table.StoreKernel(ctx, t.tx, both)
	if known {
		t.res.Known++
	} else {
		t.res.Grown++
	}
	return err
}

func (t *Target) mergeAlias(ctx context.Context, kernelID string, theirs layout.Alias) error {
	var mine layout.Alias
	err := t.tx.QueryRowContext(ctx, "SELECT release, tree, compiler, extracted, digest, btf, files FROM alias WHERE kernel = ? AND release = ? AND tree = ?",
		kernelID, theirs.Release, theirs.Tree).Scan(&mine.Release, &mine.Tree, &mine.Compiler, &mine.Extracted, &mine.Digest, &mine.BTF, &mine.Files)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && mine.Compare(theirs) >= 0 {
		return nil
	}
	fresh, err := table.StoreAlias(ctx, t.tx, kernelID, theirs)
	if fresh {
		t.res.Releases++
	}
	return err
}

func (t *Target) mergeOrigin(ctx context.Context, kernelID string, theirs tpinfo.Origin) error {
	var headers, kernel string
	err := t.tx.QueryRowContext(ctx, "SELECT headers, kernel FROM origin WHERE key = ?", theirs.Key).Scan(&headers, &kernel)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && cmp.Or(cmp.Compare(headers, theirs.Headers), cmp.Compare(kernel, kernelID)) >= 0 {
		return nil
	}
	return table.StoreOrigin(ctx, t.tx, kernelID, theirs)
}

// Fail enters a failure into the ledger.
func (t *Target) Fail(ctx context.Context, theirs tpinfo.Failure) error {
	if mended, err := table.Mended(ctx, t.tx, theirs); err != nil || mended {
		return err
	}
	mine, err := table.Failures(ctx, t.tx, "SELECT key, body FROM failure WHERE key = ?", theirs.Key)
	if err != nil {
		return err
	}
	if len(mine) == 0 {
		t.res.Failures++
	} else if c, err := compareFailures(mine[0], theirs); err != nil || c >= 0 {
		return err
	}
	return table.StoreFailure(ctx, t.tx, theirs)
}

func compareFailures(a, b tpinfo.Failure) (int, error) {
	x, err := json.Marshal(a)
	if err != nil {
		return 0, err
	}
	y, err := json.Marshal(b)
	return cmp.Or(a.When.Compare(b.When), cmp.Compare(a.Tries, b.Tries), slices.Compare(x, y)), err
}
