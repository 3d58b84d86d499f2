package cache

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// The payload of an exported file is a row of records, each a tag, a length
// and a body of texts and numbers (layout.Encoder):
//
//	F  a list of headers
//	L  a layout: kind, name, body
//	K  a kernel, with its names and origins; it names lists of headers and
//	   layouts by their place among those before it, counted from 1
//
// Hashes and digests are not in it: who reads it works them out. Nor is when
// something was extracted and in which folder, nor what failed: equal kernels
// give equal files, on every machine.
const (
	tagFiles  = 'F'
	tagLayout = 'L'
	tagKernel = 'K'
)

// maxRecord bounds a record: a body, its name, and the like.
const maxRecord = layout.MaxBody + 1<<20

// ExportOption changes how kernels are exported.
type ExportOption func(*exportOptions)

type exportOptions struct{ key ed25519.PrivateKey }

// Sign signs the file.
func Sign(key ed25519.PrivateKey) ExportOption { return func(o *exportOptions) { o.key = key } }

// Export writes kernels to a file of their own, for Import: those with the
// ids, all there are without any. The same kernels give the same bytes, on
// every machine and whenever they were extracted. What is damaged is not
// exported.
func (db *DB) Export(ctx context.Context, w io.Writer, ids []string, opts ...ExportOption) error {
	var o exportOptions
	for _, opt := range opts {
		opt(&o)
	}
	return bundle.Write(w, o.key, func(w io.Writer) error {
		return db.send(ctx, ids, false, newRecordWriter(w))
	})
}

// recordWriter is the sink that is a file.
type recordWriter struct {
	w io.Writer
	// layouts and lists are the places of what was written.
	layouts map[layout.Hash]int64
	lists   map[string]int64
}

func newRecordWriter(w io.Writer) *recordWriter {
	return &recordWriter{w: w, layouts: map[layout.Hash]int64{}, lists: map[string]int64{}}
}

func (r *recordWriter) wants(h layout.Hash) bool { return r.layouts[h] == 0 }

func (r *recordWriter) record(tag byte, body []byte) error {
	_, err := r.w.Write(binary.AppendUvarint([]byte{tag}, uint64(len(body))))
	if err == nil {
		_, err = r.w.Write(body)
	}
	return err
}

// failure is of no use to who gets the file.
func (r *recordWriter) failure(context.Context, tpinfo.Failure) error { return nil }

func (r *recordWriter) kernel(_ context.Context, a *arrival) error {
	a.aliases = homeless(a.aliases)
	for _, alias := range a.aliases {
		hash := string(alias.Files)
		if r.lists[hash] != 0 {
			continue
		}
		if err := r.record(tagFiles, []byte(a.lists[hash])); err != nil {
			return err
		}
		r.lists[hash] = int64(len(r.lists) + 1)
	}
	var fresh []*layout.Layout
	for i := range a.row.Layouts {
		if l := &a.row.Layouts[i]; r.wants(l.Hash) {
			fresh = append(fresh, l)
		}
	}
	// Neighbours resemble each other.
	slices.SortFunc(fresh, func(a, b *layout.Layout) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), a.Hash.Compare(b.Hash))
	})
	for _, l := range fresh {
		body, err := l.Body()
		if err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
		var e layout.Encoder
		e.Number(int64(l.Kind))
		e.Text(l.Name)
		if err := r.record(tagLayout, append(e.Bytes(), body...)); err != nil {
			return err
		}
		r.layouts[l.Hash] = int64(len(r.layouts) + 1)
	}
	return r.record(tagKernel, r.encode(a))
}

// homeless are aliases without the folders of their trees and without times;
// of those that then have one name, the greatest.
func homeless(aliases []layout.Alias) []layout.Alias {
	aliases = slices.Clone(aliases)
	for i := range aliases {
		aliases[i].Tree, aliases[i].Extracted = aliases[i].TreeName(), unknownTime
	}
	slices.SortFunc(aliases, func(a, b layout.Alias) int {
		return cmp.Or(cmp.Compare(a.Release, b.Release), cmp.Compare(a.Tree, b.Tree), b.Compare(a))
	})
	return slices.CompactFunc(aliases, func(a, b layout.Alias) bool { return a.Release == b.Release && a.Tree == b.Tree })
}

// encode writes a kernel of which all is written that it names.
func (r *recordWriter) encode(a *arrival) []byte {
	var e layout.Encoder
	e.Text(a.row.ID, a.row.Arch, a.row.ByteOrder)
	e.Number(int64(a.row.WordSize))
	e.Text(a.row.Source, string(a.row.Problems))
	var places []int64
	for i := range a.row.Layouts {
		places = append(places, r.layouts[a.row.Layouts[i].Hash])
	}
	e.Text(string(layout.EncodeList(places)))
	e.Number(int64(len(a.aliases)))
	for _, alias := range a.aliases {
		e.Text(alias.Release, alias.Tree, alias.Compiler, alias.Digest, alias.BTF)
		e.Number(r.lists[string(alias.Files)])
	}
	e.Number(int64(len(a.origins)))
	for _, o := range a.origins {
		e.Text(o.Key, o.Headers)
	}
	return e.Bytes()
}
