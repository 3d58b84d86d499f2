package extractor

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// bpftool reads the booted kernel's BTF without any code of ours: every struct
// and union that the headers declare too has the same size, and the same
// members at the same bits.
func TestAgainstBpftool(t *testing.T) {
	tier.Need(t, tier.Booted)
	bpftool, err := exec.LookPath("bpftool")
	if err != nil {
		// Debian has it where only administrators look.
		if bpftool, err = exec.LookPath("/usr/sbin/bpftool"); err != nil {
			tier.NeedTool(t, "bpftool", "bpftool")
		}
	}
	eachSeries(t, func(t *testing.T, series string) {
		snap, k := extractSeries(t, series, "gcc", false)
		out, err := exec.Command(bpftool, "-j", "btf", "dump", "file", filepath.Join(vm.Formats(t, k), "btf", "vmlinux")).Output()
		if err != nil {
			t.Fatal(err)
		}
		var dump struct {
			Types []struct {
				Kind, Name string
				Size       int
				Members    []struct {
					Name         string
					BitsOffset   int `json:"bits_offset"`
					BitfieldSize int `json:"bitfield_size"`
				}
			}
		}
		if err := json.Unmarshal(out, &dump); err != nil {
			t.Fatal(err)
		}
		type aggregate = struct {
			size    int
			members []string
			bits    []int
		}
		known := map[string][]aggregate{}
		for _, typ := range dump.Types {
			if typ.Kind != "STRUCT" && typ.Kind != "UNION" {
				continue
			}
			a := aggregate{size: typ.Size}
			for _, m := range typ.Members {
				a.members = append(a.members, fmt.Sprintf("%s at bit %d", strings.Replace(m.Name, "(anon)", "", 1), m.BitsOffset))
				a.bits = append(a.bits, m.BitfieldSize)
			}
			name := strings.ToLower(typ.Kind) + " " + typ.Name
			known[name] = append(known[name], a)
		}
		equal := func(typ *tpinfo.Type, a aggregate) bool {
			if int(typ.Size) != a.size {
				return false
			}
			if typ.Kind == tpinfo.KindUnion && len(a.members) == 0 {
				// gcc writes no members for a transparent union, and so BTF
				// has none.
				return true
			}
			if len(typ.Members) != len(a.members) {
				return false
			}
			for i, m := range typ.Members {
				// A bitfield as wide as its type is told as a plain member.
				plain := m.BitSize == 0 && a.bits[i] == 8*int(m.Size)
				if fmt.Sprintf("%s at bit %d", m.Name, int(m.Offset)*8+m.BitOffset) != a.members[i] || m.BitSize != a.bits[i] && !plain {
					return false
				}
			}
			return true
		}
		compared := 0
		for i := range snap.Types {
			typ := &snap.Types[i]
			theirs := known[typ.Name]
			if len(theirs) == 0 || typ.Kind != tpinfo.KindStruct && typ.Kind != tpinfo.KindUnion {
				continue
			}
			compared++
			if !slices.ContainsFunc(theirs, func(a aggregate) bool { return equal(typ, a) }) {
				t.Errorf("%s\n  bpftool: %+v\n  tpinfo:  %+v", typ.Name, theirs, typ)
			}
		}
		t.Logf("%s: %d structs and unions compared", k.Release, compared)
		if compared < 2000 {
			t.Errorf("only %d compared", compared)
		}
	})
}
