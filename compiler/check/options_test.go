package check_test

import (
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/check/checktest"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

func TestStringSize(t *testing.T) {
	for asked, want := range map[int]int{0: 128, 16: 16, 200: 200, 201: 208, 4096: 4096} {
		p, err := checktest.Check(checktest.New(), `global g probe begin { g = sprint(pid()) . "x" }`, check.Options{StringSize: asked})
		if err != nil {
			t.Fatal(err)
		}
		if p.StringSize != want || p.Globals[0].Size != want {
			t.Errorf("asked for %d: %d, global %d", asked, p.StringSize, p.Globals[0].Size)
		}
	}
	for opt, want := range map[check.Options]string{
		{StringSize: 15}:        "a string size of 15: it is 16 to 4096 bytes",
		{StringSize: 1 << 20}:   "a string size of 1048576: it is 16 to 4096 bytes",
		{MapEntries: -1}:        "-1 map entries: an array has 1 to 268435456 elements",
		{MapEntries: 1<<28 + 1}: "268435457 map entries: an array has 1 to 268435456 elements",
	} {
		if _, err := checktest.Check(checktest.New(), `probe begin { }`, opt); err == nil || err.Error() != want {
			t.Errorf("%+v: %v, want %s", opt, err, want)
		}
	}
	p, err := checktest.Check(checktest.New(), `global a, b[7], c%[9], d% probe begin { a[1]++; b[1]++; c[1]++; d[1]++ }`, check.Options{MapEntries: 50})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{50, 7, 9, 50} {
		if g := p.Globals[i]; g.Max != want || g.Wraps != (i > 1) {
			t.Errorf("%s has %d elements, wraps %v", g.Name, g.Max, g.Wraps)
		}
	}
}

// Kernels are told apart in an object, and extractions of one are not.
func TestIdentity(t *testing.T) {
	p, err := checktest.Check(checktest.New(), `probe begin { print(1) }`, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if k := p.Kernel; k.Release != "6.1.0-tiny" || k.Tree != "" || !k.Extracted.IsZero() || p.Version != ir.Version || p.Name != "t.stp" {
		t.Errorf("%+v", p)
	}
}
