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
)

// The payload of an exported file is a row of records, each a tag, a length
// and a body of texts and numbers (body.go):
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
const maxRecord = maxBody + 1<<20

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
	layouts map[hash]int64
	lists   map[string]int64
}

func newRecordWriter(w io.Writer) *recordWriter {
	return &recordWriter{w: w, layouts: map[hash]int64{}, lists: map[string]int64{}}
}

func (r *recordWriter) wants(h hash) bool { return r.layouts[h] == 0 }

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
		hash := string(alias.files)
		if r.lists[hash] != 0 {
			continue
		}
		if err := r.record(tagFiles, []byte(a.lists[hash])); err != nil {
			return err
		}
		r.lists[hash] = int64(len(r.lists) + 1)
	}
	var fresh []*layout
	for i := range a.row.layouts {
		if l := &a.row.layouts[i]; r.wants(l.hash) {
			fresh = append(fresh, l)
		}
	}
	// Neighbours resemble each other.
	slices.SortFunc(fresh, func(a, b *layout) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name), a.hash.compare(b.hash))
	})
	for _, l := range fresh {
		body, err := l.text()
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		var e encoder
		e.number(int64(l.kind))
		e.text(l.name)
		if err := r.record(tagLayout, append(e.buf, body...)); err != nil {
			return err
		}
		r.layouts[l.hash] = int64(len(r.layouts) + 1)
	}
	return r.record(tagKernel, r.encode(a))
}

// homeless are aliases without the folders of their trees and without times;
// of those that then have one name, the greatest.
func homeless(aliases []alias) []alias {
	aliases = slices.Clone(aliases)
	for i := range aliases {
		aliases[i].tree, aliases[i].extracted = treeName(aliases[i].tree), unknownTime
	}
	slices.SortFunc(aliases, func(a, b alias) int {
		return cmp.Or(cmp.Compare(a.release, b.release), cmp.Compare(a.tree, b.tree), b.compare(a))
	})
	return slices.CompactFunc(aliases, func(a, b alias) bool { return a.release == b.release && a.tree == b.tree })
}

// encode writes a kernel of which all is written that it names.
func (r *recordWriter) encode(a *arrival) []byte {
	var e encoder
	e.text(a.row.id, a.row.arch, a.row.byteOrder)
	e.number(int64(a.row.wordSize))
	e.text(a.row.source, string(a.row.problems))
	var places []int64
	for i := range a.row.layouts {
		places = append(places, r.layouts[a.row.layouts[i].hash])
	}
	e.text(string(encodeIDs(places)))
	e.number(int64(len(a.aliases)))
	for _, alias := range a.aliases {
		e.text(alias.release, alias.tree, alias.compiler, alias.digest, alias.btf)
		e.number(r.lists[string(alias.files)])
	}
	e.number(int64(len(a.origins)))
	for _, o := range a.origins {
		e.text(o.Key, o.Headers)
	}
	return e.buf
}
