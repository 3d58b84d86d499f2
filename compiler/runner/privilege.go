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
	return &lacksError{missing, err}
}

// lacksError is an operation that was not permitted for want of capabilities.
type lacksError struct {
	missing []string
	cause   error
}

func (e *lacksError) Error() string {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	// The loader's guess is about kernels before 5.11 and not the matter here.
	cause := strings.Replace(e.cause.Error(), " (MEMLOCK may be too low, consider rlimit.RemoveMemlock)", "", 1)
	// setcap sets them all at once: what is there already goes.
	return fmt.Sprintf("%s: this process lacks %s; run it as root (sudo), or once: sudo setcap cap_bpf,cap_perfmon+ep %s",
		cause, strings.Join(e.missing, " and "), program)
}

func (e *lacksError) Unwrap() error { return e.cause }

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
