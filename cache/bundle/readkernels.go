package bundle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// maxPending bounds what the layouts of one kernel may take: those of a full
// kernel are 3 MB.
const maxPending = 64 << 20

// kernelReader reads the kernels of a payload.
type kernelReader struct {
	r *bufio.Reader

	fresh   []layout.Layout // since the last kernel, with hash 0 until it is known
	bodies  [][]byte        // theirs
	pending int             // bytes of bodies

	layouts []layout.Layout   // all so far, without bodies
	lists   []string          // hashes of all lists of headers so far
	texts   map[string]string // those since the last kernel
	buf     bytes.Buffer
}

// ReadKernels hands over the kernels of a payload, one after the other; what a
// kernel has is its own until take returns. What no cache wrote is ErrDamaged.
// Other errors are those of reading the payload, of take, and the end of ctx.
func ReadKernels(ctx context.Context, payload io.Reader, take func(context.Context, *Kernel) error) error {
	r := &kernelReader{r: bufio.NewReaderSize(payload, 1<<16), texts: map[string]string{}}
	for {
		k, err := r.next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, layout.ErrDamaged):
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		case err != nil:
			return err
		case k == nil:
			continue
		}
		if err := take(ctx, k); err != nil {
			return err
		}
		r.done()
	}
}

// next takes one record, and returns a kernel with what came before it; io.EOF
// when there is none.
func (r *kernelReader) next(ctx context.Context) (*Kernel, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tag, err := r.r.ReadByte()
	if err != nil {
		if errors.Is(err, io.EOF) && len(r.fresh)+len(r.texts) > 0 {
			return nil, fmt.Errorf("%w: it ends without the kernel that its last layouts are of", ErrDamaged)
		}
		return nil, err
	}
	n, err := r.length()
	if err != nil {
		return nil, cut(err)
	}
	r.buf.Reset()
	if _, err := io.CopyN(&r.buf, r.r, n); err != nil {
		return nil, cut(err)
	}
	body := r.buf.Bytes()
	switch tag {
	case tagFiles:
		hash := string(layout.FilesHash(body))
		r.lists = append(r.lists, hash)
		r.texts[hash] = string(body)
		return nil, r.wait(len(body))
	case tagLayout:
		return nil, r.layout(body)
	case tagKernel:
		return r.kernel(body)
	}
	return nil, fmt.Errorf("%w: a record of kind %q", ErrDamaged, tag)
}

// length reads the length of a record, a varint.
func (r *kernelReader) length() (n int64, err error) {
	for shift := 0; ; shift += 7 {
		b, err := r.r.ReadByte()
		if err != nil {
			return 0, err
		}
		n |= int64(b&0x7f) << shift
		if n > maxRecord || shift > 28 {
			return 0, fmt.Errorf("%w: a record of over %d bytes", ErrDamaged, maxRecord)
		}
		if b < 0x80 {
			return n, nil
		}
	}
}

// cut is for an end within a record.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends within a record", ErrDamaged)
	}
	return err
}

// wait counts what is kept until its kernel comes.
func (r *kernelReader) wait(n int) error {
	if r.pending += n; r.pending > maxPending {
		return fmt.Errorf("%w: one kernel of over %d bytes", ErrDamaged, maxPending)
	}
	return nil
}

func (r *kernelReader) layout(body []byte) error {
	d := layout.NewDecoder(body)
	l := layout.Layout{Kind: int(d.Number()), Name: d.Text()}
	if d.Err() != nil {
		return d.Err()
	}
	r.fresh = append(r.fresh, l)
	r.bodies = append(r.bodies, bytes.Clone(d.Rest()))
	return r.wait(len(body))
}

