package codegen

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/programs"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// release is this machine's kernel, for which the tests generate code.
func release() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "5.10.0"
	}
	return strings.TrimSpace(string(text))
}

// The tests of this package that run code run it on the kernels of every
// series too.
func TestOnEverySeries(t *testing.T) {
	tier.Need(t, tier.Booted)
	program := programs.Tests(t)
	for _, series := range kernels.Series() {
		t.Run(series, func(t *testing.T) {
			k := kernels.Get(t, kernels.Spec{Series: series}, kernels.Image)
			res := vm.Boot(t, vm.Guest{
				Kernel:  k,
				Files:   map[string]vm.File{"/codegen.test": {Host: program}},
				Command: []string{"sh", "-c", "cd /tmp && TPINFO_TIER=3 CI=true /codegen.test -test.v -rapid.checks=40 -test.skip EverySeries 2>&1"},
				Limit:   4 * time.Minute,
			})
			if res.Status != 0 || !strings.HasSuffix(strings.TrimSpace(res.Stdout), "PASS") {
				t.Errorf("status %d:\n%s", res.Status, res.Stdout)
			}
			t.Logf("%d tests in %v", strings.Count(res.Stdout, "--- PASS"), res.Took.Round(time.Second))
		})
	}
}
