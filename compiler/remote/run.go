package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"time"
)

// ErrPrivileges is the error of a user who may not run probes on the host.
var ErrPrivileges = errors.New("not allowed to run probes")

// patience is how long a run that was told to end may take to print what is
// left, and to take its way here.
const patience = 30 * time.Second

// cleaningScript runs the command after its first argument, and removes the
// folder that the first argument names, also when nobody waits any more.
const cleaningScript = `d=$1; shift; "$@"; s=$?; rm -rf "$d"; exit $s`

// Run runs an object on the host with tprun's arguments and returns tprun's
// exit status. What tprun prints comes to stdout and stderr as it prints it;
// ssh's own messages come to stderr as well.
//
// When ctx is done the run is told to end as by SIGINT, and Run returns after
// what that prints has come. The error is then nil, for the run ended in
// order; it is the context's only if the host did not end it in half a minute.
func (h *Host) Run(ctx context.Context, object []byte, args []string, stdout, stderr io.Writer) (status int, err error) {
	words, err := h.words(ctx, len(object), args)
	if err != nil {
		return 0, err
	}
	// No context: what is to happen when it is done happens below.
	cmd := h.command(context.Background(), false, "exec "+quoteAll(words))
	said := &ending{to: stderr}
	// Through pipes of our own, even for files: ssh makes what it writes to
	// non-blocking, for everyone who has it open.
	cmd.Stdout, cmd.Stderr = struct{ io.Writer }{stdout}, said
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, h.explain(err, "")
	}
	go func() {
		// Where this fails, ssh has ended and says why.
		in.Write(object) //nolint:errcheck // as said
	}()
	ended := make(chan struct{}) // closed when err is there
	go func() {
		defer close(ended)
		err = cmd.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		in.Close() //nolint:errcheck // ssh may have ended
		select {
		case <-ended:
		case <-time.After(patience):
			cmd.Process.Kill() //nolint:errcheck // it may have ended just now
			// The shared connection holds the other end of our pipes.
			closeErr := h.Close()
			<-ended
			return 0, errors.Join(fmt.Errorf("%v did not end the run in %v: %w", h.address, patience, context.Cause(ctx)), closeErr)
		}
	}
	if err == nil {
		return 0, nil
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 && code != sshFailed {
		return code, nil
	}
	return 0, h.explain(err, string(said.last))
}

// words are the command for the host.
func (h *Host) words(ctx context.Context, size int, args []string) ([]string, error) {
	if !h.facts.Capable && !h.facts.Sudo {
		return nil, fmt.Errorf("%s is %w on %s: it has neither CAP_BPF and CAP_PERFMON nor a sudo that asks for no password; name another user (ssh://root@…) or allow it sudo",
			h.facts.User, ErrPrivileges, h.address.host)
	}
	program, err := h.send(ctx)
	if err != nil {
		return nil, err
	}
	words := append([]string{program, "--stdin", strconv.Itoa(size)}, args...)
	if !h.facts.Capable {
		words = append([]string{"sudo", "-n", "--"}, words...)
	}
	if h.facts.cache == "" {
		words = append([]string{"sh", "-c", cleaningScript, "sh", path.Dir(program)}, words...)
	}
	return words, nil
}

// ending passes everything on and remembers the last of it.
type ending struct {
	to   io.Writer
	last []byte
}

// remembered is how much, in bytes: enough for ssh's last words.
const remembered = 4096

func (e *ending) Write(p []byte) (int, error) {
	e.last = append(e.last, p...)
	e.last = e.last[max(0, len(e.last)-remembered):]
	return e.to.Write(p)
}
