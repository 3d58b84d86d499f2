package extractor

import (
	"context"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/btf"
	"github.com/tpinfo/tpinfo/extractor/tracefs"
	"github.com/tpinfo/tpinfo/extractor/verify"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// agree fails the test for every difference that is not explained.
func agree(t *testing.T, what string, r *verify.Report, least int) {
	t.Helper()
	t.Logf("%s: %d compared, %d agree", what, r.Compared, r.Agreed)
	if r.Compared < least {
		t.Errorf("%s: only %d compared", what, r.Compared)
	}
	for _, d := range r.Disagreements {
		if d.Explained == "" {
			t.Errorf("%s: %s", what, d)
		}
	}
}

// A kernel for real time has a struct trace_entry and locks of its own.
func TestRealTime(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	k := kernels.Get(t, kernels.Spec{Series: "6.1", Flavour: "rt-amd64"}, kernels.Headers, kernels.Image)
	snap, err := Extract(context.Background(), Request{Tree: k.Build, CC: "gcc"})
	if err != nil {
		t.Fatal(err)
	}
	againstImage(t, snap, k)
	againstFormats(t, snap, k, 500)
}

func againstFormats(t *testing.T, snap *tpinfo.Snapshot, k kernels.Kernel, least int) {
	t.Helper()
	formats, _, err := tracefs.Read(context.Background(), vm.Formats(t, k))
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "records, format files", verify.Records(snap.Events, formats, verify.Limits{}), least)
}

func againstImage(t *testing.T, snap *tpinfo.Snapshot, k kernels.Kernel) {
	t.Helper()
	spec, err := btf.Load(context.Background(), k.Image)
	if err != nil {
		t.Fatal(err)
	}
	if spec.Release() != k.Release {
		t.Errorf("the image is of %q, want %s", spec.Release(), k.Release)
	}
	oracle, err := spec.Tracepoints()
	if err != nil {
		t.Fatal(err)
	}
	types, err := spec.Types()
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "arguments", verify.Events(snap.Events, oracle.Events, spec.Limits()), 500)
	agree(t, "records", verify.Records(snap.Events, oracle.RecordsOf(snap.Events), spec.Limits()), 500)
	agree(t, "types", verify.Types(snap.Types, types, spec.Limits()), 4000)
}

// A kernel of another architecture, by gcc's cross compiler and by clang.
func TestArm64(t *testing.T) {
	k := kernels.Get(t, kernels.Spec{Series: "7", Flavour: "arm64"}, kernels.Headers, kernels.Image)
	tier.NeedTool(t, "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu")
	tier.NeedTool(t, "clang", "clang")
	ids := map[string]bool{}
	for _, compiler := range []string{"gcc", "clang"} {
		snap, err := Extract(context.Background(), Request{Tree: k.Build, CC: compiler})
		if err != nil {
			t.Fatalf("%s: %v", compiler, err)
		}
		ids[snap.Kernel.ID] = true
		if snap.Kernel.Arch != "arm64" || snap.Kernel.WordSize != 8 || snap.Kernel.ByteOrder != tpinfo.LittleEndian {
			t.Errorf("%s: %+v", compiler, snap.Kernel)
		}
		t.Logf("%s: %d events, %d types", compiler, len(snap.Events), len(snap.Types))
		againstImage(t, snap, k)
		againstFormats(t, snap, k, 500)
	}
	if len(ids) != 1 {
		t.Errorf("gcc and clang give one kernel %d ids", len(ids))
	}
}

// Architectures that nothing here runs: by what their images say, they are
// right as well. clang 14 does not know powerpc's constraints for what gcc's
// configuration has.
func TestOtherArchitectures(t *testing.T) {
	for _, c := range []struct {
		flavour, arch string
		order         tpinfo.ByteOrder
		compilers     []string
	}{
		{"powerpc64le", "powerpc", tpinfo.LittleEndian, []string{"gcc"}},
		{"riscv64", "riscv", tpinfo.LittleEndian, []string{"gcc", "clang"}},
		{"s390x", "s390", tpinfo.BigEndian, []string{"gcc", "clang"}},
	} {
		t.Run(c.arch, func(t *testing.T) {
			k := kernels.Get(t, kernels.Spec{Series: "6.12", Flavour: c.flavour}, kernels.Headers, kernels.Image)
			for _, compiler := range c.compilers {
				snap, err := Extract(context.Background(), Request{Tree: k.Build, CC: compiler})
				if err != nil {
					t.Fatalf("%s: %v", compiler, err)
				}
				if snap.Kernel.Arch != c.arch || snap.Kernel.WordSize != 8 || snap.Kernel.ByteOrder != c.order {
					t.Errorf("%s: %+v", compiler, snap.Kernel)
				}
				againstImage(t, snap, k)
			}
		})
	}
}

// By their format files: kernels of 32 bits, of which Debian's have no BTF, one
// in big-endian order, and RISC-V.
func TestOtherFormats(t *testing.T) {
	for _, c := range []struct {
		series, flavour, arch string
		word, least           int
	}{
		{"6.1", "686-pae", "x86", 4, 500}, {"6.1", "armmp", "arm", 4, 450},
		{"6.12", "s390x", "s390", 8, 500}, {"6.12", "riscv64", "riscv", 8, 500},
	} {
		t.Run(c.arch, func(t *testing.T) {
			k := kernels.Get(t, kernels.Spec{Series: c.series, Flavour: c.flavour}, kernels.Headers, kernels.Image)
			snap, err := Extract(context.Background(), Request{Tree: k.Build, CC: "gcc"})
			if err != nil {
				t.Fatal(err)
			}
			if snap.Kernel.Arch != c.arch || snap.Kernel.WordSize != c.word {
				t.Errorf("%+v", snap.Kernel)
			}
			againstFormats(t, snap, k, c.least)
		})
	}
}
