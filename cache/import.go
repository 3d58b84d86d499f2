package cache

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// ImportOption changes what Import accepts.
type ImportOption func(*importOptions)

type importOptions struct {
	trusted []ed25519.PublicKey
	only    string
}

// Trust has Import accept only what the owner of one of these keys signed.
func Trust(keys ...ed25519.PublicKey) ImportOption {
	return func(o *importOptions) { o.trusted = append(o.trusted, keys...) }
}

// Only has Import accept just a file of the one kernel with this id; other
// files get ErrOther of package bundle.
func Only(id string) ImportOption { return func(o *importOptions) { o.only = id } }

// Import adds the kernels of an exported file, all or none. Errors of what is
// read wrap one of package bundle's. Other writers wait while r is read.
func (db *DB) Import(ctx context.Context, r io.Reader, opts ...ImportOption) (res MergeResult, err error) {
	var o importOptions
	for _, opt := range opts {
		opt(&o)
	}
	b, err := bundle.Open(r, o.trusted...)
	if err != nil {
		return res, err
	}
	defer b.Close()
	if key := b.Signer(); key != nil {
		res.Signer = bundle.Name(key)
	}
	err = db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		m, err := db.newMerger(ctx, tx, &res)
		if err != nil {
			return err
		}
		if o.only == "" {
			return readRecords(ctx, b, m)
		}
		one := &oneKernel{sink: m, id: o.only}
		if err := readRecords(ctx, b, one); err != nil {
			return err
		}
		return one.end()
	})
	if err != nil {
		res = MergeResult{Signer: res.Signer}
	}
	return res, err
}

// maxPending bounds what the layouts of one kernel may take: those of a full
// kernel are 3 MB.
const maxPending = 64 << 20

// recordReader reads the kernels of a payload.
type recordReader struct {
	r *bufio.Reader

	fresh   []layout.Layout // since the last kernel, with hash 0 until it is known
	bodies  [][]byte        // theirs
	pending int             // bytes of bodies

	layouts []layout.Layout   // all so far, without bodies
	lists   []string          // hashes of all lists of headers so far
	texts   map[string]string // those since the last kernel
	buf     bytes.Buffer
}

func readRecords(ctx context.Context, r io.Reader, to sink) error {
	rr := &recordReader{r: bufio.NewReaderSize(r, 1<<16), texts: map[string]string{}}
	for {
		a, err := rr.next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, layout.ErrDamaged):
			return explained{fmt.Errorf("%w: %w", bundle.ErrDamaged, err)}
		case err != nil:
			return err
		case a == nil:
			continue
		}
		if err := to.kernel(ctx, a); err != nil {
			return err
		}
		rr.done()
	}
}

// next takes one record, and returns a kernel with what came before it; io.EOF
// when there is none.
func (rr *recordReader) next(ctx context.Context) (*arrival, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tag, err := rr.r.ReadByte()
	if err != nil {
		if errors.Is(err, io.EOF) && len(rr.fresh)+len(rr.texts) > 0 {
			return nil, fmt.Errorf("%w: it ends without the kernel that its last layouts are of", bundle.ErrDamaged)
		}
		return nil, err
	}
	n, err := rr.length()
	if err != nil {
		return nil, cut(err)
	}
	rr.buf.Reset()
	if _, err := io.CopyN(&rr.buf, rr.r, n); err != nil {
		return nil, cut(err)
	}
	body := rr.buf.Bytes()
	switch tag {
	case tagFiles:
		hash := string(layout.FilesHash(body))
		rr.lists = append(rr.lists, hash)
		rr.texts[hash] = string(body)
		return nil, rr.wait(len(body))
	case tagLayout:
		return nil, rr.layout(body)
	case tagKernel:
		return rr.kernel(body)
	}
	return nil, fmt.Errorf("%w: a record of kind %q", bundle.ErrDamaged, tag)
}

// length reads the length of a record, a varint.
func (rr *recordReader) length() (n int64, err error) {
	for shift := 0; ; shift += 7 {
		b, err := rr.r.ReadByte()
		if err != nil {
			return 0, err
		}
		n |= int64(b&0x7f) << shift
		if n > maxRecord || shift > 28 {
			return 0, fmt.Errorf("%w: a record of over %d bytes", bundle.ErrDamaged, maxRecord)
		}
		if b < 0x80 {
			return n, nil
		}
	}
}

// cut is for an end within a record.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends within a record", bundle.ErrDamaged)
	}
	return err
}

// wait counts what is kept until its kernel comes.
func (rr *recordReader) wait(n int) error {
	if rr.pending += n; rr.pending > maxPending {
		return fmt.Errorf("%w: one kernel of over %d bytes", bundle.ErrDamaged, maxPending)
	}
	return nil
}

func (rr *recordReader) layout(body []byte) error {
	d := layout.NewDecoder(body)
	l := layout.Layout{Kind: int(d.Number()), Name: d.Text()}
	if d.Err() != nil {
		return d.Err()
	}
	rr.fresh = append(rr.fresh, l)
	rr.bodies = append(rr.bodies, bytes.Clone(d.Rest()))
	return rr.wait(len(body))
}

