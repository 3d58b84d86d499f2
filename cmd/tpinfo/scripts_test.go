package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/programs"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// The scripts that have to run as they are.
const (
	pageCache = "../../fixtures/scripts/pagecache.stp"
	hrtimers  = "../../fixtures/scripts/hrtimer_init.stp"
)

// do runs the program in this process and returns what it printed.
func do(t *testing.T, want int, args ...string) (out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	if status := run(context.Background(), args, cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e}); status != want {
		t.Fatalf("tpinfo %s: status %d, want %d\n%s%s", strings.Join(args, " "), status, want, o.String(), e.String())
	}
	return o.String(), e.String()
}

// The page-cache script and the hrtimer script, compiled here for other kernels
// and run there, by a load whose counts are known.
func TestScriptsOnOtherKernels(t *testing.T) {
	tier.Need(t, tier.Booted)
	tier.NeedTool(t, "gcc", "gcc")
	tier.NeedTool(t, "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu")
	tier.NeedTool(t, "riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu")
	tier.NeedTool(t, "s390x-linux-gnu-gcc", "gcc-s390x-linux-gnu")
	tprun := map[string]string{}
	for _, arch := range []string{"amd64", "arm64", "riscv64", "s390x"} {
		tprun[arch] = programs.Tprun(t, arch)
	}
	// s390x is big-endian.
	others := []kernels.Spec{{Series: "6.1", Flavour: "arm64"}, {Series: "6.12", Flavour: "riscv64"}, {Series: "6.12", Flavour: "s390x"}}
	for _, series := range kernels.Series() {
		others = append(others, kernels.Spec{Series: series})
	}
	for _, spec := range others {
		t.Run(spec.String(), func(t *testing.T) {
			t.Parallel()
			k := kernels.Get(t, spec, kernels.Headers, kernels.Image)
			dir := t.TempDir()
			db := filepath.Join(dir, "cache.db")
			do(t, exitDone, "extract", "-q", "--cache", db, k.Build)
			files := map[string]vm.File{"/bin/tprun": {Host: tprun[k.Arch]}}
			command := fmt.Sprintf(`mount -t ramfs ramfs /root
tprun /pagecache.o >/tmp/pages & p=$!
sleep 4
sh -c 'echo $$ >/tmp/pid; exec dd if=/dev/zero of=/root/file bs=4096 count=%d' 2>/dev/null
wait $p; echo "status $?"; cat /tmp/pages /tmp/pid
`, pages)
			do(t, exitDone, "compile", pageCache, "-q", "--cache", db, "-o", filepath.Join(dir, "pagecache.o"))
			files["/pagecache.o"] = vm.File{Host: filepath.Join(dir, "pagecache.o")}
			wantTimers := !strings.HasPrefix(k.Release, "7")
			if wantTimers {
				do(t, exitDone, "compile", hrtimers, "-q", "--cache", db, "-o", filepath.Join(dir, "hrtimers.o"))
				files["/hrtimers.o"] = vm.File{Host: filepath.Join(dir, "hrtimers.o")}
				command += "tprun -c 'sleep 0.1' /hrtimers.o; echo \"status $?\"\n"
			} else {
				// The event became hrtimer_setup in 6.15: the error says so.
				_, errs := do(t, exitFailed, "compile", hrtimers, "--cache", db)
				if !strings.Contains(errs, `no event "hrtimer_init"`) || !strings.Contains(errs, "hrtimer_setup") {
					t.Errorf("the error does not lead to hrtimer_setup:\n%s", errs)
				}
			}
			res := vm.Boot(t, vm.Guest{Kernel: k, Files: files, Command: []string{"sh", "-c", command}, Limit: 3 * time.Minute})
			judgeScripts(t, res, wantTimers)
		})
	}
}

// pages is how many pages dd adds to the page cache.
const pages = 3000

var (
	// The event comes before the timer is initialised: its state is a byte that
	// was there before.
	pageLine  = regexp.MustCompile(`^status 0\nPid (\d+) added (\d+) pages\n(\d+)\n`)
	timerLine = regexp.MustCompile(`^(hrtimer state: \d{1,3}\n)+status 0\n$`)
)

func judgeScripts(t *testing.T, res vm.Result, wantTimers bool) {
	t.Helper()
	if res.Stderr != "" {
		t.Errorf("stderr: %s", res.Stderr)
	}
	m := pageLine.FindStringSubmatch(res.Stdout)
	if m == nil {
		t.Fatalf("%s\n%s", res.Stdout, res.Console)
	}
	if m[1] != m[3] || m[2] != fmt.Sprint(pages) {
		t.Errorf("process %s added %s pages; it was %s, and %d", m[1], m[2], m[3], pages)
	}
	if rest := res.Stdout[len(m[0]):]; wantTimers && !timerLine.MatchString(rest) {
		t.Errorf("the timers: %q", rest)
	}
}
