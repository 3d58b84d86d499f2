package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// terminal opens a new one: what a user sees, and what a program has.
func terminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	t.Cleanup(func() { user.Close() })
	number, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	return user, program
}

// On a terminal the command may read what the user types, and ^C reaches it as
// it reaches the program, which ends in order.
func TestTerminal(t *testing.T) {
	object := write(t, "ends", []ir.Probe{{Kind: ir.End, Body: block(printSite(0))}}, text("end\n"))
	for name, c := range map[string]struct{ command, typed, want string }{
		"reads":   {"echo ready; read line; echo got $line", "hello\n", "got hello\nend\n"},
		"^C":      {"trap 'echo told; exit' INT; echo ready; while :; do sleep 0.05; done", "\x03", "told\nend\n"},
		"^C deaf": {"trap '' INT; echo ready; sleep 1000; :", "\x03", "end\n"},
	} {
		t.Run(name, func(t *testing.T) {
			user, program := terminal(t)
			cmd, _, _ := tprun(t, "-c", c.command, object)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			program.Close()
			kill := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
			var shown strings.Builder
			lines := bufio.NewScanner(user)
			for lines.Scan() { // until nobody has the terminal any more
				line := strings.TrimPrefix(lines.Text(), "^C")
				if line == "ready" {
					if _, err := user.WriteString(c.typed); err != nil {
						t.Fatal(err)
					}
				} else if line+"\n" != c.typed { // which the terminal echoes
					shown.WriteString(line + "\n")
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			for line := range strings.Lines(c.want) {
				if !strings.Contains(shown.String(), line) {
					t.Errorf("showed %q, want %q", shown.String(), c.want)
				}
			}
		})
	}
}
