package remote_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/remote"
	"github.com/tpinfo/tpinfo/fixtures/sshd"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// standIn takes tprun's place: it says what it was given, runs until its
// standard input ends when an argument says so, and has last words.
const standIn = `#!/bin/sh
size=$2
shift 2
echo "pid $$"
echo "object $(head -c "$size" | sha256sum | cut -c1-8)"
for a in "$@"; do echo "arg [$a]"; done
echo "to stderr" >&2
for a in "$@"; do
	case $a in
	hold)
		cat >/dev/null
		sleep 0.3
		echo "the end" && echo "$$ ended" >>"$HOME/ended"
		exit 3
		;;
	status=*) exit "${a#status=}" ;;
	esac
done
`

func tprun(arch string) ([]byte, error) {
	if arch != "x86" && arch != "arm64" {
		return nil, fmt.Errorf("none for %s", arch)
	}
	return []byte(standIn), nil
}

func open(t *testing.T, url string, opts remote.Options) *remote.Host {
	t.Helper()
	if opts.Tprun == nil {
		opts.Tprun = tprun
	}
	h, err := remote.Open(t.Context(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// output is written by one goroutine and read by another.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// pid waits for the stand-in's first lines and returns its process id.
func (o *output) pid(t *testing.T) int {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text := o.String(); strings.Contains(text, "arg [") {
			line, _, _ := strings.Cut(strings.TrimPrefix(text, "pid "), "\n")
			if pid, err := strconv.Atoi(line); err == nil {
				return pid
			}
		}
	}
	t.Fatalf("the stand-in does not begin: %q", o.String())
	return 0
}

func withoutPid(text string) string {
	if _, rest, ok := strings.Cut(text, "\n"); ok && strings.HasPrefix(text, "pid ") {
		return rest
	}
	return text
}

// waitGone waits until a process has ended.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); syscall.Kill(pid, 0) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("process %d is still there", pid)
			return
		}
	}
}

