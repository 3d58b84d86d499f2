package archive_test

import (
	"bytes"
	"testing"

	"github.com/sassoftware/go-rpmutils"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

// Our packages are read by go-rpmutils as they were meant.
func TestRPMOracle(t *testing.T) {
	p := archivetest.RPM{
		Name: "kernel-devel", Version: "6.1.99", Release: "300.fc40", Arch: "x86_64",
		Requires: [][2]string{{"findutils", ""}}, Files: treeFiles(), Packing: ".zst",
	}
	theirs, err := rpmutils.ReadRpm(bytes.NewReader(p.Build(t)))
	archivetest.Must(t, err)
	nevra, err := theirs.Header.GetNEVRA()
	archivetest.Must(t, err)
	if nevra.String() != "kernel-devel-0:6.1.99-300.fc40.x86_64.rpm" {
		t.Errorf("they read %v", nevra)
	}
}
