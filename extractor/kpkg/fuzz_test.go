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
)

// Whatever the bytes are: an error of a package's, or what it says is fit to
// be printed and used as part of a name.
func FuzzInspect(f *testing.F) {
	f.Add(flavourDeb(f, ""))
	f.Add(flavourDeb(f, ".xz"))
	f.Add(flavourDeb(f, ".zst"))
	f.Add(commonDeb(f, ".gz"))
	f.Add(fedoraDevel().build(f))
	f.Add([]byte(arMagic + arHeader("debian-binary", "4")))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := write(t, filepath.Join(t.TempDir(), "x"), data)
		p, err := Inspect(context.Background(), path)
		if err != nil {
			var own *Error
			if !errors.As(err, &own) || own.Path != path || own.Reason == "" || len(own.Supply) == 0 {
				t.Errorf("error %v", err)
			}
			return
		}
		for _, s := range append(p.Depends, p.Name, p.Version, p.Arch) {
			if s == "" || !printable(s) || strings.Contains(s, "/") && s == p.Name {
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
// is a whole package, the tar of one or the payload of an RPM, as kind says.
func FuzzOpen(f *testing.F) {
	for _, files := range [][]file{
		flavourFiles(), plain(flavourDir), append(plain(flavourDir), configured(flavourDir, tinyRelease)...),
		append(flavourFiles(), file{name: flavourDir + "include/evil", link: "../../../../../etc"}, file{name: flavourDir + "include/evil/passwd", text: "x"}),
		append(flavourFiles(), file{name: "x", header: &tar.Header{Name: flavourDir + "include/x", Typeflag: tar.TypeLink, Linkname: flavourDir + "include/generated/autoconf.h"}}),
	} {
		f.Add(uint8(1), tarOf(f, files...))
		for i := range files {
			files[i].header = nil
		}
		f.Add(uint8(2), cpioOf(cpioNew, files))
		f.Add(uint8(2), cpioOf(cpioStripped, files))
	}
	f.Add(uint8(0), flavourDeb(f, ".xz"))
	f.Add(uint8(0), fedoraDevel().build(f))
	f.Add(uint8(3), tarOf(f, sourceFiles("./")...))
	limits := Limits{Bytes: 1 << 20, Files: 200, Ratio: 100, PathLength: 200}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		above := t.TempDir()
		scratch := filepath.Join(above, "a", "b", "scratch")
		must(t, os.MkdirAll(scratch, 0o755))
		p := Package{Path: filepath.Join(above, "package"), Format: Deb}
		set := Set{Release: tinyRelease, Headers: []Package{p}}
		switch kind % 4 {
		case 0:
			if bytes.HasPrefix(data, []byte(rpmMagic)) {
				set.Headers[0].Format = RPM
			}
		case 1:
			data = arOf(t, member{"debian-binary", []byte("2.0\n")},
				member{"control.tar", tarOf(t, file{name: "./control", text: control("p", "1", "all", "")})}, member{"data.tar", data})
		case 2:
			set.Headers[0].Format = RPM
			data = fedoraDevel().with(data)
		case 3:
			set.Headers[0].Format = Tar
			set.Source = p.Path
		}
		write(t, p.Path, data)
		opened, err := NewOpener(scratch, limits).Open(context.Background(), set)
		var own *Error
		if err != nil && !errors.As(err, &own) {
			t.Errorf("error %v", err)
		}
		files, size := 0, 0
		for name, text := range filesBelow(t, above) {
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
				inside(t, scratch, inScratch, target)
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
