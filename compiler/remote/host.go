package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Options are how a host is reached.
type Options struct {
	// SSH is the ssh client, a name on the PATH or a file; empty means "ssh".
	SSH string
	// Tprun gives the tprun that runs on an architecture, by the kernel's word
	// for it as in Facts.Arch, or says why there is none.
	Tprun func(arch string) ([]byte, error)
	// Log, where it is not nil, gets a line for each step, and what ssh says.
	Log io.Writer
}

// Host is another machine, reached and asked. Close it after use. Its methods
// may be called from several goroutines at once.
type Host struct {
	address address
	opts    Options
	dir     string // holds the shared connection's socket
	facts   Facts

	sending sync.Mutex // one at a time; guards facts.have
}

// ErrUnreachable is the error of a host to which ssh brings no connection, and
// of one whose connection broke. ssh's own words are in the text.
var ErrUnreachable = errors.New("no connection")

// Open connects to the host of ssh://[user@]host[:port] and learns its Facts.
// It may ask the user for a password or a confirmation where there is a
// terminal.
func Open(ctx context.Context, url string, opts Options) (*Host, error) {
	a, err := parseAddress(url)
	if err != nil {
		return nil, err
	}
	if opts.SSH == "" {
		opts.SSH = "ssh"
	}
	if _, err := exec.LookPath(opts.SSH); err != nil {
		return nil, fmt.Errorf("no ssh client: %w; install it (Debian: apt-get install openssh-client)", err)
	}
	dir, err := os.MkdirTemp("", "tpinfo-ssh-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for ssh's socket: %w", err)
	}
	h := &Host{address: a, opts: opts, dir: dir}
	answer, err := h.step(ctx, h.command(ctx, true, "exec "+quoteAll([]string{"sh", "-c", factsScript})))
	if err == nil {
		if h.facts, err = parseFacts(answer); err != nil {
			err = fmt.Errorf("ask %v about itself: %w", a, err)
		}
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	h.say("%v: %s, %s", a, h.facts.Release, h.facts.Machine)
	return h, nil
}

// Facts are what the host said about itself when it was opened.
func (h *Host) Facts() Facts { return h.facts }

// Close ends the shared connection and removes what this machine kept for it.
func (h *Host) Close() error {
	if _, err := os.Stat(h.socket()); err == nil {
		// It would end by itself, a minute later.
		exec.Command(h.opts.SSH, append([]string{"-o", "ControlPath=" + h.socket(), "-O", "exit"}, h.address.words()...)...).Run() //nolint:errcheck // as said
	}
	return os.RemoveAll(h.dir)
}

func (h *Host) socket() string { return filepath.Join(h.dir, "s") }

// longestSocket is how long a control socket's path may be: what fits a
// sockaddr_un (unix(7)) less the suffix that ssh adds while it makes one.
const longestSocket = 108 - 1 - 18

// command is ssh with one command for the login shell of the host. Only the
// first of a Host may talk to the user; see the package comment.
func (h *Host) command(ctx context.Context, first bool, command string) *exec.Cmd {
	args := []string{"-T", "-x", "-a",
		"-o", "ClearAllForwardings=yes",
		"-o", "RemoteCommand=none",
		"-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4",
	}
	if s := h.socket(); len(s) <= longestSocket {
		// A master that nobody ends, because this process was killed, stays
		// for as long as ControlPersist says, in seconds.
		args = append(args, "-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-o", "ControlPath="+s)
	}
	if mayAsk := first && onTerminal() || os.Getenv("SSH_ASKPASS") != ""; !mayAsk {
		args = append(args, "-o", "BatchMode=yes")
	}
	args = append(args, h.address.words()...)
	cmd := exec.CommandContext(ctx, h.opts.SSH, append(args, command)...)
	if !first {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	}
	return cmd
}

// onTerminal says whether ssh has somebody to ask: it asks on the terminal of
// the session and not on its standard input.
func onTerminal() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	tty.Close()
	return true
}

// step runs one command to its end and returns its output.
func (h *Host) step(ctx context.Context, cmd *exec.Cmd) (string, error) {
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if h.opts.Log != nil {
		cmd.Stderr = io.MultiWriter(&said, h.opts.Log)
	}
	// A master of OpenSSH before 8.5 keeps its first client's standard error.
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if err != nil && ctx.Err() != nil {
		return "", fmt.Errorf("ssh to %v: %w", h.address, context.Cause(ctx))
	}
	return out.String(), h.explain(err, said.String())
}

func (h *Host) say(format string, args ...any) {
	if h.opts.Log != nil {
		fmt.Fprintf(h.opts.Log, format+"\n", args...)
	}
}
