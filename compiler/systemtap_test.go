package compiler_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// taps are the scripts of SystemTap's own documentation that probe tracepoints,
// timers and nothing else, and whose events 6.1 has, with what they are given.
var taps = map[string][]string{
	"lwtools/biolatency-nd.stp": nil, "lwtools/bitesize-nd.stp": nil,
	"memory/mmfilepage.stp": nil, "memory/mmreclaim.stp": nil,
	"network/dropwatch.stp":   nil,
	"process/cycle_thief.stp": nil, "process/migrate.stp": {"bash"}, "process/sched-latency.stp": nil,
}

// Scripts that others wrote for SystemTap compile as they are.
func TestSystemTapsExamples(t *testing.T) {
	tier.Need(t, tier.Trees)
	const dir = "/usr/share/systemtap/examples"
	if _, err := os.Stat(dir); err != nil {
		tier.Skip(t, "no %s: apt-get install systemtap-doc", dir)
	}
	k := seriesKernel(t, "6.1")
	for name, args := range taps {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			compileText(t, k, name, string(text), compiler.Options{Args: args})
		})
	}
}
