package cc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Limits bound one run of the compiler.
type Limits struct {
	Time   time.Duration // wall clock
	Memory int64         // bytes of address space, for each process
	File   int64         // bytes of any file it writes
	Output int           // bytes of what it says that are kept
}

// The limits where the caller gives none: a kernel's largest unit takes under
// 5 s and 300 MiB.
const (
	defaultTime   = 5 * time.Minute
	defaultMemory = 6 << 30
	defaultFile   = 512 << 20
	defaultOutput = 16 << 20
)

func (l Limits) orDefault() Limits {
	if l.Time == 0 {
		l.Time = defaultTime
	}
	if l.Memory == 0 {
		l.Memory = defaultMemory
	}
	if l.File == 0 {
		l.File = defaultFile
	}
	if l.Output == 0 {
		l.Output = defaultOutput
	}
	return l
}

// Command is one run.
type Command struct {
	Path   string
	Args   []string
	Dir    string // working folder, and the place for temporary files
	Limits Limits
}

// Result is how a run ended. A compiler that found errors in its input has an
// ExitCode and is not an error of Run's.
type Result struct {
	ExitCode       int
	Stdout, Stderr string
	Elapsed        time.Duration
	MaxRSS         int64 // bytes, of the largest process, never less than the caller held
}

// The ways a run can fail that are not the input's fault.
var (
	ErrTimeout = errors.New("the compiler did not finish in time")
	ErrCrashed = errors.New("the compiler crashed")
)

// Run runs the command in a clean environment. When ctx ends or a limit is
// reached the whole process group is killed.
func Run(ctx context.Context, c Command) (*Result, error) {
	l := c.Limits.orDefault()
	timed, cancel := context.WithTimeout(ctx, l.Time)
	defer cancel()

	// The shell sets the limits for the driver and all it starts, then
	// becomes the driver.
	script := `ulimit -c 0; ulimit -v "$1"; ulimit -f "$2"; shift 2; exec "$@"`
	args := append([]string{"-c", script, "sh",
		strconv.FormatInt(l.Memory>>10, 10), strconv.FormatInt(l.File>>9, 10), c.Path}, c.Args...)
	cmd := exec.CommandContext(timed, "/bin/sh", args...)
	cmd.Dir = c.Dir
	cmd.Env = []string{"PATH=" + searchPath(), "LC_ALL=C", "TMPDIR=" + c.Dir, "HOME=" + c.Dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	stdout, stderr := &bounded{max: l.Output}, &bounded{max: l.Output}
	cmd.Stdout, cmd.Stderr = stdout, stderr

	start := time.Now()
	err := cmd.Run()
	res := &Result{Stdout: stdout.kept.String(), Stderr: stderr.kept.String(), Elapsed: time.Since(start)}
	if cmd.ProcessState != nil {
		res.ExitCode = cmd.ProcessState.ExitCode()
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			res.MaxRSS = u.Maxrss << 10
		}
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case timed.Err() != nil:
		return nil, fmt.Errorf("%w: %s was ended after %v", ErrTimeout, c.Path, l.Time)
	case err == nil:
		return res, nil
	case errors.As(err, &exit):
		if full := noSpace(res.Stderr); full != nil {
			return res, fmt.Errorf("%s could not write into %s: %w", c.Path, c.Dir, full)
		}
		if crashed(exit, res.Stderr) {
			return res, fmt.Errorf("%w: %s: %s", ErrCrashed, c.Path, lastWords(res.Stderr, exit))
		}
		return res, nil
	}
	return nil, fmt.Errorf("running %s: %w", c.Path, err)
}

// noSpace tells a compiler that ran out of disk from one that found errors: the
// input is not at fault, whatever header it was at. Where the disk is full, the
// driver, the compiler proper and the assembler each have words of their own, but
// all of them end with the system's.
func noSpace(said string) error {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} {
		if strings.Contains(strings.ToLower(said), errno.Error()) {
			return errno
		}
	}
	return nil
}

// searchPath is the PATH the compiler finds its assembler with.
func searchPath() string {
	if p := os.Getenv("PATH"); p != "" {
		return p
	}
	return "/usr/local/bin:/usr/bin:/bin"
}

// crashed tells a compiler that died from one that found errors: gcc's driver
// exits with 4 for an internal error, clang's with 70 and more, and both
// report a signal of the compiler proper in words.
func crashed(exit *exec.ExitError, said string) bool {
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return true
	}
	code := exit.ExitCode()
	return code == 4 || code >= 70 ||
		bytes.Contains([]byte(said), []byte("internal compiler error")) ||
		bytes.Contains([]byte(said), []byte("fatal error: Killed signal")) ||
		bytes.Contains([]byte(said), []byte("out of memory"))
}

func lastWords(said string, exit *exec.ExitError) string {
	if said == "" {
		return exit.String()
	}
	return firstLine(said)
}

// bounded keeps the first max bytes and swallows the rest. The buffer is not
// embedded: its ReadFrom would go past the bound.
type bounded struct {
	kept bytes.Buffer
	max  int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.kept.Write(p[:min(len(p), max(b.max-b.kept.Len(), 0))])
	return len(p), nil
}
