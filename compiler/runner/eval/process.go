package eval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/runner/render"
)

// ThisProcess is the Host that is this process, printing to the standard
// output and error. It does not allow system(); Shell does.
func ThisProcess(printer render.Printer) Host {
	name, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		name = []byte(os.Args[0])
	}
	return Host{
		Stdout: os.Stdout, Stderr: os.Stderr,
		Printer: printer,
		PID:     int64(os.Getpid()), TID: int64(unix.Gettid()),
		UID: int64(os.Getuid()), GID: int64(os.Getgid()),
		Name:      strings.TrimSpace(string(name)),
		CPU:       currentCPU,
		Monotonic: func() int64 { return clock(unix.CLOCK_MONOTONIC) },
		Realtime:  func() int64 { return clock(unix.CLOCK_REALTIME) },
		Jiffies:   jiffies,
		Cycles:    cycles,
		Random:    rand.Int64N,
		Zone:      time.Local,
	}
}

// Shell makes a Host's System: commands run with sh and print to stdout and
// stderr. How a command ends is its own affair; when the context ends it is told
// to, with all that it started.
func Shell(stdout, stderr io.Writer) func(context.Context, string) error {
	return func(ctx context.Context, command string) error {
		cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
		cmd.Stdout, cmd.Stderr = stdout, stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGTERM) }
		cmd.WaitDelay = time.Second
		err := cmd.Run()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && ctx.Err() == nil {
			return nil
		}
		return err
	}
}

func clock(id int32) int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		return 0 // both clocks are there on every Linux
	}
	return t.Nano()
}

// currentCPU asks the kernel (getcpu(2)); by the time it is told the thread may
// run on another.
func currentCPU() int64 {
	var cpu uint32
	if _, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); errno != 0 {
		return 0
	}
	return int64(cpu)
}

// jiffies reads the kernel's count from /proc/timer_list
// (kernel/time/timer_list.c), which has it after the first CPU's timers. Only
// root may.
func jiffies() (int64, error) {
	text, err := os.ReadFile("/proc/timer_list")
	if err != nil {
		return 0, fmt.Errorf("jiffies(): %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if number, is := strings.CutPrefix(line, "jiffies:"); is {
			n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 64)
			return int64(n), err
		}
	}
	return 0, errors.New("jiffies(): /proc/timer_list does not tell; use gettimeofday_ms()")
}
