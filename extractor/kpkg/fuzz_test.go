package kpkg

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

// Whatever the bytes are: an error of a package's, or what it says is fit to
// be printed and used as part of a name.
func FuzzInspect(f *testing.F) {
	f.Add(flavourDeb(f, ""))
	f.Add(flavourDeb(f, ".xz"))
	f.Add(flavourDeb(f, ".zst"))
	f.Add(commonDeb(f, ".gz"))
	f.Add(fedoraDevel().Build(f))
	f.Add([]byte(archivetest.ArMagic + archivetest.ArHeader("debian-binary", "4")))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := archivetest.Write(t, filepath.Join(t.TempDir(), "x"), data)
		p, err := Inspect(context.Background(), path)
		if err != nil {
			var own *archive.Error
			if !errors.As(err, &own) || own.Path != path || own.Reason == "" || len(own.Supply) == 0 {
				t.Errorf("error %v", err)
			}
			return
		}
		for _, s := range append(p.Depends, p.Name, p.Version, p.Arch) {
			if s == "" || !archive.Printable(s) || strings.Contains(s, "/") && s == p.Name {
				t.Errorf("it says %q", s)
			}
		}
		if len(p.Digest) != 64 || p.Size != int64(len(data)) {
			t.Errorf("digest %q, size %d of %d", p.Digest, p.Size, len(data))
		}
	})
}

// Whatever an archive holds: an error, or nothing outside of the scratch
// folder, no link that leads out of it, and no more than the limits. The data
// is a whole package, the tar of one or the payload of an archive.RPM, as kind says.
func FuzzOpen(f *testing.F) {
	for _, files := range [][]archivetest.File{
		flavourFiles(), plain(flavourDir), append(plain(flavourDir), configured(flavourDir, tinyRelease)...),
		append(flavourFiles(), archivetest.File{Name: flavourDir + "include/evil", Link: "../../../../../etc"}, archivetest.File{Name: flavourDir + "include/evil/passwd", Text: "x"}),
		append(flavourFiles(), archivetest.File{Name: "x", Header: &tar.Header{Name: flavourDir + "include/x", Typeflag: tar.TypeLink, Linkname: flavourDir + "include/generated/autoconf.h"}}),
	} {
		f.Add(uint8(1), archivetest.Tar(f, files...))
		for i := range files {
			files[i].Header = nil
		}
		f.Add(uint8(2), archivetest.Cpio(archivetest.CpioNew, files))
		f.Add(uint8(2), archivetest.Cpio(archivetest.CpioStripped, files))
	}
	f.Add(uint8(0), flavourDeb(f, ".xz"))
	f.Add(uint8(0), fedoraDevel().Build(f))
	f.Add(uint8(3), archivetest.Tar(f, sourceFiles("./")...))
	limits := archive.Limits{Bytes: 1 << 20, Files: 200, Ratio: 100, PathLength: 200}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		above := t.TempDir()
		scratch := filepath.Join(above, "a", "b", "scratch")
		must(t, os.MkdirAll(scratch, 0o755))
		p := Package{Path: filepath.Join(above, "package"), Format: archive.Deb}
		set := Set{Release: tinyRelease, Headers: []Package{p}}
		switch kind % 4 {
		case 0:
			if bytes.HasPrefix(data, []byte(archivetest.RPMMagic)) {
				set.Headers[0].Format = archive.RPM
			}
		case 1:
			data = archivetest.Ar(t, archivetest.Member{Name: "debian-binary", Data: []byte("2.0\n")},
				archivetest.Member{Name: "control.tar", Data: archivetest.Tar(t, archivetest.File{Name: "./control", Text: archivetest.Control("p", "1", "all", "")})}, archivetest.Member{Name: "data.tar", Data: data})
		case 2:
			set.Headers[0].Format = archive.RPM
			data = fedoraDevel().With(data)
		case 3:
			set.Headers[0].Format = archive.Tar
			set.Source = p.Path
		}
		archivetest.Write(t, p.Path, data)
		opened, err := NewOpener(scratch, limits).Open(context.Background(), set)
		var own *archive.Error
		if err != nil && !errors.As(err, &own) {
			t.Errorf("error %v", err)
		}
		files, size := 0, 0
		for name, text := range archivetest.Below(t, above) {
			if name == "package" {
				continue
			}
			inScratch, ok := strings.CutPrefix(name, "a/b/scratch/")
			if !ok || err != nil {
				t.Errorf("%s is there, error %v", name, err)
				continue
			}
			files, size = files+1, size+len(text)
			if target, link := strings.CutPrefix(text, "-> "); link {
				archivetest.Inside(t, scratch, inScratch, target)
			}
		}
		// Headers and sources are each held to the limits.
		if files > 2*limits.Files || int64(size) > 2*limits.Bytes {
			t.Errorf("%d files of %d bytes", files, size)
		}
		if err == nil {
			must(t, opened.Close())
		}
	})
}
