package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// The tests that run on this machine's kernel, on others, from the oldest
// series that counts to the newest.
func TestOtherKernels(t *testing.T) {
	tier.Need(t, tier.Booted)
	static := filepath.Join(t.TempDir(), "runner.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", static, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, series := range []string{"5.10", "6.1", "6.12", "7"} {
		t.Run(series, func(t *testing.T) {
			k, err := kernels.Fetch(t.Context(), kernels.Spec{Series: series}, kernels.Image)
			if err != nil {
				tier.Skip(t, "%v", err)
			}
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