func kept(t *testing.T, home string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(home, ".cache/tpinfo/*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRun(t *testing.T) {
	s := sshd.Start(t)
	h := open(t, s.URL("root"), remote.Options{SSH: s.SSH})
	f := h.Facts()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	if f.Release != strings.TrimSpace(string(release)) || f.Arch != "x86" || f.Machine != "x86_64" ||
		f.ByteOrder != tpinfo.LittleEndian || f.User != "root" || !f.Capable {
		t.Errorf("facts %+v", f)
	}
	// Bytes of every kind, more than a pipe holds.
	object := bytes.Repeat([]byte("\x7fELF\r\n\x00\xff~."), 50_000)
	args := []string{"-c", "it's a \"word\"; $HOME `id` \\ ! * é", "", "status=7"}
	var stdout, stderr output
	status, err := h.Run(t.Context(), object, args, &stdout, &stderr)
	if status != 7 || err != nil {
		t.Errorf("status %d, %v; want 7", status, err)
	}
	want := "object " + digest8(object) + "\n"
	for _, a := range args {
		want += "arg [" + a + "]\n"
	}
	if diff := cmp.Diff(want, withoutPid(stdout.String())); diff != "" {
		t.Errorf("stdout (-want +got):\n%s", diff)
	}
	if stderr.String() != "to stderr\n" {
		t.Errorf("stderr %q", stderr.String())
	}
	if n := s.Accepted(); n != 1 {
		t.Errorf("%d logins for three steps, want 1", n)
	}
	if files := kept(t, s.Home); len(files) != 1 || filepath.Base(files[0]) != "tprun-"+sha(standIn) {
		t.Errorf("kept %v", files)
	}
}

func TestTprunIsSentOnce(t *testing.T) {
	s := sshd.Start(t)
	var sent []bool
	for range 3 {
		var log output
		h := open(t, s.URL("root"), remote.Options{SSH: s.SSH, Log: &log})
		if status, err := h.Run(t.Context(), nil, []string{"x"}, io.Discard, io.Discard); status != 0 || err != nil {
			t.Fatal(status, err)
		}
		sent = append(sent, strings.Contains(log.String(), "sending tprun"))
		if len(sent) == 2 { // one that is damaged is not used
			if err := os.WriteFile(kept(t, s.Home)[0], []byte("#!/bin/sh\nexit 9\n"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff([]bool{true, false, true}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// A ^C ends the run in order, and what it prints then still comes.
func TestInterrupt(t *testing.T) {
	s := sshd.Start(t)
	h := open(t, s.URL("root"), remote.Options{SSH: s.SSH})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout output
	go func() {
		waitFor(&stdout, "arg [hold]")
		cancel()
	}()
	status, err := h.Run(ctx, []byte("object"), []string{"hold"}, &stdout, io.Discard)
	if status != 3 || err != nil {
		t.Errorf("status %d, %v; want the 3 of a run that ended in order", status, err)
	}
	if want := "object " + digest8([]byte("object")) + "\narg [hold]\nthe end\n"; withoutPid(stdout.String()) != want {
		t.Errorf("stdout %q, want %q", stdout.String(), want)
	}
	waitGone(t, stdout.pid(t))
}

// A connection that breaks leaves no process there, and is an error here.
func TestConnectionLost(t *testing.T) {
	s := sshd.Start(t)
	h := open(t, s.URL("root"), remote.Options{SSH: s.SSH})
	var stdout output
	go func() {
		waitFor(&stdout, "arg [hold]")
		s.Drop()
	}()
	_, err := h.Run(t.Context(), nil, []string{"hold"}, &stdout, io.Discard)
	if !errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("error %v, want %v", err, remote.ErrUnreachable)
	}
	waitGone(t, stdout.pid(t))
}

func TestConcurrentRuns(t *testing.T) {
	s := sshd.Start(t)
	one := open(t, s.URL("root"), remote.Options{SSH: s.SSH})
	other := open(t, s.URL("root"), remote.Options{SSH: s.SSH})
	var all sync.WaitGroup
	for i := range 6 {
		h := one
		if i%2 == 1 {
			h = other
		}
		all.Go(func() {
			object := []byte(strings.Repeat(strconv.Itoa(i), 1000))
			var stdout output
			status, err := h.Run(t.Context(), object, []string{fmt.Sprintf("status=%d", 10+i)}, &stdout, io.Discard)
			if status != 10+i || err != nil {
				t.Errorf("run %d: status %d, %v", i, status, err)
			}
			if want := "object " + digest8(object); !strings.Contains(stdout.String(), want) {
				t.Errorf("run %d: %q lacks %q", i, stdout.String(), want)
			}
		})
	}
	all.Wait()
	if files := kept(t, s.Home); len(files) != 1 {
		t.Errorf("kept %v, want one tprun and nothing half-made", files)
	}
}

// A host that allows one session a connection costs another login for what
// happens at the same time.
func TestOneSessionAConnection(t *testing.T) {
	s := sshd.Start(t, "MaxSessions 1")
	h := open(t, s.URL("root"), remote.Options{SSH: s.SSH})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var held output
	first := make(chan int, 1)
	go func() {
		status, err := h.Run(ctx, nil, []string{"hold"}, &held, io.Discard)
		if err != nil {
			t.Error(err)
		}
		first <- status
	}()
	held.pid(t)
	if status, err := h.Run(t.Context(), nil, []string{"status=4"}, io.Discard, io.Discard); status != 4 || err != nil {
		t.Errorf("status %d, %v; want 4", status, err)
	}
	cancel()
	if status := <-first; status != 3 {
		t.Errorf("status %d, want 3", status)
	}
	if n := s.Accepted(); n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
}

// Where a socket has no room for its name, each step logs in.
func TestNoSharing(t *testing.T) {
	temp := filepath.Join(t.TempDir(), strings.Repeat("long", 20))
	if err := os.Mkdir(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	s := sshd.Start(t)
	t.Setenv("TMPDIR", temp)
	h := open(t, s.URL("root"), remote.Options{SSH: s.SSH})
	if status, err := h.Run(t.Context(), []byte("o"), []string{"status=4"}, io.Discard, io.Discard); status != 4 || err != nil {
		t.Errorf("status %d, %v; want 4", status, err)
	}
	if n := s.Accepted(); n != 3 {
		t.Errorf("%d logins, want 3", n)
	}
}

func TestJumpHost(t *testing.T) {
	s := sshd.Start(t)
	// The way to "inner" goes through the server itself.
	config := fmt.Sprintf("Host inner\nHostName 127.0.0.1\nPort %d\nUser root\nProxyCommand %s -p %d -W %%h:%%p root@127.0.0.1\n",
		s.Port, s.SSH, s.Port)
	prepend(t, s.Config, config)
	h := open(t, "ssh://inner", remote.Options{SSH: s.SSH})
	var stdout output
	if status, err := h.Run(t.Context(), []byte("o"), []string{"status=5"}, &stdout, io.Discard); status != 5 || err != nil {
		t.Errorf("status %d, %v; want 5", status, err)
	}
	if n := s.Accepted(); n != 2 {
		t.Errorf("%d logins, want 2: one at the jump host, one beyond", n)
	}
}

func TestRefusedConnections(t *testing.T) {
	s := sshd.Start(t)
	stranger := filepath.Join(t.TempDir(), "stranger")
	sshd.Keygen(t, stranger)
	hostKey, err := os.ReadFile(s.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	_, public, _ := strings.Cut(string(hostKey), " ")
	strangers := sshd.NewClient(t, s.Port, stranger, public)
	unknown := sshd.NewClient(t, s.Port, s.Key, "")
	other, err := os.ReadFile(stranger + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	changed := sshd.NewClient(t, s.Port, s.Key, string(other))
	for _, c := range []struct {
		name, url, ssh string
		says           []string
	}{
		{"wrong key", s.URL("root"), strangers.SSH, []string{"Permission denied (publickey)", "ssh-add"}},
		{"unknown host key", s.URL("root"), unknown.SSH, []string{"Host key verification failed", "connect once with ssh"}},
		{"changed host key", s.URL("root"), changed.SSH, []string{"ssh-keygen -R"}},
		{"nobody there", "ssh://root@127.0.0.1:1", s.SSH, []string{"Connection refused", "check the port"}},
		{"no such host", "ssh://no-such-host.invalid", s.SSH, []string{"Could not resolve hostname", "check the host's name"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := remote.Open(t.Context(), c.url, remote.Options{SSH: c.ssh, Tprun: tprun})
			if !errors.Is(err, remote.ErrUnreachable) {
				t.Fatalf("error %v, want %v", err, remote.ErrUnreachable)
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}

// What answers is no shell, or nothing does before the user gives up.
func TestStrangeHosts(t *testing.T) {
	for command, says := range map[string]string{
		"echo hello":                              "the answer is not a Linux shell's",
		"echo sh: not found >&2; exit 127":        "the host needs a POSIX shell",
		"echo this account is closed >&2; exit 1": "this account is closed (status 1)",
	} {
		s := sshd.Start(t, "ForceCommand "+command)
		_, err := remote.Open(t.Context(), s.URL("root"), remote.Options{SSH: s.SSH, Tprun: tprun})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want %q", command, err, says)
		}
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := remote.Open(ctx, "ssh://root@"+silent.Addr().String(), remote.Options{Tprun: tprun}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestDiskFull(t *testing.T) {
	tier.Need(t, tier.Machine)
	home := t.TempDir()
	if err := syscall.Mount("tpinfo", home, "tmpfs", 0, "size=64k"); err != nil {
		tier.Skip(t, "no tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(home, 0); err != nil {
			t.Error(err)
		}
	})
	s := sshd.Start(t, "SetEnv HOME="+home)
	large := func(string) ([]byte, error) { return bytes.Repeat([]byte("x"), 1<<20), nil }
	h := open(t, s.URL("root"), remote.Options{SSH: s.SSH, Tprun: large})
	_, err := h.Run(t.Context(), nil, nil, io.Discard, io.Discard)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"No space left on device", "free some space", home + "/.cache/tpinfo"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if files := kept(t, home); len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
}

// Without a home directory to write, tprun lies elsewhere and goes afterwards.
func TestNoHome(t *testing.T) {
	temp := t.TempDir()
	s := sshd.Start(t, "SetEnv HOME=/proc/nowhere TMPDIR="+temp)
	h := open(t, s.URL("root"), remote.Options{SSH: s.SSH})
	for range 2 {
		if status, err := h.Run(t.Context(), nil, []string{"status=6"}, io.Discard, io.Discard); status != 6 || err != nil {
			t.Errorf("status %d, %v; want 6", status, err)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// nobody makes the server's sessions those of a user without rights, who has
// the programs of bin before the others.
func nobody(t *testing.T, bin string) (lines []string, home string) {
	t.Helper()
	tier.Need(t, tier.Machine)
	home = t.TempDir()
	for dir := home; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	script := filepath.Join(home, "login")
	text := fmt.Sprintf("#!/bin/sh\nexport HOME=%s PATH=%s:/usr/bin:/bin\ncd /\nexec setpriv --reuid 65534 --regid 65534 --clear-groups sh -c \"$SSH_ORIGINAL_COMMAND\"\n", home, bin)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return []string{"ForceCommand " + script}, home
}

func TestPrivileges(t *testing.T) {
	bin := t.TempDir()
	lines, home := nobody(t, bin)
	s := sshd.Start(t, lines...)
	sudo := func(text string) {
		if err := os.WriteFile(filepath.Join(bin, "sudo"), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sudo("exit 1\n")
	h := open(t, s.URL("root"), remote.Options{SSH: s.SSH})
	if f := h.Facts(); f.Capable || f.Sudo || f.User != "nobody" {
		t.Errorf("facts %+v", f)
	}
	if _, err := h.Run(t.Context(), nil, nil, io.Discard, io.Discard); !errors.Is(err, remote.ErrPrivileges) ||
		!strings.Contains(err.Error(), "nobody is not allowed to run probes on 127.0.0.1: it has neither CAP_BPF") {
		t.Errorf("error %v", err)
	}
	if files := kept(t, home); len(files) != 0 {
		t.Errorf("sent for nothing: %v", files)
	}
	sudo(`echo "sudo $1 $2" >&2; shift; [ "$1" = -- ] && shift; exec "$@"` + "\n")
	h = open(t, s.URL("root"), remote.Options{SSH: s.SSH})
	var stderr output
	if status, err := h.Run(t.Context(), nil, []string{"status=8"}, io.Discard, &stderr); status != 8 || err != nil {
		t.Errorf("status %d, %v; want 8", status, err)
	}
	if stderr.String() != "sudo -n --\nto stderr\n" {
		t.Errorf("stderr %q", stderr.String())
	}
}

func TestNothingIsLeftHere(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s := sshd.Start(t)
	h := open(t, s.URL("root"), remote.Options{SSH: s.SSH})
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 1 {
		t.Errorf("a folder for the socket, want one: %v, %v", left, err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestNoTprunForTheArchitecture(t *testing.T) {
	s := sshd.Start(t)
	h := open(t, s.URL("root"), remote.Options{SSH: s.SSH, Tprun: func(arch string) ([]byte, error) {
		return nil, fmt.Errorf("there is one for arm64 only")
	}})
	_, err := h.Run(t.Context(), nil, nil, io.Discard, io.Discard)
	if err == nil || !strings.HasSuffix(err.Error(), "needs a tprun for x86: there is one for arm64 only") {
		t.Errorf("error %v", err)
	}
}

func TestNoSSH(t *testing.T) {
	_, err := remote.Open(t.Context(), "ssh://host", remote.Options{SSH: "/nowhere/ssh"})
	if err == nil || !strings.Contains(err.Error(), "apt-get install openssh-client") {
		t.Errorf("error %v", err)
	}
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func digest8(object []byte) string { return sha(string(object))[:8] }

func prepend(t *testing.T, file, text string) {
	t.Helper()
	rest, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append([]byte(text), rest...), 0o600); err != nil {
		t.Fatal(err)
	}
}

func waitFor(o *output, text string) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && !strings.Contains(o.String(), text); {
		time.Sleep(10 * time.Millisecond)
	}
}
