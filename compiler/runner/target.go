package runner

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo"
)

// Target is what this machine's kernel says of itself.
type Target struct {
	Release   string           `json:"release"` // as uname -r
	Arch      string           `json:"arch"`    // the kernel's word, as tpinfo.Kernel has it
	ByteOrder tpinfo.ByteOrder `json:"byte_order"`
	BTF       bool             `json:"btf"` // the kernel has its types in /sys/kernel/btf/vmlinux
}

const kernelBTF = "/sys/kernel/btf/vmlinux"

// machines translates what uname -m says to the name of the kernel's folder
// under arch/. Other machines keep their name.
var machines = map[string]string{
	"x86_64":  "x86",
	"i686":    "x86",
	"aarch64": "arm64",
	"ppc64le": "powerpc",
	"ppc64":   "powerpc",
	"s390x":   "s390",
	"riscv64": "riscv",
}

// ThisTarget asks the kernel.
func ThisTarget() (Target, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Target{}, fmt.Errorf("ask the kernel for its release: %w", err)
	}
	t := Target{
		Release:   unix.ByteSliceToString(u.Release[:]),
		Arch:      unix.ByteSliceToString(u.Machine[:]),
		ByteOrder: tpinfo.LittleEndian,
	}
	if name, ok := machines[t.Arch]; ok {
		t.Arch = name
	}
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		t.ByteOrder = tpinfo.BigEndian
	}
	_, err := os.Stat(kernelBTF)
	t.BTF = err == nil
	return t, nil
}

// findTarget looks for the process that target() tells of, 0 for none.
func findTarget(pid int) error {
	if pid > 0 && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return fmt.Errorf("there is no process %d, for target() to tell of", pid)
	}
	return nil
}

// atLeast reports whether the kernel's version is major.minor or later. A
// release that does not begin with a version counts as later.
func (t Target) atLeast(major, minor int) bool {
	var a, b int
	if _, err := fmt.Sscanf(t.Release, "%d.%d", &a, &b); err != nil {
		return true
	}
	return a > major || a == major && b >= minor
}
