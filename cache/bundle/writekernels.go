package bundle

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/tpinfo/tpinfo/cache/layout"
)

// KernelWriter writes kernels as a payload, for Write.
type KernelWriter struct {
	w io.Writer
	// layouts and lists are the places of what was written.
	layouts map[layout.Hash]int64
	lists   map[string]int64
}

// NewKernelWriter begins a payload.
func NewKernelWriter(w io.Writer) *KernelWriter {
	return &KernelWriter{w: w, layouts: map[layout.Hash]int64{}, lists: map[string]int64{}}
}

// Wants says whether a layout was not written yet.
func (w *KernelWriter) Wants(h layout.Hash) bool { return w.layouts[h] == 0 }

// Add writes a kernel, and before it what it names and nothing before it did.
// The same kernels in the same order give the same bytes, whatever folders and
// times they have.
func (w *KernelWriter) Add(k *Kernel) error {
	aliases := layout.Homeless(k.Aliases)
	for _, alias := range aliases {
		hash := string(alias.Files)
		if w.lists[hash] != 0 {
			continue
		}
		if err := w.record(tagFiles, []byte(k.Lists[hash])); err != nil {
			return err
		}
		w.lists[hash] = int64(len(w.lists) + 1)
	}
	var fresh []*layout.Layout
	for i := range k.Layouts {
		if l := &k.Layouts[i]; w.Wants(l.Hash) {
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
		e.Raw(body...)
		if err := w.record(tagLayout, e.Bytes()); err != nil {
			return err
		}
		w.layouts[l.Hash] = int64(len(w.layouts) + 1)
	}
	return w.record(tagKernel, w.encode(k, aliases))
}

func (w *KernelWriter) record(tag byte, body []byte) error {
	_, err := w.w.Write(binary.AppendUvarint([]byte{tag}, uint64(len(body))))
	if err == nil {
		_, err = w.w.Write(body)
	}
	return err
}

// encode gives a kernel of which all is written that it names.
func (w *KernelWriter) encode(k *Kernel, aliases []layout.Alias) []byte {
	var e layout.Encoder
	e.Text(k.ID, k.Arch, k.ByteOrder)
	e.Number(int64(k.WordSize))
	e.Text(k.Source, string(k.Problems))
	var places []int64
	for i := range k.Layouts {
		places = append(places, w.layouts[k.Layouts[i].Hash])
	}
	e.Text(string(layout.EncodeList(places)))
	e.Number(int64(len(aliases)))
	for _, alias := range aliases {
		e.Text(alias.Release, alias.Tree, alias.Compiler, alias.Digest, alias.BTF)
		e.Number(w.lists[string(alias.Files)])
	}
	e.Number(int64(len(k.Origins)))
	for _, o := range k.Origins {
		e.Text(o.Key, o.Headers)
	}
	return e.Bytes()
}