func (rr *recordReader) kernel(body []byte) (*arrival, error) {
	d := layout.NewDecoder(body)
	a := &arrival{lists: rr.texts}
	a.row = layout.Kernel{ID: d.Text(), Arch: d.Text(), ByteOrder: d.Text(), WordSize: int(d.Number()), Source: d.Text(), Problems: []byte(d.Text())}
	places := d.Text()
	for range d.Length(6) {
		alias := layout.Alias{Release: d.Text(), Tree: d.Text(), Compiler: d.Text(), Extracted: unknownTime, Digest: d.Text(), BTF: d.Text()}
		list := d.Number()
		if list < 1 || list > int64(len(rr.lists)) {
			return nil, layout.ErrDamaged
		}
		alias.Files = []byte(rr.lists[list-1])
		a.aliases = append(a.aliases, alias)
	}
	for range d.Length(2) {
		a.origins = append(a.origins, tpinfo.Origin{Key: d.Text(), Headers: d.Text()})
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	if err := rr.sensible(a); err != nil {
		return nil, fmt.Errorf("%w: %w", bundle.ErrDamaged, err)
	}
	var err error
	if a.row.Problems, err = canonical(a.row.Problems); err != nil {
		return nil, err
	}
	if err := rr.digest(); err != nil {
		return nil, err
	}
	ids, err := layout.DecodeList([]byte(places))
	if err != nil {
		return nil, err
	}
	fresh := 0
	for _, id := range ids {
		if id > int64(len(rr.layouts)) {
			return nil, layout.ErrDamaged
		}
		if id > int64(len(rr.layouts)-len(rr.fresh)) {
			fresh++
		}
		a.row.Layouts = append(a.row.Layouts, rr.layouts[id-1])
	}
	if fresh != len(rr.fresh) {
		return nil, fmt.Errorf("%w: kernel %s comes with layouts that it does not have", bundle.ErrDamaged, a.row.ID)
	}
	return a, nil
}

// done forgets what only the kernel that was read needed.
func (rr *recordReader) done() {
	for i := len(rr.layouts) - len(rr.fresh); i < len(rr.layouts); i++ {
		rr.layouts[i].Body = nil
	}
	rr.fresh, rr.bodies, rr.pending, rr.texts = rr.fresh[:0], rr.bodies[:0], 0, map[string]string{}
}

// digest works out what the layouts since the last kernel are.
func (rr *recordReader) digest() error {
	at := len(rr.layouts)
	rr.layouts = append(rr.layouts, rr.fresh...)
	return layout.Each(len(rr.fresh), func(i int) error {
		l, err := layout.Of(rr.fresh[i].Kind, rr.fresh[i].Name, rr.bodies[i])
		if err != nil {
			return fmt.Errorf("%s: %w", rr.fresh[i].Name, err)
		}
		// A layout has one body only, and that is kept rather than the value.
		body := rr.bodies[i]
		if again, err := l.Body(); err != nil || !bytes.Equal(again, body) {
			return fmt.Errorf("%s: %w", l.Name, layout.ErrDamaged)
		}
		l.Body = func() ([]byte, error) { return body, nil }
		rr.layouts[at+i] = l
		return nil
	})
}

// sensible refuses what no cache has, and what a terminal could trip over.
func (rr *recordReader) sensible(a *arrival) error {
	if len(a.aliases) == 0 {
		return errors.New("a kernel without a name")
	}
	if a.row.ID == "" || a.row.WordSize != 4 && a.row.WordSize != 8 {
		return fmt.Errorf("kernel %q has words of %d bytes", a.row.ID, a.row.WordSize)
	}
	if !slices.EqualFunc(a.aliases, homeless(a.aliases), func(a, b layout.Alias) bool { return a.Release == b.Release && a.Tree == b.Tree }) {
		return fmt.Errorf("kernel %q has names twice, or out of order", a.row.ID)
	}
	texts := []string{a.row.ID, a.row.Arch, a.row.ByteOrder, a.row.Source}
	used := map[string]bool{}
	for _, alias := range a.aliases {
		used[string(alias.Files)] = true
		if alias.Release == "" {
			return fmt.Errorf("kernel %q has an empty name", a.row.ID)
		}
		texts = append(texts, alias.Release, alias.Tree, alias.Compiler)
	}
	for hash := range rr.texts {
		if !used[hash] {
			return fmt.Errorf("kernel %q comes with a list of headers that is not its own", a.row.ID)
		}
	}
	for _, o := range a.origins {
		if o.Key == "" {
			return fmt.Errorf("kernel %q has an origin without a key", a.row.ID)
		}
	}
	for _, text := range texts {
		for _, c := range text {
			if unicode.IsControl(c) {
				return fmt.Errorf("kernel %q: %q has control characters", a.row.ID, text)
			}
		}
	}
	return nil
}

// oneKernel passes one kernel on, and refuses others.
type oneKernel struct {
	sink
	id   string
	seen bool
}

func (o *oneKernel) kernel(ctx context.Context, a *arrival) error {
	if a.row.ID != o.id {
		return fmt.Errorf("%w: %s with id %.12s instead of %.12s", bundle.ErrOther, a.aliases[0].Release, a.row.ID, o.id)
	}
	o.seen = true
	return o.sink.kernel(ctx, a)
}

func (o *oneKernel) end() error {
	if !o.seen {
		return fmt.Errorf("%w: none at all", bundle.ErrOther)
	}
	return nil
}
