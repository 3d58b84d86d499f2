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

	fresh   []layout // since the last kernel, with hash 0 until it is known
	bodies  [][]byte // theirs
	pending int      // bytes of bodies

	layouts []layout          // all so far, without bodies
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
		case errors.Is(err, errBody):
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
		hash := string(filesHash(body))
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
	d := &decoder{rest: body}
	l := layout{kind: int(d.number()), name: d.text()}
	if d.err != nil {
		return d.err
	}
	rr.fresh = append(rr.fresh, l)
	rr.bodies = append(rr.bodies, bytes.Clone(d.rest))
	return rr.wait(len(body))
}

func (rr *recordReader) kernel(body []byte) (*arrival, error) {
	d := &decoder{rest: body}
	a := &arrival{lists: rr.texts}
	a.row = kernelRow{id: d.text(), arch: d.text(), byteOrder: d.text(), wordSize: int(d.number()), source: d.text(), problems: []byte(d.text())}
	places := d.text()
	for range d.length(6) {
		alias := alias{release: d.text(), tree: d.text(), compiler: d.text(), extracted: unknownTime, digest: d.text(), btf: d.text()}
		list := d.number()
		if list < 1 || list > int64(len(rr.lists)) {
			return nil, errBody
		}
		alias.files = []byte(rr.lists[list-1])
		a.aliases = append(a.aliases, alias)
	}
	for range d.length(2) {
		a.origins = append(a.origins, tpinfo.Origin{Key: d.text(), Headers: d.text()})
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	if err := rr.sensible(a); err != nil {
		return nil, fmt.Errorf("%w: %w", bundle.ErrDamaged, err)
	}
	var err error
	if a.row.problems, err = canonical(a.row.problems); err != nil {
		return nil, err
	}
	if err := rr.digest(); err != nil {
		return nil, err
	}
	ids, err := decodeIDs([]byte(places))
	if err != nil {
		return nil, err
	}
	fresh := 0
	for _, id := range ids {
		if id > int64(len(rr.layouts)) {
			return nil, errBody
		}
		if id > int64(len(rr.layouts)-len(rr.fresh)) {
			fresh++
		}
		a.row.layouts = append(a.row.layouts, rr.layouts[id-1])
	}
	if fresh != len(rr.fresh) {
		return nil, fmt.Errorf("%w: kernel %s comes with layouts that it does not have", bundle.ErrDamaged, a.row.id)
	}
	return a, nil
}

// done forgets what only the kernel that was read needed.
func (rr *recordReader) done() {
	for i := len(rr.layouts) - len(rr.fresh); i < len(rr.layouts); i++ {
		rr.layouts[i].text = nil
	}
	rr.fresh, rr.bodies, rr.pending, rr.texts = rr.fresh[:0], rr.bodies[:0], 0, map[string]string{}
}

// digest works out what the layouts since the last kernel are.
func (rr *recordReader) digest() error {
	at := len(rr.layouts)
	rr.layouts = append(rr.layouts, rr.fresh...)
	return eachOnAllCores(len(rr.fresh), func(i int) error {
		l, err := layoutOf(rr.fresh[i].kind, rr.fresh[i].name, rr.bodies[i])
		if err != nil {
			return fmt.Errorf("%s: %w", rr.fresh[i].name, err)
		}
		// A layout has one body only, and that is kept rather than the value.
		body := rr.bodies[i]
		if again, err := l.text(); err != nil || !bytes.Equal(again, body) {
			return fmt.Errorf("%s: %w", l.name, errBody)
		}
		l.text = func() ([]byte, error) { return body, nil }
		rr.layouts[at+i] = l
		return nil
	})
}

// sensible refuses what no cache has, and what a terminal could trip over.
func (rr *recordReader) sensible(a *arrival) error {
	if len(a.aliases) == 0 {
		return errors.New("a kernel without a name")
	}
	if a.row.id == "" || a.row.wordSize != 4 && a.row.wordSize != 8 {
		return fmt.Errorf("kernel %q has words of %d bytes", a.row.id, a.row.wordSize)
	}
	if !slices.EqualFunc(a.aliases, homeless(a.aliases), func(a, b alias) bool { return a.release == b.release && a.tree == b.tree }) {
		return fmt.Errorf("kernel %q has names twice, or out of order", a.row.id)
	}
	texts := []string{a.row.id, a.row.arch, a.row.byteOrder, a.row.source}
	used := map[string]bool{}
	for _, alias := range a.aliases {
		used[string(alias.files)] = true
		if alias.release == "" {
			return fmt.Errorf("kernel %q has an empty name", a.row.id)
		}
		texts = append(texts, alias.release, alias.tree, alias.compiler)
	}
	for hash := range rr.texts {
		if !used[hash] {
			return fmt.Errorf("kernel %q comes with a list of headers that is not its own", a.row.id)
		}
	}
	for _, o := range a.origins {
		if o.Key == "" {
			return fmt.Errorf("kernel %q has an origin without a key", a.row.id)
		}
	}
	for _, text := range texts {
		for _, c := range text {
			if unicode.IsControl(c) {
				return fmt.Errorf("kernel %q: %q has control characters", a.row.id, text)
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
	if a.row.id != o.id {
		return fmt.Errorf("%w: %s with id %.12s instead of %.12s", bundle.ErrOther, a.aliases[0].release, a.row.id, o.id)
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
