package archive_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

// rawTar is a tar of one header that archive/tar would not write, and text
// behind it.
func rawTar(t testing.TB, name string, kind byte, size int64, text string, change func(block []byte)) []byte {
	t.Helper()
	data := archivetest.Tar(t, archivetest.File{Header: &tar.Header{Name: name, Mode: 0o644, Typeflag: tar.TypeReg}})[:512]
	data[156] = kind
	copy(data[124:136], fmt.Sprintf("%011o\x00", size))
	if change != nil {
		change(data)
	}
	copy(data[148:156], "        ")
	sum := 0
	for _, b := range data {
		sum += int(b)
	}
	copy(data[148:156], fmt.Sprintf("%06o\x00 ", sum))
	data = append(data, text...)
	for len(data)%512 != 0 {
		data = append(data, 0)
	}
	return append(data, make([]byte, 1024)...)
}

func TestWalkRefusesTar(t *testing.T) {
	const name = in + "a.h"
	sparse := func(block []byte) {
		copy(block[257:265], "ustar  \x00") // GNU's own
		copy(block[386:398], "00000000000\x00")
		copy(block[398:410], "00000000004\x00")
		copy(block[483:495], fmt.Sprintf("%011o\x00", int64(8)<<30))
	}
	var pax bytes.Buffer
	for _, record := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=" + name, "GNU.sparse.realsize=4"} {
		n := len(record) + 4
		fmt.Fprintf(&pax, "%d %s\n", n, record)
	}
	for _, c := range []struct {
		name   string
		tar    []byte
		kind   error
		reason string
	}{
		{"unknown type", rawTar(t, name, 'Z', 0, "", nil), archive.ErrHostile, "of tar's type 'Z'"},
		{"sparse of old", rawTar(t, name, tar.TypeGNUSparse, 4, "text", sparse), archive.ErrHostile, "of tar's type 'S'"},
		{"sparse of pax", append(rawTar(t, "./PaxHeaders/a", 'x', int64(pax.Len()), pax.String(), nil)[:1024], rawTar(t, name, '0', 1024, "1\n0\n4\n"+strings.Repeat("\x00", 505)+"text", nil)...), archive.ErrHostile, "sparse file"},
		{"size of eight gigabytes", rawTar(t, name, '0', 8<<30-1, "x", nil), archive.ErrTooLarge, "over the"},
		{"name with a zero", rawTar(t, name, '0', 0, "", func(b []byte) { copy(b, strings.Repeat("x", 100)); copy(b[345:], "/etc\x00/x") }), archive.ErrHostile, "absolute path"},
		{"checksum", bytes.Replace(rawTar(t, name, '0', 0, "", nil), []byte("a.h"), []byte("b.h"), 1), archive.ErrDamaged, "invalid tar header"},
		{"zeros", make([]byte, 4096), archive.ErrDamaged, "it is empty"},
		{"noise", []byte(strings.Repeat("noise", 400)), archive.ErrDamaged, "invalid tar header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := archivetest.Ar(t, archivetest.Member{Name: "debian-binary", Data: []byte("2.0\n")},
				archivetest.Member{Name: "control.tar", Data: archivetest.Tar(t, archivetest.File{Name: "./control", Text: control()})}, archivetest.Member{Name: "data.tar", Data: c.tar})
			_, err := unpack(t, data, archive.Deb, archive.Limits{})
			archivetest.WantError(t, err, c.kind, c.reason)
		})
	}
}
