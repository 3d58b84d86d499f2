package runner

import (
	"testing"

	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// The kernel waits for handlers that can be preempted, wherever perf events of
// tracepoints can be opened.
func TestWaitForTracepoints(t *testing.T) {
	tier.Need(t, tier.Machine)
	if err := waitForTracepoints(); err != nil {
		t.Error(err)
	}
}
