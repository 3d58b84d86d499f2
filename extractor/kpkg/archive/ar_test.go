package archive_test

import (
	"bytes"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

// A second control.tar, or a data.tar before it, is not what dpkg reads.
func TestWalkRefusesMembers(t *testing.T) {
	version := archivetest.Member{Name: "debian-binary", Data: []byte("2.0\n")}
	ctrl := archivetest.Member{Name: "control.tar.gz", Data: archivetest.Pack(t, ".gz", archivetest.Tar(t, archivetest.File{Name: "./control", Text: control()}))}
	data := archivetest.Member{Name: "data.tar.gz", Data: archivetest.Pack(t, ".gz", archivetest.Tar(t, treeFiles()...))}
	for _, c := range []struct {
		name    string
		members []archivetest.Member
		kind    error
		reason  string
	}{
		{"nested", []archivetest.Member{version, ctrl, {Name: "inner.deb", Data: nil}, data}, archive.ErrHostile, "stands where data.tar must be"},
		{"two controls", []archivetest.Member{version, ctrl, ctrl, data}, archive.ErrHostile, "stands where data.tar must be"},
		{"no data", []archivetest.Member{version, ctrl}, archive.ErrDamaged, "no data.tar"},
		{"data that is not packed as named", []archivetest.Member{version, ctrl, {Name: "data.tar.xz", Data: []byte("not xz")}}, archive.ErrDamaged, "ends too early"},
		{"xz with a broken check", []archivetest.Member{version, ctrl, {Name: "data.tar.xz", Data: breakAt(archivetest.Pack(t, ".xz", archivetest.Tar(t, treeFiles()...)), -30)}}, archive.ErrDamaged, ""},
		{"gzip with a broken check", []archivetest.Member{version, ctrl, {Name: "data.tar.gz", Data: breakAt(data.Data, -6)}}, archive.ErrDamaged, "checksum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := unpack(t, archivetest.Ar(t, c.members...), archive.Deb, archive.Limits{})
			archivetest.WantError(t, err, c.kind, c.reason)
		})
	}
	// Members of later versions stand between.
	good := archivetest.Ar(t, version, archivetest.Member{Name: "_gpgorigin", Data: []byte("signature")}, ctrl, archivetest.Member{Name: "_x", Data: nil}, data)
	_, err := unpack(t, good, archive.Deb, archive.Limits{})
	archivetest.Must(t, err)
}

func breakAt(data []byte, i int) []byte {
	data = bytes.Clone(data)
	data[len(data)+i] ^= 0x55
	return data
}
