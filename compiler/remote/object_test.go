package remote_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/remote"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/programs"
	"github.com/tpinfo/tpinfo/fixtures/sshd"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

const forks = `global n
probe begin { printf("begun\n") }
probe kernel.trace("sched:sched_process_fork") { n++ }
probe end { printf("the command was %s\n", n > 0 ? "seen" : "missed") }
`

// known is the metadata of a kernel of which one event is known, without its
// arguments.
type known struct {
	check.Metadata
	kernel tpinfo.Kernel
}

func (k known) Identity() tpinfo.Kernel { return k.kernel }

func (k known) Event(_ context.Context, name string) (*tpinfo.Tracepoint, error) {
	return &tpinfo.Tracepoint{System: "sched", Name: "sched_process_fork", Class: "sched_process_fork"}, nil
}

func (k known) Events(ctx context.Context, _ ...string) ([]tpinfo.Tracepoint, error) {
	event, err := k.Event(ctx, "")
	return []tpinfo.Tracepoint{*event}, err
}

// realTprun builds the program that goes to hosts.
func realTprun(t *testing.T) func(arch string) ([]byte, error) {
	t.Helper()
	file := programs.Tprun(t, "amd64")
	return func(string) ([]byte, error) { return os.ReadFile(file) }
}

// runsForks compiles a script for the host's kernel and runs it there.
func runsForks(t *testing.T, h *remote.Host) {
	t.Helper()
	f := h.Facts()
	k := known{kernel: tpinfo.Kernel{Release: f.Release, Arch: f.Arch, ByteOrder: f.ByteOrder, WordSize: 8}}
	o, err := compiler.Compile(t.Context(), &diag.Source{Name: "forks.stp", Text: forks}, k, compiler.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var object bytes.Buffer
	if err := o.Write(&object); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr output
	status, err := h.Run(t.Context(), object.Bytes(), []string{"-c", "(sleep 0.1); true"}, &stdout, &stderr)
	if status != 0 || err != nil || stderr.String() != "" {
		t.Errorf("status %d, %v, stderr %q", status, err, stderr.String())
	}
	if want := "begun\nthe command was seen\n"; stdout.String() != want {
		t.Errorf("stdout %q, want %q", stdout.String(), want)
	}
	// A ^C while it waits for events.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var held output
	go func() {
		waitFor(&held, "begun\n")
		cancel()
	}()
	if status, err := h.Run(ctx, object.Bytes(), nil, &held, &stderr); status != 0 || err != nil || stderr.String() != "" {
		t.Errorf("interrupted: status %d, %v, stderr %q", status, err, stderr.String())
	}
	if got := held.String(); !strings.Contains(got, "the command was ") {
		t.Errorf("interrupted, it said %q", got)
	}
	// What is no object is refused by tprun.
	if status, err := h.Run(t.Context(), object.Bytes()[:100], nil, &stdout, &stderr); status != 1 || err != nil || stderr.String() == "" {
		t.Errorf("a part of an object: status %d, %v, stderr %q", status, err, stderr.String())
	}
}

func TestScriptOnLoopback(t *testing.T) {
	s := sshd.Start(t)
	runsForks(t, open(t, s.URL("root"), remote.Options{SSH: s.SSH, Tprun: realTprun(t)}))
}

func TestScriptInGuest(t *testing.T) {
	tier.Need(t, tier.Booted)
	tprun := realTprun(t)
	for _, series := range kernels.Series() {
		t.Run(series, func(t *testing.T) {
			c := sshd.InGuest(t, vm.Guest{Kernel: kernels.Get(t, kernels.Spec{Series: series}, kernels.Image)})
			runsForks(t, open(t, c.URL("root"), remote.Options{SSH: c.SSH, Tprun: tprun}))
		})
	}
}
