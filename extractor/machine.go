package extractor

import "golang.org/x/sys/unix"

// machine is the running kernel's name for its hardware, as uname -m.
func machine() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Machine[:])
}
