package remote_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/remote"
	"github.com/tpinfo/tpinfo/fixtures/sshd"
)

// asUser makes this test binary a program that runs the stand-in at the URL
// that it names, until it is killed.
const asUser = "TPINFO_TEST_REMOTE"

func TestMain(m *testing.M) {
	if url := os.Getenv(asUser); url != "" {
		ctx := context.Background()
		h, err := remote.Open(ctx, url, remote.Options{SSH: os.Getenv(asUser + "_SSH"), Tprun: tprun})
		if err == nil {
			_, err = h.Run(ctx, nil, []string{"hold"}, os.Stdout, os.Stderr)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Killed in the middle, this program leaves no process on the host.
func TestKilled(t *testing.T) {
	s := sshd.Start(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	user := exec.Command(self)
	user.Env = append(os.Environ(), asUser+"="+s.URL("root"), asUser+"_SSH="+s.SSH, "TMPDIR="+t.TempDir())
	var stdout, stderr output
	user.Stdout, user.Stderr = &stdout, &stderr
	if err := user.Start(); err != nil {
		t.Fatal(err)
	}
	pid := stdout.pid(t)
	if err := user.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := user.Wait(); err == nil {
		t.Errorf("it ended by itself: %s", stderr.String())
	}
	waitGone(t, pid)
}
