package archive_test

import (
	"archive/tar"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

// The folder that the archives of these tests have their files in.
const (
	treeDir = "./usr/src/linux-headers-6.1.0-9-amd64/"
	in      = treeDir + "include/"
)

// treeFiles are what archives hold besides what is tested.
func treeFiles() []archivetest.File {
	return []archivetest.File{{Name: treeDir + "Makefile", Text: "all:\n"}, {Name: in + "generated/autoconf.h", Text: "#define CONFIG_SMP 1\n"}}
}

func control() string { return archivetest.Control("p", "1", "all", "") }

// unpack writes what lies below usr/src in an archive to a scratch folder, and
// gives the files there. It fails the test when anything is outside of it
// afterwards, or a link leads out.
func unpack(t testing.TB, data []byte, format archive.Format, limits archive.Limits) (map[string]string, error) {
	t.Helper()
	above := t.TempDir()
	scratch := filepath.Join(above, "a", "b", "scratch")
	archivetest.Must(t, os.MkdirAll(scratch, 0o755))
	r, err := archive.Open(context.Background(), archivetest.Write(t, filepath.Join(above, "package"), data))
	archivetest.Must(t, err)
	defer r.Close()
	sink, err := archive.NewSink(scratch)
	archivetest.Must(t, err)
	defer sink.Close()
	err = r.Walk(format, limits, func(e *archive.Entry) error {
		if !strings.HasPrefix(e.Name, "usr/src/") {
			return nil
		}
		return sink.Put(e, e.Name)
	})
	for name := range archivetest.Below(t, above) {
		if name != "package" && !strings.HasPrefix(name, "a/b/scratch/") {
			t.Errorf("%s is there (error %v)", name, err)
		}
	}
	files := archivetest.Below(t, scratch)
	for name, text := range files {
		if target, link := strings.CutPrefix(text, "-> "); link {
			archivetest.Inside(t, scratch, name, target)
		}
	}
	return files, err
}

func TestUnpackRefuses(t *testing.T) {
	special := func(name string, kind byte, mode int64) archivetest.File {
		return archivetest.File{Name: name, Header: &tar.Header{Name: name, Typeflag: kind, Mode: mode, Devmajor: 1, Devminor: 3}}
	}
	hard := func(name, target string) archivetest.File {
		return archivetest.File{Name: name, Header: &tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target}}
	}
	deep := strings.Repeat("d/", 70)
	for _, c := range []struct {
		name   string
		files  []archivetest.File
		kind   error
		reason string
	}{
		{"absolute path", []archivetest.File{{Name: "/etc/cron.d/evil", Text: "x"}}, archive.ErrHostile, "absolute path"},
		{"absolute path to what is kept", []archivetest.File{{Name: "/usr/src/linux-headers-6.1.0-9-amd64/include/a.h", Text: "x"}}, archive.ErrHostile, "absolute path"},
		{"upwards", []archivetest.File{{Name: "../../evil", Text: "x"}}, archive.ErrHostile, "leads upwards"},
		{"upwards inside", []archivetest.File{{Name: in + "../../../../../evil", Text: "x"}}, archive.ErrHostile, "leads upwards"},
		{"upwards at the end", []archivetest.File{{Name: in + "..", Text: ""}}, archive.ErrHostile, "leads upwards"},
		{"link out", []archivetest.File{{Name: in + "evil.h", Link: "../../../../../etc/passwd"}}, archive.ErrHostile, "leaves the package"},
		{"link to an absolute path", []archivetest.File{{Name: in + "evil.h", Link: "/etc/passwd"}}, archive.ErrHostile, "absolute path"},
		{"link to nothing", []archivetest.File{{Name: in + "evil.h", Header: &tar.Header{Name: in + "evil.h", Typeflag: tar.TypeSymlink}}}, archive.ErrHostile, "is nothing"},
		{"link that goes down and up", []archivetest.File{{Name: in + "deep", Link: "a/b/c"}, {Name: in + "evil.h", Link: "deep/../../../../../../../etc/passwd"}}, archive.ErrHostile, "goes up after it went down"},
		{"include is a link", []archivetest.File{{Name: treeDir + "include", Link: "/etc"}}, archive.ErrHostile, "absolute path"},
		{"file below a link", []archivetest.File{{Name: in + "way", Link: "../../../../"}, {Name: in + "way/evil", Text: "x"}}, archive.ErrHostile, "a folder where a file or link is"},
		{"folder that is a link", []archivetest.File{{Name: in + "way", Link: "other"}, {Name: in + "way/"}}, archive.ErrHostile, "a folder where a file or link is"},
		{"file through include that is a link", []archivetest.File{{Name: treeDir + "include", Link: "../x"}, {Name: in + "evil.h", Text: "x"}}, archive.ErrHostile, "a folder where a file or link is"},
		{"hard link out", []archivetest.File{hard(in+"evil.h", "../../../../../etc/passwd")}, archive.ErrHostile, "no file before it"},
		{"hard link to an absolute path", []archivetest.File{hard(in+"evil.h", "/etc/passwd")}, archive.ErrHostile, "no file before it"},
		{"hard link to a link", []archivetest.File{{Name: in + "a.h", Link: "b.h"}, hard(in+"evil.h", in+"a.h")}, archive.ErrHostile, "no file before it"},
		{"hard link to a later file", []archivetest.File{hard(in+"evil.h", in+"a.h"), {Name: in + "a.h", Text: "x"}}, archive.ErrHostile, "no file before it"},
		{"device", []archivetest.File{special(in+"null", tar.TypeChar, 0o666)}, archive.ErrHostile, "a device"},
		{"block device elsewhere", []archivetest.File{special("./dev/sda", tar.TypeBlock, 0o666)}, archive.ErrHostile, "a device"},
		{"pipe", []archivetest.File{special(in+"pipe", tar.TypeFifo, 0o666)}, archive.ErrHostile, "a named pipe"},
		{"setuid", []archivetest.File{special("./usr/bin/su", tar.TypeReg, 0o4755)}, archive.ErrHostile, "a file with the mode"},
		{"setgid", []archivetest.File{special(in+"a.h", tar.TypeReg, 0o2755)}, archive.ErrHostile, "a file with the mode"},
		{"twice", []archivetest.File{{Name: in + "a.h", Text: "x"}, {Name: in + "a.h", Text: "y"}}, archive.ErrHostile, "there twice"},
		{"twice in other words", []archivetest.File{{Name: in + "a.h", Text: "x"}, {Name: in + ".//a.h", Text: "y"}}, archive.ErrHostile, "there twice"},
		{"link over a file", []archivetest.File{{Name: in + "a.h", Text: "x"}, {Name: in + "a.h", Link: "b.h"}}, archive.ErrHostile, "there twice"},
		{"file where a folder is", []archivetest.File{{Name: in + "a/b.h", Text: "x"}, {Name: in + "a", Text: "y"}}, archive.ErrHostile, "stands where a folder is"},
		{"folder where a file is", []archivetest.File{{Name: in + "a", Text: "x"}, {Name: in + "a/b.h", Text: "y"}}, archive.ErrHostile, "a folder where a file or link is"},
		{"newline", []archivetest.File{{Name: in + "a\nb.h", Text: "x"}}, archive.ErrHostile, "control character"},
		{"escape sequence", []archivetest.File{{Name: in + "a\x1b[2Jb.h", Text: "x"}}, archive.ErrHostile, "control character"},
		{"long name", []archivetest.File{{Name: in + strings.Repeat("long/", 250) + "a.h", Text: "x"}}, archive.ErrTooLarge, "over the limit of 1024"},
		{"long part of a name", []archivetest.File{{Name: in + strings.Repeat("l", 300), Text: "x"}}, archive.ErrTooLarge, "over the limit of 255"},
		{"deep", []archivetest.File{{Name: in + deep + "a.h", Text: "x"}}, archive.ErrTooLarge, "folders deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := archivetest.Deb(t, control(), ".gz", append(c.files, archivetest.File{Name: "./usr/share/doc/p", Text: "p"})...)
			_, err := unpack(t, data, archive.Deb, archive.Limits{})
			archivetest.WantError(t, err, c.kind, c.reason)
		})
	}
}
