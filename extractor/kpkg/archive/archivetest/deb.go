package archivetest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/blakesmith/ar"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// File is an entry of an archive: a file, a link, a folder when its name ends
// in a slash, or what a tar header says.
type File struct {
	Name   string
	Text   string
	Link   string // target of a symbolic link
	Header *tar.Header
}

// Tar writes a tar; folders are made where dpkg-deb would have them.
func Tar(t testing.TB, files ...File) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	made := map[string]bool{}
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Mode: 0o644, Size: int64(len(f.Text)), Typeflag: tar.TypeReg}
		switch {
		case f.Header != nil:
			h = f.Header
		case f.Link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
		case strings.HasSuffix(f.Name, "/"):
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if dir := filepath.Dir(f.Name); strings.HasPrefix(f.Name, "./") && dir != "." && !made[dir] {
			made[dir] = true
			Must(t, w.WriteHeader(&tar.Header{Name: dir + "/", Mode: 0o755, Typeflag: tar.TypeDir}))
		}
		Must(t, w.WriteHeader(h))
		_, err := io.WriteString(w, f.Text)
		Must(t, err)
	}
	Must(t, w.Close())
	return b.Bytes()
}

// Pack compresses with what a name ends in.
func Pack(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch filepath.Ext(name) {
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".xz":
		w, err = xz.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	default:
		return data
	}
	Must(t, err)
	_, err = w.Write(data)
	Must(t, err)
	Must(t, w.Close())
	return b.Bytes()
}

// Member is one of an ar archive.
type Member struct {
	Name string
	Data []byte
}

// Ar writes an ar archive.
func Ar(t testing.TB, members ...Member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := ar.NewWriter(&b)
	Must(t, w.WriteGlobalHeader())
	for _, m := range members {
		Must(t, w.WriteHeader(&ar.Header{Name: m.Name, Mode: 0o100644, Size: int64(len(m.Data))}))
		_, err := w.Write(m.Data)
		Must(t, err)
	}
	return b.Bytes()
}

// ArHeader is the header of a member of any size that is a text, and a text of
// four bytes behind it.
func ArHeader(name, size string) string {
	pad := func(s string, n int) string { return s + strings.Repeat(" ", n-len(s)) }
	return pad(name, 16) + pad("0", 12) + pad("0", 6) + pad("0", 6) + pad("100644", 8) + pad(size, 10) + "`\n" + "2.0\n"
}

// Deb makes a .deb whose members are packed as packing says (".xz").
func Deb(t testing.TB, control, packing string, files ...File) []byte {
	t.Helper()
	return Ar(t,
		Member{Name: "debian-binary", Data: []byte("2.0\n")},
		Member{Name: "control.tar" + packing, Data: Pack(t, packing, Tar(t, File{Name: "./control", Text: control}))},
		Member{Name: "data.tar" + packing, Data: Pack(t, packing, Tar(t, files...))})
}

// Control makes a control file.
func Control(name, version, arch, depends string) string {
	text := fmt.Sprintf("Package: %s\nSource: linux\nVersion: %s\nArchitecture: %s\n", name, version, arch)
	if depends != "" {
		text += "Depends: " + depends + "\n"
	}
	return text + "Description: a package of a test\n that is described on\n two lines\n"
}
