//go:build amd64 || arm64

package eval

// cycles reads the processor's counter as the kernel's get_cycles() does: the
// time stamp counter of x86, the virtual counter of arm64.
func cycles() int64
