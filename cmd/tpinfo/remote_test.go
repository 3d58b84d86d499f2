package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/fixtures/programs"
	"github.com/tpinfo/tpinfo/fixtures/sshd"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// useSSH makes a server the one that "ssh" reaches, and gives tpinfo the tprun
// to send.
func useSSH(t *testing.T, s *sshd.Server) {
	t.Helper()
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec %s -F '%s' \"$@\"\n", ssh, s.Config)
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(programs.Tprun(t, "amd64"), filepath.Join(dir, "tprun-linux-amd64")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("TPINFO_TPRUN", dir)
	t.Setenv("SSH_ASKPASS", "")
}

// A script compiled here runs on the host that ssh reaches.
func TestRemote(t *testing.T) {
	tier.Need(t, tier.Machine)
	s := sshd.Start(t)
	useSSH(t, s)
	db := filepath.Join(t.TempDir(), "cache.db")
	host := s.URL("root")
	remote := func(want int, args ...string) (out, errs string) {
		t.Helper()
		return do(t, want, append([]string{"run", "--cache", db, "--remote", host}, args...)...)
	}

	// Where nothing is asked of the kernel, it need not be known.
	out, errs := remote(exitDone, "-e", `probe begin { println(@1) exit() } probe end { println("end") }`, "there")
	if out != "there\nend\n" || errs != "" {
		t.Errorf("%q, %q", out, errs)
	}
	const count = `global n probe kernel.trace("sched_switch") { n++ } probe end { println(n > 0) }`
	_, errs = remote(exitFailed, "-e", count)
	if want := fmt.Sprintf("tpinfo: the cache does not know the host's kernel, %[1]s\nUnpack its header package here and add it: tpinfo extract usr/src/linux-headers-%[1]s\n", release()); errs != want {
		t.Errorf("%q, want %q", errs, want)
	}

	do(t, exitDone, "extract", "-q", "--cache", db)
	if out, errs := remote(exitDone, "-e", count, "--timeout", "50ms"); out != "1\n" || errs != "" {
		t.Errorf("%q, %q", out, errs)
	}
	// The command runs there, and options come through.
	out, _ = remote(exitDone, "-e", `probe end { println("end") }`, "-c", "echo $HOME")
	if out != s.Home+"\nend\n" {
		t.Errorf("%q, not in %s", out, s.Home)
	}
	// An error of the script is its place and the exit status.
	if _, errs := remote(exitFailed, "-e", `probe begin { error("no luck") }`); errs != "<-e>:1:15: error: no luck\n" {
		t.Errorf("%q", errs)
	}
	// An object goes as it is, and one for another kernel is refused there.
	object := filepath.Join(t.TempDir(), "x.o")
	do(t, exitDone, "compile", "-q", "--cache", db, "-o", object, "-e", count)
	if out, _ := remote(exitDone, object, "--timeout", "50ms"); out != "1\n" {
		t.Errorf("an object: %q", out)
	}
	do(t, exitDone, "extract", "-q", "--cache", db, tinyTree)
	if _, errs := remote(exitFailed, "-k", "6.17.0-tiny", "-e", `probe kernel.trace("early_bird") { }`); !strings.Contains(errs, "it is for kernel 6.17.0-tiny, this is "+release()) {
		t.Errorf("%q", errs)
	}
	if _, errs := do(t, exitUsage, "run", "--remote", "somewhere", "-e", count); !strings.Contains(errs, "not an ssh URL; want ssh://[user@]host[:port]") {
		t.Errorf("%q", errs)
	}
}

// ^C ends a remote run in order: what its end probes print still comes.
func TestRemoteInterrupted(t *testing.T) {
	tier.Need(t, tier.Machine)
	s := sshd.Start(t)
	useSSH(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := &trigger{word: "begin\n", do: cancel}
	var errs bytes.Buffer
	status := run(ctx, []string{"run", "--cache", filepath.Join(t.TempDir(), "none.db"), "--remote", s.URL("root"), "--timeout", "20s",
		"-e", `probe begin { println("begin") } probe end { println("end") }`}, cli.Streams{In: strings.NewReader(""), Out: begun, Err: &errs})
	if status != exitDone || begun.text.String() != "begin\nend\n" || errs.Len() > 0 {
		t.Errorf("status %d, %q, %q", status, begun.text.String(), errs.String())
	}
}

// trigger does something once a word was written.
type trigger struct {
	word string
	do   func()
	text bytes.Buffer
}

func (w *trigger) Write(p []byte) (int, error) {
	n, err := w.text.Write(p)
	if strings.Contains(w.text.String(), w.word) {
		w.do()
	}
	return n, err
}

// What ssh says about a host that it does not reach, and ours.
func TestRemoteUnreachable(t *testing.T) {
	tier.Need(t, tier.Machine)
	s := sshd.Start(t)
	useSSH(t, s)
	refused := func(url string) string {
		t.Helper()
		start := time.Now()
		_, errs := do(t, exitFailed, "run", "--cache", filepath.Join(t.TempDir(), "none.db"), "--remote", url, "-e", "probe begin { exit() }")
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: %v to find out", url, took)
		}
		return errs
	}
	if errs, want := refused("ssh://root@127.0.0.1:1"), "Connection refused; check the port, and that sshd runs there\n"; !strings.HasSuffix(errs, want) ||
		!strings.HasPrefix(errs, "tpinfo: no connection to root@127.0.0.1 port 1: ssh: connect to host 127.0.0.1 port 1: ") {
		t.Errorf("%q", errs)
	}
	// A key that the server does not take.
	if err := os.Remove(s.Key); err != nil {
		t.Fatal(err)
	}
	sshd.Keygen(t, s.Key)
	if errs := refused(s.URL("root")); !strings.Contains(errs, "Permission denied (publickey") || !strings.Contains(errs, "ssh needs a key that the host accepts: load it with ssh-add") {
		t.Errorf("%q", errs)
	}
	// A server with another key than the one known.
	if err := os.WriteFile(s.KnownHosts, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if errs := refused(s.URL("root")); !strings.Contains(errs, "Host key verification failed") || !strings.Contains(errs, "connect once with ssh and confirm the host's key") {
		t.Errorf("%q", errs)
	}
}
