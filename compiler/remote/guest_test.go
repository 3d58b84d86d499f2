package remote_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/remote"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/sshd"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// A host of another kernel, another ssh server and busybox's programs.
func TestGuest(t *testing.T) {
	tier.Need(t, tier.Booted)
	for _, series := range []string{"5.10", "6.12"} {
		t.Run(series, func(t *testing.T) {
			k := kernels.Get(t, kernels.Spec{Series: series}, kernels.Image)
			c := sshd.InGuest(t, vm.Guest{Kernel: k})
			h := open(t, c.URL("root"), remote.Options{SSH: c.SSH})
			f := h.Facts()
			if f.Release != k.Release || f.Arch != "x86" || !f.Capable || f.User != "root" {
				t.Errorf("facts %+v of a guest %s", f, k.Release)
			}
			object := []byte(strings.Repeat("an object\n", 20_000))
			var stdout, stderr output
			status, err := h.Run(t.Context(), object, []string{"it's !", "status=7"}, &stdout, &stderr)
			if status != 7 || err != nil || stderr.String() != "to stderr\n" {
				t.Errorf("status %d, %v, stderr %q; want 7", status, err, stderr.String())
			}
			if want := "object " + digest8(object) + "\narg [it's !]\narg [status=7]\n"; withoutPid(stdout.String()) != want {
				t.Errorf("stdout %q, want %q", stdout.String(), want)
			}
			var log, held output
			again := open(t, c.URL("root"), remote.Options{SSH: c.SSH, Log: &log})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				waitFor(&held, "arg [hold]")
				cancel()
			}()
			if status, err := again.Run(ctx, object, []string{"hold"}, &held, io.Discard); status != 3 || err != nil {
				t.Errorf("status %d, %v; want the 3 of a run that ended in order", status, err)
			}
			if !strings.HasSuffix(held.String(), "arg [hold]\nthe end\n") {
				t.Errorf("stdout %q lacks the end", held.String())
			}
			if strings.Contains(log.String(), "sending tprun") {
				t.Errorf("tprun was sent again: %s", log.String())
			}
		})
	}
}
