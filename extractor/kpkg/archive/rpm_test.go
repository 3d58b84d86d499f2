package archive_test

import (
	"bytes"
	"context"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/sassoftware/go-rpmutils"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
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

// What a package says does not hold on to the header that it says it in.
func TestRPMHeld(t *testing.T) {
	const size = 48 << 20
	p := archivetest.RPM{
		Name: "kernel-devel", Version: "6.1.99", Release: "300.fc40", Arch: "x86_64", Requires: [][2]string{{"findutils", ""}},
		Tags: []archivetest.Tag{{Tag: 9999, Kind: 7, Count: size, Data: make([]byte, size)}},
	}
	path := archivetest.Write(t, filepath.Join(t.TempDir(), "x.rpm"), p.Build(t))
	p.Tags = nil
	held := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := held()
	r, err := archive.Open(context.Background(), path)
	archivetest.Must(t, err)
	defer r.Close()
	said, err := r.About()
	archivetest.Must(t, err)
	if more := held() - before; more > size/2 {
		t.Errorf("%d bytes are held by %+v", more, said)
	}
	runtime.KeepAlive(said)
}
