package compiler_test

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// TestMain runs the tests of this machine's kernel where tracefs is mounted: BTF
// names no event's system. Where it is not, it is mounted for this process alone,
// since other packages are tested at the same time.
func TestMain(m *testing.M) {
	const private = "TPINFO_TRACEFS"
	_, err := os.Stat("/sys/kernel/tracing/events")
	if err != nil && tier.Asked() >= tier.Machine && os.Geteuid() == 0 && os.Getenv(private) == "" {
		unshare, err := exec.LookPath("unshare")
		if err == nil {
			script := "mount --make-rprivate /sys && mount -t tracefs tracefs /sys/kernel/tracing; exec \"$0\" \"$@\""
			args := append([]string{"unshare", "--mount", "--propagation", "unchanged", "sh", "-c", script}, os.Args...)
			err = syscall.Exec(unshare, args, append(os.Environ(), private+"=mounted"))
		}
		fmt.Fprintln(os.Stderr, "tracefs is not mounted, and cannot be for this test alone:", err)
	}
	os.Exit(m.Run())
}
