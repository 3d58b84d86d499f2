package cache

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
)

// Info is what the list of kernels shows of one.
type Info struct {
	tpinfo.Kernel
	// Events and Types count what it has, Incomplete the events with
	// something unknown.
	Events, Incomplete, Types int
	// Superseded: it was extracted again since, from the same place under the
	// same release and with another outcome, and is named by its id alone.
	// Where an exported file does not say when, nothing is known to be older.
	Superseded bool
}

// Kernel is one kernel of the cache. It is cheap to get and safe for
// concurrent use; what it answers stays the same while it is held.
type Kernel struct {
	db   *DB
	info Info

	lists [layout.KindType + 1]list // by kind
}

// list is the layouts of one kind that a kernel has, read when first needed.
type list struct {
	mu   sync.Mutex
	read bool
	ids  []int64 // ascending
}

// Info tells what kernel it is.
func (k *Kernel) Info() Info { return k.info }

const selectKernels = `SELECT k.id, a.release, a.tree, a.compiler, a.extracted, k.arch, k.byte_order, k.word_size, k.source,
	k.problems, k.events, k.incomplete, k.types
	FROM kernel k JOIN alias a ON a.kernel = k.id`

// Kernels lists the kernels, the newest release first. A kernel known under
// several releases or trees stands there with the one extracted last.
func (db *DB) Kernels(ctx context.Context) ([]Info, error) {
	infos, err := db.aliases(ctx, selectKernels)
	if err != nil {
		return nil, err
	}
	return newestOfEach(infos), nil
}

func newestOfEach(infos []Info) []Info {
	slices.SortStableFunc(infos, func(a, b Info) int { return b.Extracted.Compare(a.Extracted) })
	seen := map[string]bool{}
	infos = slices.DeleteFunc(infos, func(i Info) bool {
		known := seen[i.ID]
		seen[i.ID] = true
		return known
	})
	slices.SortStableFunc(infos, func(a, b Info) int {
		return cmp.Or(tpinfo.CompareReleases(b.Release, a.Release), cmp.Compare(a.ID, b.ID))
	})
	return infos
}

func (db *DB) aliases(ctx context.Context, query string, args ...any) (infos []Info, err error) {
	defer func() { err = explain(db.path, err) }()
	rows, err := db.sql.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var i Info
		var extracted int64
		var problems []byte
		if err := rows.Scan(&i.ID, &i.Release, &i.Tree, &i.Compiler, &extracted, &i.Arch, &i.ByteOrder, &i.WordSize, &i.Source,
			&problems, &i.Events, &i.Incomplete, &i.Types); err != nil {
			return nil, err
		}
		i.Extracted = time.Unix(extracted, 0).UTC()
		text, err := layout.Unpack(problems)
		if err != nil {
			return nil, fmt.Errorf("problems of kernel %s: %w", i.ID, err)
		}
		if err := json.Unmarshal(text, &i.Problems); err != nil {
			return nil, fmt.Errorf("problems of kernel %s: %w", i.ID, layout.ErrDamaged)
		}
		infos = append(infos, i)
	}
	supersede(infos)
	return infos, rows.Err()
}

// supersede marks what was extracted again since; of a release, all aliases are
// among infos. A kernel that is what one place holds is not superseded by what
// another one holds now.
func supersede(infos []Info) {
	type place struct{ release, arch, tree string }
	type name struct{ id, release string }
	at := func(i *Info) place { return place{i.Release, i.Arch, i.Tree} }
	last := map[place]time.Time{}
	for n := range infos {
		if p := at(&infos[n]); infos[n].Extracted.After(last[p]) {
			last[p] = infos[n].Extracted
		}
	}
	stands := map[name]bool{}
	for n := range infos {
		if i := &infos[n]; i.Extracted.IsZero() || !i.Extracted.Before(last[at(i)]) {
			stands[name{i.ID, i.Release}] = true
		}
	}
	for n := range infos {
		infos[n].Superseded = !stands[name{infos[n].ID, infos[n].Release}]
	}
}

// withoutSuperseded are kernels that a release or a glob may name.
func withoutSuperseded(infos []Info) []Info {
	return slices.DeleteFunc(infos, func(i Info) bool { return i.Superseded })
}

