package oci

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode"
)

// Whatever an index says, what is made of it can be printed and compared, and
// gives the same index again.
func FuzzDecodeIndex(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "index.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add(bytes.ReplaceAll(golden, []byte(`form":"1"`), []byte(`form":"2"`)))
	f.Add([]byte(`{"annotations":{"io.github.tpinfo.form":"1"},"manifests":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		x, err := decodeIndex(text)
		if err != nil {
			if !errors.Is(err, ErrNotOurs) && !errors.Is(err, ErrNewer) && !errors.Is(err, ErrDamaged) {
				t.Errorf("%v", err)
			}
			return
		}
		for i := range x.Kernels {
			printable(t, &x.Kernels[i])
		}
		once, err := x.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeIndex(once)
		if err != nil {
			t.Fatalf("%v in %s", err, once)
		}
		if !slices.EqualFunc(x.Kernels, again.Kernels, func(a, b Entry) bool { return a.same(&b) && a.Digest() == b.Digest() && a.Size == b.Size }) || x.Newer != again.Newer {
			t.Errorf("%+v became %+v", x, again)
		}
		if twice, err := again.encode(); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%s became %s, %v", once, twice, err)
		}
	})
}

func FuzzDecodeManifest(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "manifest.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte(`{"annotations":{"io.github.tpinfo.form":"1"},"layers":[{"mediaType":"` + BundleType + `"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, layer, err := decodeManifest(text)
		if err != nil {
			if !errors.Is(err, ErrNotOurs) && !errors.Is(err, ErrNewer) && !errors.Is(err, ErrDamaged) {
				t.Errorf("%v", err)
			}
			return
		}
		printable(t, &e)
		if layer.Size != e.Size || layer.Digest.Validate() != nil {
			t.Errorf("%+v of %+v", layer, e)
		}
	})
}

func printable(t *testing.T, e *Entry) {
	t.Helper()
	for _, text := range append([]string{e.ID, e.Arch, e.Content, e.Signer}, e.Releases...) {
		for _, c := range text {
			if !unicode.IsPrint(c) {
				t.Errorf("%q would be printed", text)
			}
		}
	}
	if len(e.Releases) == 0 || e.Size < 0 || e.Events < 0 {
		t.Errorf("%+v", e)
	}
}
