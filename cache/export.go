package cache

import (
	"context"
	"crypto/ed25519"
	"io"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/layout"
)

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
	return bundle.Write(w, o.key, func(payload io.Writer) error {
		return db.send(ctx, ids, false, exporter{bundle.NewKernelWriter(payload)})
	})
}

// exporter is the sink that is a file.
type exporter struct{ w *bundle.KernelWriter }

func (e exporter) Wants(h layout.Hash) bool { return e.w.Wants(h) }

func (e exporter) Add(_ context.Context, k *bundle.Kernel) error { return e.w.Add(k) }

// Fail: it is of no use to who gets the file.
func (exporter) Fail(context.Context, tpinfo.Failure) error { return nil }
