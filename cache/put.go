package cache

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// PutResult says what Put did.
type PutResult struct {
	ID string
	// Known: the kernel was there with this content; at most its release,
	// tree or inputs are new.
	Known bool
	// NewLayouts counts the layouts that no kernel had before.
	NewLayouts int
}

// Put stores a snapshot: whole, or not at all. A kernel whose ID is there gets
// the snapshot's content, so that one extracted again with more sources knows
// more than before.
func (db *DB) Put(ctx context.Context, snap *tpinfo.Snapshot) (PutResult, error) {
	return db.PutFrom(ctx, snap, tpinfo.Origin{})
}

// PutFrom is Put for a kernel that was built from origin: BuiltFrom and
// SameHeaders find it by that afterwards, and the failure of an earlier try is
// forgotten. An origin without a key is not kept.
func (db *DB) PutFrom(ctx context.Context, snap *tpinfo.Snapshot, origin tpinfo.Origin) (PutResult, error) {
	res := PutResult{ID: snap.Kernel.ID}
	if snap.Kernel.ID == "" || snap.Kernel.Release == "" {
		return res, errors.New("a kernel needs an id and a release to be stored")
	}
	if err := db.writable(); err != nil {
		return res, err
	}
	row, err := rowOf(&snap.Kernel)
	if err != nil {
		return res, err
	}
	row.layouts = identify(snap)
	err = db.write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if res.NewLayouts, err = db.storeLayouts(ctx, tx, row.layouts); err != nil {
			return err
		}
		if res.Known, err = storeKernel(ctx, tx, row); err != nil {
			return err
		}
		files, err := storeFiles(ctx, tx, []byte(strings.Join(snap.Inputs.Files, "\n")))
		if err != nil {
			return err
		}
		k := &snap.Kernel
		_, err = storeAlias(ctx, tx, k.ID, alias{k.Release, k.Tree, k.Compiler, k.Extracted.Unix(), snap.Inputs.Digest, snap.Inputs.BTF, files})
		if err != nil {
			return err
		}
		return storeOrigin(ctx, tx, k.ID, origin)
	})
	return res, err
}

// kernelRow is a kernel on its way in.
type kernelRow struct {
	id, arch, byteOrder string
	wordSize            int
	source              string
	problems            []byte // JSON
	layouts             []layout
}

func rowOf(k *tpinfo.Kernel) (kernelRow, error) {
	problems, err := json.Marshal(k.Problems)
	return kernelRow{k.ID, k.Arch, string(k.ByteOrder), k.WordSize, string(k.Source), problems, nil}, err
}

// content digests the kernel, independent of the numbers its layouts have here.
func (k *kernelRow) content() []byte {
	var e encoder
	e.text(k.id, k.arch, k.byteOrder)
	e.number(int64(k.wordSize))
	e.text(k.source, string(k.problems))
	hashes := make([]hash, len(k.layouts))
	for i := range k.layouts {
		hashes[i] = k.layouts[i].hash
	}
	slices.SortFunc(hashes, hash.compare)
	for _, h := range hashes {
		e.buf = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(e.buf, uint64(h[0])), uint64(h[1]))
	}
	sum := sha256.Sum256(e.buf)
	return sum[:16]
}

// storeKernel stores a kernel whose layouts are there; known: it was there,
// and the same.
func storeKernel(ctx context.Context, tx *sql.Tx, k kernelRow) (known bool, err error) {
	// What a snapshot lists twice a kernel has once.
	slices.SortFunc(k.layouts, func(a, b layout) int { return cmp.Compare(a.id, b.id) })
	k.layouts = slices.CompactFunc(k.layouts, func(a, b layout) bool { return a.id == b.id })
	content := k.content()
	var old []byte
	err = tx.QueryRowContext(ctx, "SELECT content FROM kernel WHERE id = ?", k.id).Scan(&old)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	known = string(old) == string(content)
	problems, err := pack(k.problems)
	if err != nil {
		return false, err
	}
	var ids [kindType + 1][]int64
	incomplete := 0
	for i := range k.layouts {
		ids[k.layouts[i].kind] = append(ids[k.layouts[i].kind], k.layouts[i].id)
		if k.layouts[i].incomplete {
			incomplete++
		}
	}
	events, err := pack(encodeIDs(ids[kindEvent]))
	if err != nil {
		return false, err
	}
	types, err := pack(encodeIDs(ids[kindType]))
	if err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO kernel (id, arch, byte_order, word_size, source, problems, event_ids, type_ids, content, events, incomplete, types)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET source = excluded.source, problems = excluded.problems, event_ids = excluded.event_ids, type_ids = excluded.type_ids,
			content = excluded.content, events = excluded.events, incomplete = excluded.incomplete, types = excluded.types`,
		k.id, k.arch, k.byteOrder, k.wordSize, k.source, problems, events, types, content,
		len(ids[kindEvent]), incomplete, len(ids[kindType]))
	return known, err
}

// alias is how a kernel was found, and what the extraction read.
type alias struct {
	release, tree, compiler string
	extracted               int64 // seconds since 1970
	digest, btf             string
	files                   []byte // hash of a row of blob
}

// treeName is a tree without its folder.
func treeName(tree string) string {
	if tree == "" {
		return ""
	}
	return path.Base(tree)
}

// storeAlias keeps an alias; new: its release and tree were not there. The
// tree of an exported file is a name without its folder, and where the same is
// known with its folder, that one alone is kept.
func storeAlias(ctx context.Context, tx *sql.Tx, kernelID string, a alias) (fresh bool, err error) {
	name := treeName(a.tree)
	if name == a.tree {
		var known int
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM alias WHERE kernel = ? AND release = ? AND substr(tree, -length(?3) - 1) = '/' || ?3", kernelID, a.release, name).Scan(&known)
		if err != nil || known > 0 {
			return false, err
		}
	} else if _, err := tx.ExecContext(ctx, "DELETE FROM alias WHERE kernel = ? AND release = ? AND tree = ?", kernelID, a.release, name); err != nil {
		return false, err
	}
	var known int
	err = tx.QueryRowContext(ctx, "SELECT count(*) FROM alias WHERE kernel = ? AND release = ? AND tree = ?", kernelID, a.release, a.tree).Scan(&known)
	if err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO alias (kernel, release, tree, compiler, extracted, digest, btf, files)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		kernelID, a.release, a.tree, a.compiler, a.extracted, a.digest, a.btf, a.files)
	return known == 0, err
}