func (r *kernelReader) kernel(body []byte) (*Kernel, error) {
	d := layout.NewDecoder(body)
	k := &Kernel{Lists: r.texts}
	k.Kernel = layout.Kernel{ID: d.Text(), Arch: d.Text(), ByteOrder: d.Text(), WordSize: int(d.Number()), Source: d.Text(), Problems: []byte(d.Text())}
	places := d.Text()
	for range d.Length(6) {
		alias := layout.Alias{Release: d.Text(), Tree: d.Text(), Compiler: d.Text(), Extracted: layout.UnknownTime, Digest: d.Text(), BTF: d.Text()}
		list := d.Number()
		if list < 1 || list > int64(len(r.lists)) {
			return nil, layout.ErrDamaged
		}
		alias.Files = []byte(r.lists[list-1])
		k.Aliases = append(k.Aliases, alias)
	}
	for range d.Length(2) {
		k.Origins = append(k.Origins, tpinfo.Origin{Key: d.Text(), Headers: d.Text()})
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	if err := r.sensible(k); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	var err error
	if k.Problems, err = canonical(k.Problems); err != nil {
		return nil, err
	}
	if err := r.digest(); err != nil {
		return nil, err
	}
	ids, err := layout.DecodeList([]byte(places))
	if err != nil {
		return nil, err
	}
	fresh := 0
	for _, id := range ids {
		if id > int64(len(r.layouts)) {
			return nil, layout.ErrDamaged
		}
		if id > int64(len(r.layouts)-len(r.fresh)) {
			fresh++
		}
		k.Layouts = append(k.Layouts, r.layouts[id-1])
	}
	if fresh != len(r.fresh) {
		return nil, fmt.Errorf("%w: kernel %s comes with layouts that it does not have", ErrDamaged, k.ID)
	}
	return k, nil
}

// done forgets what only the kernel that was read needed.
func (r *kernelReader) done() {
	for i := len(r.layouts) - len(r.fresh); i < len(r.layouts); i++ {
		r.layouts[i].Body = nil
	}
	r.fresh, r.bodies, r.pending, r.texts = r.fresh[:0], r.bodies[:0], 0, map[string]string{}
}

// digest works out what the layouts since the last kernel are.
func (r *kernelReader) digest() error {
	at := len(r.layouts)
	r.layouts = append(r.layouts, r.fresh...)
	return layout.Each(len(r.fresh), func(i int) error {
		l, err := layout.Of(r.fresh[i].Kind, r.fresh[i].Name, r.bodies[i])
		if err != nil {
			return fmt.Errorf("%s: %w", r.fresh[i].Name, err)
		}
		// A layout has one body only, and that is kept rather than the value.
		body := r.bodies[i]
		if again, err := l.Body(); err != nil || !bytes.Equal(again, body) {
			return fmt.Errorf("%s: %w", l.Name, layout.ErrDamaged)
		}
		l.Body = func() ([]byte, error) { return body, nil }
		r.layouts[at+i] = l
		return nil
	})
}

// sensible refuses what no cache has, and what a terminal could trip over.
func (r *kernelReader) sensible(k *Kernel) error {
	if len(k.Aliases) == 0 {
		return errors.New("a kernel without a name")
	}
	if k.ID == "" || k.WordSize != 4 && k.WordSize != 8 {
		return fmt.Errorf("kernel %q has words of %d bytes", k.ID, k.WordSize)
	}
	if !slices.EqualFunc(k.Aliases, layout.Homeless(k.Aliases), func(a, b layout.Alias) bool { return a.Release == b.Release && a.Tree == b.Tree }) {
		return fmt.Errorf("kernel %q has names twice, or out of order", k.ID)
	}
	texts := []string{k.ID, k.Arch, k.ByteOrder, k.Source}
	used := map[string]bool{}
	for _, alias := range k.Aliases {
		used[string(alias.Files)] = true
		if alias.Release == "" {
			return fmt.Errorf("kernel %q has an empty name", k.ID)
		}
		texts = append(texts, alias.Release, alias.Tree, alias.Compiler)
	}
	for hash := range r.texts {
		if !used[hash] {
			return fmt.Errorf("kernel %q comes with a list of headers that is not its own", k.ID)
		}
	}
	for _, o := range k.Origins {
		if o.Key == "" {
			return fmt.Errorf("kernel %q has an origin without a key", k.ID)
		}
	}
	for _, text := range texts {
		for _, c := range text {
			if unicode.IsControl(c) {
				return fmt.Errorf("kernel %q: %q has control characters", k.ID, text)
			}
		}
	}
	return nil
}

// canonical gives a kernel's problems the form in which they are stored.
func canonical(problems []byte) ([]byte, error) {
	var list []tpinfo.Problem
	if err := json.Unmarshal(problems, &list); err != nil {
		return nil, fmt.Errorf("problems: %w", layout.ErrDamaged)
	}
	return json.Marshal(list)
}
