package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// perfEvents is one event on each CPU.
type perfEvents []io.Closer

func (p perfEvents) Close() error {
	errs := make([]error, 0, len(p))
	for _, event := range p {
		errs = append(errs, event.Close())
	}
	return errors.Join(errs...)
}

// attachPerfEvent samples an event on every CPU that is online now.
func attachPerfEvent(perf *ir.Perf, program *ebpf.Program) (io.Closer, error) {
	cpus, err := onlineCPUs()
	if err != nil {
		return nil, err
	}
	attr := unix.PerfEventAttr{
		Type:   perf.Type,
		Config: perf.Config,
		Sample: perf.Period,
		Bits:   unix.PerfBitDisabled,
	}
	if perf.Frequency != 0 {
		attr.Sample = perf.Frequency
		attr.Bits |= unix.PerfBitFreq
	}
	var events perfEvents
	for _, cpu := range cpus {
		event, err := openPerfEvent(&attr, cpu, program)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENODEV) {
			err = fmt.Errorf("this machine does not count perf.type(%d).config(%d), as virtual machines often do not: %w", perf.Type, perf.Config, err)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("perf event on CPU %d: %w", cpu, err), events.Close())
		}
		events = append(events, event)
	}
	return events, nil
}

// closeFD is a file descriptor to close.
type closeFD int

func (c closeFD) Close() error { return unix.Close(int(c)) }

// openPerfEvent opens an event on a CPU, hands it a program and lets it run.
// The program stays attached until the event is closed.
func openPerfEvent(attr *unix.PerfEventAttr, cpu int, program *ebpf.Program) (io.Closer, error) {
	attr.Size = uint32(unsafe.Sizeof(*attr))
	fd, err := unix.PerfEventOpen(attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, withPrivileges(err)
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, program.FD()); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("set the program: %w", err)
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("enable: %w", err)
	}
	return closeFD(fd), nil
}

// onlineCPUs lists the CPUs that run now, at least one.
func onlineCPUs() ([]int, error) {
	const file = "/sys/devices/system/cpu/online"
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	cpus, err := parseCPUs(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return cpus, nil
}

// parseCPUs reads a list as "0-3,8" (Documentation/admin-guide/cputopology.rst).
func parseCPUs(list string) ([]int, error) {
	var cpus []int
	for _, part := range strings.Split(list, ",") {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		first, err := strconv.ParseUint(from, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("no list of CPUs: %q", list)
		}
		last, err := strconv.ParseUint(to, 10, 16)
		if err != nil || last < first {
			return nil, fmt.Errorf("no list of CPUs: %q", list)
		}
		for cpu := first; cpu <= last; cpu++ {
			cpus = append(cpus, int(cpu))
		}
	}
	return cpus, nil
}
