package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// gate is what the command's process runs until it may start: a shell that says
// when it is there, waits for a line, and becomes the command. Its number stays,
// so target() is known before, and the command's own execve is an event that
// probes see, while what the shell does is none (onset.go). Where the runner dies
// before, the line never comes and the shell leaves.
const gate = `echo >&4; exec 4>&-; read -r go <&3 || exit; exec 3<&-; exec "$@"`

// command is the process of -c.
type command struct {
	process *os.Process
	ready   *os.File      // tells when the gate's shell is there
	open    *os.File      // of the gate
	done    chan struct{} // closed when it has ended
	family  *family
	grace   <-chan time.Time // nil when it has none
}

// startCommand starts a command in front of its gate. It leads a process group
// of its own, unless there is a terminal, which only the group that is in the
// foreground may read from and gets ^C of.
func startCommand(argv []string, stdin *os.File, stdout, stderr io.Writer) (*command, error) {
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, fmt.Errorf("the command to run: %w", err)
	}
	wait, open, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer wait.Close()
	ready, there, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, open.Close())
	}
	defer there.Close()
	args := append([]string{"-c", gate, "sh", program}, argv[1:]...)
	cmd := exec.Command("/bin/sh", args...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = patience // for what it started and left behind
	cmd.ExtraFiles = []*os.File{wait, there}
	group := !hasTerminal()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: group}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("the shell that starts the command: %w", err), open.Close(), ready.Close())
	}
	c := &command{process: cmd.Process, ready: ready, open: open, done: make(chan struct{}),
		family: newFamily(cmd.Process.Pid, group)}
	go func() {
		// How the command ended is between it and its user.
		_ = cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// await returns when the gate's shell waits, or has ended.
func (c *command) await() {
	// A line, or the end of the pipe: both say so.
	_, _ = c.ready.Read(make([]byte, 1))
	c.ready.Close()
}

// begin lets the command run.
func (c *command) begin() error {
	_, err := c.open.WriteString("go\n")
	if errors.Is(err, unix.EPIPE) {
		err = nil // ^C has ended the gate
	}
	return errors.Join(err, c.open.Close())
}

// patience is how long a command may take to end when it was told to.
const patience = 2 * time.Second

// courtesy is how long a command that ^C has reached has for itself before it is
// told to end.
const courtesy = time.Second

// tell asks the command, if it still runs, and what it started, to end.
func (c *command) tell(why Reason) error {
	if c.ended() {
		return nil // what it left behind on purpose is none of ours
	}
	if why == Interrupted && !c.family.leads() {
		c.grace = time.NewTimer(courtesy).C
		return nil
	}
	_, err := c.family.tell(unix.SIGTERM)
	return err
}

// stop ends the command if it still runs, with all that it started, and waits
// for it.
func (c *command) stop() (err error) {
	c.ready.Close()
	c.open.Close() // done already when it was begun
	if c.grace != nil {
		select {
		case <-c.grace:
		case <-c.done:
		}
	}
	if !c.ended() || len(c.family.told) > 0 {
		if err = c.family.end(patience); err != nil {
			_ = c.process.Kill() // it at least; it may have ended
		}
	}
	<-c.done
	return err
}

func (c *command) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}
