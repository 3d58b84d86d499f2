package remote

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// sshFailed is ssh's exit status when it failed itself; any other is the
// remote command's (ssh(1), "EXIT STATUS").
const sshFailed = 255

// advice says what to do about words of ssh's and of the programs on the
// host. The first that fits is taken.
var advice = []struct{ words, do string }{
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", "if the host was installed anew, forget its old key with ssh-keygen -R and connect once with ssh"},
	{"Host key verification failed", "connect once with ssh and confirm the host's key, or add it to ~/.ssh/known_hosts"},
	{"Permission denied (", "ssh needs a key that the host accepts: load it with ssh-add, name it with IdentityFile in ~/.ssh/config, or add it there with ssh-copy-id"},
	{"Too many authentication failures", "name the one key to use with IdentityFile and IdentitiesOnly in ~/.ssh/config"},
	{"Could not resolve hostname", "check the host's name, or give it a HostName in ~/.ssh/config"},
	{"Connection refused", "check the port, and that sshd runs there"},
	{"Connection timed out", "check the address, and that a firewall lets port 22 or yours through"},
	{"No route to host", "check the address and the network"},
	{"No space left on device", "free some space there: tprun needs about 8 MB"},
	{"Disk quota exceeded", "free some space there: tprun needs about 8 MB"},
	{"sh: not found", "the host needs a POSIX shell"},
	{"sh: command not found", "the host needs a POSIX shell"},
}

// explain turns the end of an ssh that said these words into an error: theirs,
// and what to do.
func (h *Host) explain(err error, said string) error {
	if err == nil {
		return nil
	}
	words := lastLines(said, 3)
	do := "to see more: ssh -v " + quoteAll(h.address.words())
	for _, a := range advice {
		if strings.Contains(said, a.words) {
			do = a.do
			break
		}
	}
	var exit *exec.ExitError
	switch {
	case !errors.As(err, &exit) || exit.ExitCode() < 0:
		return fmt.Errorf("ssh to %v: %w", h.address, err) // it did not start, or was killed
	case exit.ExitCode() == sshFailed:
		return fmt.Errorf("%w to %v: %s; %s", ErrUnreachable, h.address, words, do)
	}
	return fmt.Errorf("%v: %s (status %d); %s", h.address, words, exit.ExitCode(), do)
}

// lastLines are the last n lines that say something, on one line.
func lastLines(text string, n int) string {
	var said []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return "it ended without a word"
	}
	return strings.Join(said[max(0, len(said)-n):], " / ")
}
