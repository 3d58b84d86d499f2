package runner

import (
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/programs"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// The tests that run on this machine's kernel, on others, from the oldest
// series that counts to the newest.
func TestOtherKernels(t *testing.T) {
	tier.Need(t, tier.Booted)
	static := programs.Tests(t)
	for _, series := range kernels.Series() {
		t.Run(series, func(t *testing.T) {
			k := kernels.Get(t, kernels.Spec{Series: series}, kernels.Image)
			got := vm.Boot(t, vm.Guest{
				Kernel: k, Memory: 1024, Limit: 3 * time.Minute,
				Files: map[string]vm.File{"/bin/runner.test": {Host: static}},
				// A guest by translation does not make 200,000 calls a second.
				Command: []string{"env", "TPINFO_TIER=3", "CI=true", "runner.test", "-test.v", "-test.skip", "/200,000"},
			})
			if got.Status != 0 || strings.Count(got.Stdout, "--- PASS: TestCounts") != 1 {
				t.Errorf("status %d\n%s\n%s", got.Status, got.Stdout, got.Stderr)
			}
		})
	}
}
