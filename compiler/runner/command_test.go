package runner

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// lasting is a time to sleep that no process of other tests has, in seconds.
func lasting(n int) string { return fmt.Sprintf("%d.%d", 1000+n, os.Getpid()) }

// sleepers are the processes that sleep such a time.
func sleepers(t *testing.T) (lines []string) {
	t.Helper()
	all, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.number))
		if text := strings.ReplaceAll(string(line), "\x00", " "); err == nil && strings.HasPrefix(text, "sleep ") &&
			strings.HasSuffix(text, fmt.Sprintf(".%d ", os.Getpid())) {
			lines = append(lines, text)
		}
	}
	return lines
}

// A command ends with the run, and so does all that it started, whether it wants
// to or not.
func TestCommandEndsWithRun(t *testing.T) {
	for name, text := range map[string]string{
		"a child":              "sleep " + lasting(1) + "; echo not this",
		"a grandchild":         "sh -c 'sleep " + lasting(2) + "; :'; echo not this",
		"in the background":    "sleep " + lasting(3) + " & wait; sleep " + lasting(4),
		"a session of its own": "setsid sleep " + lasting(5) + " & wait; echo not this",
		"deaf":                 "trap '' TERM; sleep " + lasting(6) + "; sleep " + lasting(7),
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			// Time for the command's processes to come.
			s.probe(ir.Probe{Kind: ir.Timer, Interval: int64(300 * time.Millisecond)}, exit())
			s.probe(ir.Probe{Kind: ir.End}, s.print("end"))
			out, errs, result := s.run(t, Options{Command: []string{"sh", "-c", text}, Timeout: time.Minute})
			if out != "end\n" || errs != "" || result.Reason != Exited {
				t.Errorf("%q, %q, %+v", out, errs, result)
			}
			if left := sleepers(t); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// What a command that ends by itself leaves running on purpose is its own affair.
func TestLeftBehind(t *testing.T) {
	s := newScript(t)
	s.probe(ir.Probe{Kind: ir.Begin})
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	result, err := Run(t.Context(), s.compile(t), Options{
		Command: []string{"sh", "-c", "sleep " + lasting(8) + " & echo $!"}, Timeout: time.Minute, Stdout: file, Stderr: file})
	text, _ := os.ReadFile(file.Name())
	var left int
	if _, scanErr := fmt.Sscan(string(text), &left); err != nil || scanErr != nil || result.Reason != CommandDone {
		t.Fatalf("%q, %+v, %v", text, result, err)
	}
	if err := unix.Kill(left, unix.SIGKILL); err != nil {
		t.Errorf("process %d: %v", left, err)
	}
	for len(sleepers(t)) > 0 {
		time.Sleep(time.Millisecond)
	}
}
