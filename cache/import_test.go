package cache

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/merge"
)

// framed is an exported file with this payload.
func framed(t testing.TB, payload []byte) io.Reader {
	t.Helper()
	var file bytes.Buffer
	err := bundle.Write(&file, nil, func(w io.Writer) error {
		_, err := w.Write(payload)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return &file
}

// record is one of those that a payload is made of.
func record(tag byte, body string) string {
	return string(binary.AppendUvarint([]byte{tag}, uint64(len(body)))) + body
}

// payloadOf is what is exported of a cache.
func payloadOf(t testing.TB, db *DB) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := db.send(context.Background(), nil, false, exporter{bundle.NewKernelWriter(&out)}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A file that turns out to be damaged behind whole kernels leaves nothing, and
// is what the error blames.
func TestImportDamaged(t *testing.T) {
	ctx := context.Background()
	from := openTemp(t)
	put(t, from, sample("6.1.0-1", 0))
	put(t, from, sample("6.1.0-2", 1))
	payload := string(payloadOf(t, from))
	for name, damaged := range map[string]string{
		"another record":       payload + record('X', ""),
		"half a record":        payload[:len(payload)-1],
		"no kernel":            payload + record('F', "build:a.h"),
		"a kernel of nothing":  payload + record('K', ""),
		"a layout that is cut": payload + record('L', "\x04\x04long\x00") + record('K', lastKernel(t, payload)),
	} {
		db := openTemp(t)
		res, err := db.Import(ctx, framed(t, []byte(damaged)))
		if !errors.Is(err, bundle.ErrDamaged) || errors.Is(err, ErrCorrupt) || res != (merge.Result{}) {
			t.Errorf("%s: %+v (%v), want a damaged file", name, res, err)
		}
		if err != nil && strings.Contains(err.Error(), db.Path()) {
			t.Errorf("%s: %v blames the cache", name, err)
		}
		if infos, err := db.Kernels(ctx); err != nil || len(infos) != 0 {
			t.Errorf("%s: it left %d kernels (%v)", name, len(infos), err)
		}
		sound(t, db)
	}
}

// lastKernel is the body of the record at the end of a payload.
func lastKernel(t *testing.T, payload string) string {
	t.Helper()
	for rest := payload; ; {
		n, size := binary.Uvarint([]byte(rest[1:]))
		if size <= 0 {
			t.Fatal("a record without a length")
		}
		body := rest[1+size : 1+size+int(n)]
		if rest = rest[1+size+int(n):]; rest == "" {
			return body
		}
	}
}

// One kernel may be a kernel again, with other names: both are kept.
func TestKernelTwiceInAFile(t *testing.T) {
	ctx := context.Background()
	from := openTemp(t)
	put(t, from, sample("6.1.0-1", 0))
	var payload bytes.Buffer
	w := bundle.NewKernelWriter(&payload)
	err := bundle.ReadKernels(ctx, bytes.NewReader(payloadOf(t, from)), func(_ context.Context, k *bundle.Kernel) error {
		if err := w.Add(k); err != nil {
			return err
		}
		k.Aliases = []layout.Alias{k.Aliases[0]}
		k.Aliases[0].Release = "6.1.0-2"
		return w.Add(k)
	})
	if err != nil {
		t.Fatal(err)
	}
	db := openTemp(t)
	res, err := db.Import(ctx, framed(t, payload.Bytes()))
	if want := (merge.Result{Kernels: 1, Known: 1, Releases: 2, Layouts: 13}); err != nil || res != want {
		t.Errorf("%+v (%v), want %+v", res, err, want)
	}
	for _, release := range []string{"6.1.0-1", "6.1.0-2"} {
		if id := kernel(t, db, release).Info().ID; id != sample("", 0).Kernel.ID {
			t.Errorf("%s is %s", release, id)
		}
	}
	sound(t, db)
}
