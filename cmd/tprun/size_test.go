package main

import (
	"debug/elf"
	"os"
	"testing"

	"github.com/tpinfo/tpinfo/fixtures/programs"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// The program is sent to other machines: one static file of at most 8 MB.
func TestSize(t *testing.T) {
	tier.Need(t, tier.Trees) // not for its needs but for its time
	for _, arch := range []string{"amd64", "arm64"} {
		file := programs.Tprun(t, arch)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.1f MB", arch, float64(info.Size())/1e6)
		if info.Size() > 8e6 {
			t.Errorf("%s has %d bytes, more than 8 MB", arch, info.Size())
		}
		f, err := elf.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
			t.Errorf("%s needs %v (%v)", arch, libraries, err)
		}
	}
}
