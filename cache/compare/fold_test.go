package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo"
)

// Kernels of a line each "release value"; the ranges as people see them, with
// the number of the range before.
func TestFold(t *testing.T) {
	for name, test := range map[string]struct{ kernels, want []string }{
		"one":           {[]string{"6.1.0-1-amd64 0"}, []string{"6.1.0-1 amd64: 0"}},
		"all the same":  {[]string{"6.12.1-amd64 0", "5.10.0-9-amd64 0", "5.10.0-46-rt-amd64 0"}, []string{"5.10.0-9 to 6.12.1 amd64 rt-amd64: 0"}},
		"point release": {[]string{"5.10.0-9-amd64 0", "5.10.0-46-amd64 1", "5.10.0-10-amd64 0"}, []string{"5.10.0-9 to 5.10.0-10 amd64: 0", "5.10.0-46 amd64: 1 after 0"}},
		"flavours together": {
			[]string{"5.10.0-9-amd64 0", "5.10.0-9-arm64 0", "5.10.0-46-amd64 1", "5.10.0-40-arm64 1"},
			[]string{"5.10.0-9 amd64 arm64: 0", "5.10.0-40 to 5.10.0-46 amd64 arm64: 1 after 0"},
		},
		"a flavour apart": {
			[]string{"5.10.0-9-amd64 0", "5.10.0-9-rt-amd64 1", "6.1.0-1-amd64 2", "6.1.0-1-rt-amd64 3"},
			[]string{"5.10.0-9 amd64: 0", "5.10.0-9 rt-amd64: 1 beside 0", "6.1.0-1 amd64: 2 after 0", "6.1.0-1 rt-amd64: 3 after 1"},
		},
		"a flavour that joins": {
			[]string{"5.10.0-9-amd64 0", "5.10.0-9-rt-amd64 1", "6.1.0-1-amd64 0", "6.1.0-1-rt-amd64 0"},
			[]string{"5.10.0-9 amd64: 0", "5.10.0-9 rt-amd64: 1 beside 0", "6.1.0-1 amd64 rt-amd64: 0 after 0"},
		},
		"a flavour that is new": {
			[]string{"5.10.0-9-amd64 0", "6.1.0-1-amd64 0", "6.1.0-1-arm64 0"},
			[]string{"5.10.0-9 to 6.1.0-1 amd64 arm64: 0"},
		},
		"there and back": {[]string{"6.1.1 0", "6.1.2 1", "6.1.3 0"}, []string{"6.1.1 x86: 0", "6.1.2 x86: 1 after 0", "6.1.3 x86: 0 after 1"}},
		"changed at other releases": {
			[]string{"6.1.1-amd64 0", "6.1.2-amd64 1", "6.1.3-amd64 1", "6.1.1-arm64 0", "6.1.2-arm64 0", "6.1.3-arm64 1"},
			[]string{"6.1.1 amd64: 0", "6.1.2 to 6.1.3 amd64: 1 after 0", "6.1.1 to 6.1.2 arm64: 0 beside 1", "6.1.3 arm64: 1 after 2"},
		},
		"none": {nil, nil},
	} {
		var kernels []tpinfo.Kernel
		var values []int
		for _, k := range test.kernels {
			release, value, _ := strings.Cut(k, " ")
			kernels = append(kernels, tpinfo.Kernel{Release: release, Arch: "x86"})
			values = append(values, int(value[0]-'0'))
		}
		var got []string
		for _, r := range Fold(kernels, values) {
			releases, flavours := r.Name(kernels)
			s := fmt.Sprintf("%s %s: %d", releases, flavours, r.Value)
			switch {
			case r.Beside:
				s += fmt.Sprintf(" beside %d", r.Before)
			case r.Before >= 0:
				s += fmt.Sprintf(" after %d", r.Before)
			}
			got = append(got, s)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// Every kernel is in one range, with its own value, and ranges come before
// those that refer to them.
func TestFoldKeepsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var kernels []tpinfo.Kernel
		var values []int
		for range rapid.IntRange(0, 30).Draw(t, "kernels") {
			release := fmt.Sprintf("%d.%d.%d", rapid.IntRange(5, 6).Draw(t, "major"), rapid.IntRange(1, 2).Draw(t, "minor"), rapid.IntRange(0, 5).Draw(t, "point"))
			release += rapid.SampledFrom([]string{"", "-amd64", "-rt-amd64", "-arm64"}).Draw(t, "flavour")
			kernels = append(kernels, tpinfo.Kernel{Release: release, Arch: rapid.SampledFrom([]string{"x86", "arm64"}).Draw(t, "arch")})
			values = append(values, rapid.IntRange(0, 2).Draw(t, "value"))
		}
		seen := make([]int, len(kernels))
		for n, r := range Fold(kernels, values) {
			if r.Before >= n || r.Beside && r.Before < 0 {
				t.Fatalf("range %d is behind range %d", n, r.Before)
			}
			for j, i := range r.Kernels {
				seen[i]++
				if values[i] != r.Value {
					t.Fatalf("%s has %d and is in a range of %d", kernels[i].Release, values[i], r.Value)
				}
				if j > 0 && tpinfo.CompareReleases(tpinfo.ParseRelease(kernels[r.Kernels[j-1]].Release).Version, tpinfo.ParseRelease(kernels[i].Release).Version) > 0 {
					t.Fatalf("%s stands behind %s", kernels[i].Release, kernels[r.Kernels[j-1]].Release)
				}
			}
		}
		for i, n := range seen {
			if n != 1 {
				t.Fatalf("%s is in %d ranges", kernels[i].Release, n)
			}
		}
	})
}

func TestHistory(t *testing.T) {
	old := tracepoint("block:rq", nil, pointer("q", "struct request_queue *", 0), pointer("rq", "struct request *", 1))
	late := tracepoint("block:rq", nil, pointer("rq", "struct request *", 0))
	fromImage := late
	fromImage.System, fromImage.Header, fromImage.Class, fromImage.Source = "", "", "", tpinfo.FromBTF
	at := func(release string, source tpinfo.Source, e *tpinfo.Tracepoint) Occurrence {
		return Occurrence{Kernel: tpinfo.Kernel{Release: release, Arch: "x86", Source: source}, Event: e}
	}
	list, layouts := History([]Occurrence{
		at("4.19.1", tpinfo.FromDWARF, nil), at("5.10.1", tpinfo.FromDWARF, &old), at("5.10.200", tpinfo.FromDWARF, &late),
		at("6.1.1", tpinfo.FromBTF, &fromImage), at("6.2.1", tpinfo.FromBTF, nil), at("6.3.1", tpinfo.FromDWARF, nil),
	})
	if layouts != 2 {
		t.Errorf("%d layouts, want 2", layouts)
	}
	var got []string
	for _, s := range list {
		got = append(got, fmt.Sprintf("%d kernels, event %v, why %q, %s", len(s.Kernels), s.Event != nil, s.Why, strings.Join(Lines(s.Changes), "; ")))
	}
	want := []string{
		`1 kernels, event false, why "", `,
		`1 kernels, event true, why "", `,
		`2 kernels, event true, why "", argument q removed (struct request_queue *, 1st); argument rq moved from 2nd to 1st`,
		`1 kernels, event false, why "is known from BTF, which has what the image and its modules at hand were built with", `,
		`1 kernels, event false, why "", `,
	}
	if !slices.Equal(got, want) {
		t.Errorf("it is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
