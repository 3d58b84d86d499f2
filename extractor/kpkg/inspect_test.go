package kpkg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

func TestInspectDeb(t *testing.T) {
	for _, packing := range []string{"", ".gz", ".xz", ".zst"} {
		t.Run("tar"+packing, func(t *testing.T) {
			data := flavourDeb(t, packing)
			path := archivetest.Write(t, filepath.Join(t.TempDir(), "x.deb"), data)
			got, err := Inspect(context.Background(), path)
			must(t, err)
			sum := sha256.Sum256(data)
			want := Package{
				Path: path, Format: archive.Deb, Name: "linux-headers-6.1.0-9-amd64", Version: "6.1.99-1", Arch: "amd64",
				Depends: []string{"linux-headers-6.1.0-9-common", "linux-kbuild-6.1", "gcc-12"},
				Digest:  hex.EncodeToString(sum[:]), Size: int64(len(data)),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInspectRPM(t *testing.T) {
	data := fedoraDevel().Build(t)
	path := archivetest.Write(t, filepath.Join(t.TempDir(), "x.rpm"), data)
	got, said, err := inspect(context.Background(), path, func(*about) bool { return true })
	must(t, err)
	sum := sha256.Sum256(data)
	want := Package{
		Path: path, Format: archive.RPM, Name: "kernel-devel", Version: "6.1.99-300.fc40", Arch: "x86_64",
		Depends: []string{"findutils"}, Digest: hex.EncodeToString(sum[:]), Size: int64(len(data)),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if said.release != "6.1.99-300.fc40.x86_64" || said.roles != (rpmRoles{build: true}) {
		t.Errorf("release %q, roles %+v", said.release, said.roles)
	}
}

// A package that ends anywhere is damaged and nothing else, and opening one
// leaves nothing behind.
func TestTruncated(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
	}{{"x.deb", flavourDeb(t, ".xz")}, {"x.deb", flavourDeb(t, ".zst")}, {"x.deb", flavourDeb(t, ".gz")}, {"x.deb", flavourDeb(t, "")}, {"x.rpm", fedoraDevel().Build(t)}} {
		step := max(1, len(c.data)/80)
		dir, scratch := t.TempDir(), t.TempDir()
		for n := 1; n < len(c.data); n += step {
			path := archivetest.Write(t, filepath.Join(dir, c.name), c.data[:n])
			p, err := Inspect(context.Background(), path)
			if err == nil {
				_, err = NewOpener(scratch, archive.Limits{}).Open(context.Background(), Set{Release: tinyRelease, Headers: []Package{p}})
				if left := archivetest.Below(t, scratch); len(left) > 0 {
					t.Errorf("%d of %d bytes left %v", n, len(c.data), left)
				}
			}
			if n >= len(archivetest.ArMagic) && !errors.Is(err, archive.ErrDamaged) || n < len(archivetest.ArMagic) && !errors.Is(err, archive.ErrUnknownFormat) && !errors.Is(err, archive.ErrDamaged) {
				t.Errorf("%d of %d bytes of %s: %v", n, len(c.data), c.name, err)
			}
		}
	}
}
