package runner

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// capability is a privilege by its number (include/uapi/linux/capability.h).
type capability struct {
	number int
	name   string
}

var (
	capBPF      = capability{unix.CAP_BPF, "CAP_BPF"}             // Linux 5.8
	capPerfmon  = capability{unix.CAP_PERFMON, "CAP_PERFMON"}     // Linux 5.8
	capSysAdmin = capability{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"} // stands for both
)

// withPrivileges makes an error that says "not permitted" tell which capability
// is missing and how to get it. Other errors stay as they are.
func withPrivileges(err error) error {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) {
		return err
	}
	missing, known := missingCapabilities()
	if !known {
		return err
	}
	if len(missing) == 0 {
		return fmt.Errorf("%w, although this process has the capabilities for it: a container, a security module or kernel lockdown forbids it", err)
	}
	program, exeErr := os.Executable()
	if exeErr != nil {
		program = os.Args[0]
	}
	return fmt.Errorf("%w: this process lacks %s; run it as root (sudo), or once: sudo setcap %s+ep %s",
		err, strings.Join(missing, " and "), strings.ToLower(strings.Join(missing, ",")), program)
}

func missingCapabilities() (names []string, known bool) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return nil, false
	}
	has := func(c capability) bool {
		return data[c.number/32].Effective&(1<<(c.number%32)) != 0
	}
	if has(capSysAdmin) {
		return nil, true
	}
	for _, c := range []capability{capBPF, capPerfmon} {
		if !has(c) {
			names = append(names, c.name)
		}
	}
	return names, true
}