// Kernel returns the kernel that selector names: a release, the start of an id
// (4 digits at least), a glob over releases that matches one, or empty for the
// only one there is. Superseded kernels are named by their ids alone.
func (db *DB) Kernel(ctx context.Context, selector string) (*Kernel, error) {
	if selector != "" {
		infos, err := db.aliases(ctx, selectKernels+" WHERE a.release = ?", selector)
		if err != nil {
			return nil, err
		}
		if len(infos) > 0 {
			return db.one(selector, newestOfEach(withoutSuperseded(infos)))
		}
	}
	infos, err := db.aliases(ctx, selectKernels)
	if err != nil {
		return nil, err
	}
	if selector == "" {
		if len(infos) == 0 {
			return nil, emptyCache()
		}
		return db.one(selector, newestOfEach(withoutSuperseded(infos)))
	}
	var found []Info
	for _, i := range infos {
		named, err := selects(selector, &i)
		if err != nil {
			return nil, err
		}
		if named {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		return nil, noKernel(selector, infos)
	}
	return db.one(selector, newestOfEach(found))
}

func emptyCache() error {
	return &NotFoundError{What: "kernel", In: "the cache: it is empty; tpinfo extract adds one"}
}

// noKernel is the error for a selector that names none of the kernels.
func noKernel(selector string, infos []Info) error {
	var releases []string
	for _, i := range infos {
		releases = append(releases, i.Release)
	}
	return &NotFoundError{What: "kernel", Name: selector, In: "the cache", Near: tpinfo.Near(selector, releases, maxNear, true)}
}

// minID is how many digits of an id name a kernel.
const minID = 4

// selects reports whether a selector names a kernel: the start of its id, or, of
// one that is not superseded, its release or a glob over releases.
func selects(selector string, i *Info) (bool, error) {
	named, err := fits(selector, i)
	return named && (!i.Superseded || startsID(selector, i)), err
}

// fits is selects for superseded kernels too.
func fits(selector string, i *Info) (bool, error) {
	if selector == i.Release {
		return true, nil
	}
	glob, err := path.Match(selector, i.Release)
	if err != nil {
		return false, fmt.Errorf("kernel %q: %w", selector, err)
	}
	return glob || startsID(selector, i), nil
}

func startsID(selector string, i *Info) bool {
	return len(selector) >= minID && strings.HasPrefix(i.ID, selector)
}

// one is for a selection that must be a single kernel.
func (db *DB) one(selector string, infos []Info) (*Kernel, error) {
	if len(infos) == 1 {
		return &Kernel{db: db, info: infos[0]}, nil
	}
	e := &AmbiguousError{What: "kernel", Name: selector}
	for _, i := range infos {
		e.Matches = append(e.Matches, fmt.Sprintf("%s (id %.12s)", i.Release, i.ID))
	}
	return nil, e
}

// rowBytes is about what SQLite adds to a layout's name and body.
const rowBytes = 45

// OwnBytes tells by kernel id how much of the file only that kernel needs:
// what removing it would give back.
func (db *DB) OwnBytes(ctx context.Context) (map[string]int64, error) {
	infos, err := db.Kernels(ctx)
	if err != nil {
		return nil, err
	}
	const shared = ""
	user := map[int64]string{} // of a layout; shared when there are several
	own := map[string]int64{}
	for _, i := range infos {
		k := &Kernel{db: db, info: i}
		for _, kind := range []int{layout.KindEvent, layout.KindType} {
			ids, err := k.ids(ctx, kind)
			if err != nil {
				return nil, err
			}
			for _, id := range ids {
				if _, used := user[id]; used {
					user[id] = shared
				} else {
					user[id] = i.ID
				}
			}
			own[i.ID] += int64(len(ids) / 8) // the packed list
		}
	}
	rows, err := db.sql.QueryContext(ctx, "SELECT id, length(name) + length(body) FROM layout")
	if err != nil {
		return nil, explain(db.path, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, size int64
		if err := rows.Scan(&id, &size); err != nil {
			return nil, explain(db.path, err)
		}
		if by := user[id]; by != shared {
			own[by] += size + rowBytes
		}
	}
	return own, explain(db.path, rows.Err())
}

// Recorded is an earlier extraction.
type Recorded struct {
	KernelID string
	Tree     string
	Inputs   tpinfo.Inputs
}

// Recorded lists the earlier extractions of a release or a tree, the last
// first.
func (db *DB) Recorded(ctx context.Context, release, tree string) (out []Recorded, err error) {
	defer func() { err = explain(db.path, err) }()
	rows, err := db.sql.QueryContext(ctx, `SELECT a.kernel, a.tree, a.compiler, a.digest, a.btf, a.files, b.body, b.whole FROM alias a JOIN `+table.Files+` b ON b.hash = a.files
		WHERE a.release = ? OR a.tree = ? ORDER BY a.extracted DESC`, release, tree)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Recorded
		var hash, body, whole sql.RawBytes
		if err := rows.Scan(&r.KernelID, &r.Tree, &r.Inputs.Compiler, &r.Inputs.Digest, &r.Inputs.BTF, &hash, &body, &whole); err != nil {
			return nil, err
		}
		text, err := table.ReadFiles(hash, layout.Packed{Body: body, Whole: whole})
		if err != nil {
			return nil, fmt.Errorf("list of headers of kernel %s: %w", r.KernelID, err)
		}
		r.Inputs.Files = []string{}
		if len(text) > 0 {
			r.Inputs.Files = strings.Split(string(text), "\n")
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Remove takes kernels out, all or none. Their layouts stay until GC.
func (db *DB) Remove(ctx context.Context, ids ...string) error {
	return db.write(ctx, func(ctx context.Context, tx *sql.Tx) error { return remove(ctx, tx, ids) })
}

func remove(ctx context.Context, tx *sql.Tx, ids []string) error {
	for _, id := range ids {
		r, err := tx.ExecContext(ctx, "DELETE FROM kernel WHERE id = ?", id)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err == nil && n == 0 {
			return &NotFoundError{What: "kernel", Name: id, In: "the cache"}
		}
	}
	return nil
}

// idColumn is where the list of a kind stands.
var idColumn = [layout.KindType + 1]string{layout.KindEvent: "event_ids", layout.KindType: "type_ids"}

// ids returns the row ids of the kernel's layouts of one kind.
func (k *Kernel) ids(ctx context.Context, kind int) ([]int64, error) {
	l := &k.lists[kind]
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.read {
		return l.ids, nil
	}
	var body []byte
	err := k.db.sql.QueryRowContext(ctx, "SELECT "+idColumn[kind]+" FROM kernel WHERE id = ?", k.info.ID).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		err = &NotFoundError{What: "kernel", Name: k.info.Release, In: "the cache: it was removed meanwhile"}
	}
	if err == nil {
		body, err = layout.Unpack(body)
	}
	if err == nil {
		l.ids, err = layout.DecodeList(body)
	}
	// What failed may not fail again: a caller gave up, a file was locked.
	l.read = err == nil
	return l.ids, explain(k.db.path, err)
}
