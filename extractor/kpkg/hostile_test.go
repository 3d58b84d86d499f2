package kpkg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

// openBytes opens a package of the tiny release from a folder of its own. It
// fails the test when anything is outside of the scratch folder afterwards, or
// in it.
func openBytes(t testing.TB, data []byte, format archive.Format, limits archive.Limits) error {
	t.Helper()
	above := t.TempDir()
	scratch := filepath.Join(above, "a", "b", "scratch")
	must(t, os.MkdirAll(scratch, 0o755))
	p := Package{Path: archivetest.Write(t, filepath.Join(above, "package"), data), Format: format, Name: "p"}
	opened, err := NewOpener(scratch, limits).Open(context.Background(), Set{Release: tinyRelease, Headers: []Package{p}})
	if err == nil {
		for name, text := range archivetest.Below(t, scratch) {
			if target, link := strings.CutPrefix(text, "-> "); link {
				archivetest.Inside(t, scratch, name, target)
			}
		}
		must(t, opened.Close())
	}
	for name := range archivetest.Below(t, above) {
		if name != "package" {
			t.Errorf("%s was left (error %v)", name, err)
		}
	}
	return err
}

// Of a package that is sound, it is said what it lacks.
func TestOpenIncomplete(t *testing.T) {
	for _, c := range []struct {
		name   string
		files  []archivetest.File
		reason string
	}{
		{"empty", nil, "no kernel headers"},
		{"only a program", []archivetest.File{{Name: "./usr/bin/x", Text: "x"}}, "no kernel headers"},
		{"an archive for a header", []archivetest.File{{Name: "./control.tar.gz"}}, "no kernel headers"},
		{"without a configuration", plain(flavourDir), "no configured build tree"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := archivetest.Deb(t, archivetest.Control("p", "1", "amd64", ""), ".gz", append(c.files, archivetest.File{Name: "./usr/share/doc/p", Text: "p"})...)
			archivetest.WantError(t, openBytes(t, data, archive.Deb, archive.Limits{}), ErrIncomplete, c.reason)
		})
	}
}

// What is refused in an archive is refused by who opens it as a set, and
// nothing of it stays, whether it lies among what is kept or not.
func TestOpenRefuses(t *testing.T) {
	const in = flavourDir + "include/"
	for _, c := range []struct {
		name   string
		file   archivetest.File
		limits archive.Limits
		kind   error
		reason string
	}{
		{"link out", archivetest.File{Name: in + "evil.h", Link: "../../../../../etc/passwd"}, archive.Limits{}, archive.ErrHostile, "leaves the package"},
		{"include is a link", archivetest.File{Name: flavourDir + "include", Link: "/etc"}, archive.Limits{}, archive.ErrHostile, "stands where a folder is"},
		{"twice", archivetest.File{Name: in + "generated/.//autoconf.h", Text: "x"}, archive.Limits{}, archive.ErrHostile, "there twice"},
		{"upwards where nothing is kept", archivetest.File{Name: "./usr/share/../../../x"}, archive.Limits{}, archive.ErrHostile, "leads upwards"},
		{"bytes where nothing is kept", archivetest.File{Name: "./usr/share/x", Text: strings.Repeat("x", 1<<20)}, archive.Limits{Bytes: 1 << 20}, archive.ErrTooLarge, "unpacks to more than 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := archivetest.Deb(t, archivetest.Control("p", "1", "amd64", ""), ".gz", append(flavourFiles(), c.file)...)
			archivetest.WantError(t, openBytes(t, data, archive.Deb, c.limits), c.kind, c.reason)
		})
	}
}

// Of thousands of trees, each would be looked for among all files.
func TestOpenRefusesTrees(t *testing.T) {
	files := flavourFiles()
	for i := range maxTrees {
		files = append(files, archivetest.File{Name: fmt.Sprintf("./usr/src/linux-headers-%d/include/a.h", i)})
	}
	data := archivetest.Deb(t, archivetest.Control("p", "1", "amd64", ""), ".gz", files...)
	archivetest.WantError(t, openBytes(t, data, archive.Deb, archive.Limits{}), archive.ErrTooLarge, "more than 64 kernel trees")
}

// Two packages that other kernels share do not add to one another.
func TestOpenRefusesNested(t *testing.T) {
	pack := func(name string, files ...archivetest.File) Package {
		data := archivetest.Deb(t, archivetest.Control(name, "1", "all", ""), ".gz", files...)
		path := archivetest.Write(t, filepath.Join(t.TempDir(), name+".deb"), data)
		p, err := Inspect(context.Background(), path)
		must(t, err)
		return p
	}
	own := pack("own", flavourFiles()...)
	common := pack("common", archivetest.File{Name: "./usr/src/linux-6-obj/include/a.h", Text: "a"})
	for name, c := range map[string]struct{ file, reason string }{
		"below": {"./usr/src/linux-6-obj/include/linux/include/b.h", "lies in a folder of another package"},
		"same":  {"./usr/src/linux-6-obj/include/b.h", "another package has the same folder"},
	} {
		nested := pack(name, archivetest.File{Name: c.file, Text: "more"})
		scratch := t.TempDir()
		_, err := NewOpener(scratch, archive.Limits{}).Open(context.Background(), Set{Headers: []Package{own, common, nested}})
		archivetest.WantError(t, err, archive.ErrHostile, c.reason)
		if left := archivetest.Below(t, scratch); len(left) > 0 {
			t.Errorf("left %v", left)
		}
	}
}

// What the machine does wrong is not the package's fault.
func TestMachineFails(t *testing.T) {
	dir := t.TempDir()
	p := Package{Path: archivetest.Write(t, filepath.Join(dir, "a.deb"), flavourDeb(t, ".gz")), Format: archive.Deb}
	_, err := NewOpener(filepath.Join(dir, "none"), archive.Limits{}).Open(context.Background(), Set{Headers: []Package{p}})
	var own *archive.Error
	if !errors.Is(err, os.ErrNotExist) || errors.As(err, &own) {
		t.Errorf("a scratch folder that is not there gave %v", err)
	}
	p.Path = filepath.Join(dir, "gone.deb")
	_, err = NewOpener(dir, archive.Limits{}).Open(context.Background(), Set{Headers: []Package{p}})
	if !errors.Is(err, os.ErrNotExist) || errors.As(err, &own) {
		t.Errorf("a package that is not there gave %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Inspect(ctx, filepath.Join(dir, "a.deb")); !errors.Is(err, context.Canceled) || errors.As(err, &own) {
		t.Errorf("a cancelled inspection gave %v", err)
	}
}
