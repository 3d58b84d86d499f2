package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// Every event that SystemTap lists on installed headers is listed here, with
// the same arguments, word for word.
func TestAgainstSystemTap(t *testing.T) {
	tier.Need(t, tier.Trees)
	tier.NeedTool(t, "stap", "systemtap")
	tier.NeedTool(t, "gcc", "gcc")
	builds, err := filepath.Glob("/lib/modules/*-cloud-amd64/build")
	if err != nil || len(builds) == 0 {
		tier.Skip(t, "no installed kernel headers: apt-get install linux-headers-cloud-amd64")
	}
	release := filepath.Base(filepath.Dir(builds[0]))

	stap := exec.Command("stap", "-r", release, "-L", `kernel.trace("*")`)
	stap.Env = append(stap.Environ(), "SYSTEMTAP_DIR="+t.TempDir())
	theirs, err := stap.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		tier.Skip(t, "stap itself fails here: %s", bytes.TrimSpace(exit.Stderr))
	} else if err != nil {
		t.Fatalf("stap: %v", err)
	}
	cache := filepath.Join(t.TempDir(), "cache.db")
	var ours, errs bytes.Buffer
	for _, args := range [][]string{{"extract", "-q", release}, {"list", "-k", release, "-f", "stap"}} {
		ours.Reset()
		if status := run(context.Background(), append(args, "--cache", cache), cli.Streams{In: strings.NewReader(""), Out: &ours, Err: &errs}); status != exitDone {
			t.Fatalf("tpinfo %v: status %d, %s", args, status, errs.String())
		}
	}
	have := map[string]string{}
	for line := range strings.Lines(ours.String()) {
		name, args, _ := strings.Cut(strings.TrimSpace(line), ")")
		have[name] = strings.TrimSpace(args)
	}
	compared := 0
	var missing []string
	for line := range strings.Lines(string(theirs)) {
		name, args, _ := strings.Cut(strings.TrimSpace(line), ")")
		got, ok := have[name]
		if !ok {
			missing = append(missing, name)
			continue
		}
		compared++
		if args = strings.TrimSpace(args); got != args {
			t.Errorf("%s\n  stap:   %s\n  tpinfo: %s", name, args, got)
		}
	}
	slices.Sort(missing)
	for _, name := range missing {
		t.Errorf("%s is listed by stap alone", name)
	}
	t.Logf("%s: stap lists %d events, all compared; tpinfo lists %d", release, compared, len(have))
	if compared < 900 || len(have) <= compared {
		t.Errorf("stap lists %d events, tpinfo %d", compared, len(have))
	}
}
