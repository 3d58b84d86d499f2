package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/compiler/remote"
)

// goArch is Go's word for the kernel's architectures that tprun is tested on.
var goArch = map[string]string{"x86": "amd64", "arm64": "arm64", "riscv": "riscv64", "s390": "s390x"}

// tprun finds the program that runs objects on an architecture: beside this
// one, or in the folder that TPINFO_TPRUN names.
func tprun(arch string) ([]byte, error) {
	name, ok := goArch[arch]
	if !ok {
		return nil, fmt.Errorf("tprun is built for %s, and the host is %s", strings.Join(slices.Sorted(maps.Keys(goArch)), ", "), arch)
	}
	dir := os.Getenv("TPINFO_TPRUN")
	if dir == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		if self, err = filepath.EvalSymlinks(self); err != nil {
			return nil, err
		}
		dir = filepath.Dir(self)
	}
	data, err := os.ReadFile(filepath.Join(dir, "tprun-linux-"+name))
	if err != nil {
		return nil, fmt.Errorf("%w; 'make programs TPRUN=%s' makes it, and TPINFO_TPRUN names the folder it is in", err, name)
	}
	return data, nil
}

// runRemote compiles for another host's kernel and runs there.
func runRemote(ctx context.Context, a *cli.App, s *script, r runFlags, out io.Writer) (err error) {
	opts := remote.Options{Tprun: tprun, Log: io.Discard}
	if a.Settings.Verbose {
		opts.Log = a.Err
	}
	h, err := remote.Open(ctx, r.remote, opts)
	if errors.Is(err, remote.ErrAddress) {
		return cli.Usage(err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	data := s.object
	if data == nil {
		if data, err = compileForHost(ctx, a, s, h.Facts()); err != nil {
			return err
		}
	}
	status, err := h.Run(ctx, data, r.tprunArgs(a), out, a.Err)
	if err != nil {
		return err
	}
	if status != 0 {
		return cli.StatusError(status)
	}
	return nil
}

// compileForHost compiles for a host's kernel, or for the one that -k names.
func compileForHost(ctx context.Context, a *cli.App, s *script, facts remote.Facts) ([]byte, error) {
	if a.Settings.Kernel != "" {
		return compileFor(ctx, a, s, nil)
	}
	a.Settings.Kernel = facts.Release
	data, err := compileFor(ctx, a, s, &tpinfo.Kernel{Release: facts.Release, Arch: facts.Arch, ByteOrder: facts.ByteOrder, WordSize: 8})
	if errors.Is(err, errUnknown) {
		return nil, fmt.Errorf("the cache does not know the host's kernel, %[1]s\nUnpack its header package here and add it: tpinfo extract usr/src/linux-headers-%[1]s", facts.Release)
	}
	return data, err
}

// tprunArgs are tprun's options for the same run.
func (r *runFlags) tprunArgs(a *cli.App) []string {
	var args []string
	if r.pid > 0 {
		args = append(args, "-x", strconv.Itoa(r.pid))
	}
	if r.command != "" {
		args = append(args, "-c", r.command)
	}
	if r.timeout > 0 {
		args = append(args, "--timeout", r.timeout.String())
	}
	if n := a.Settings.RingSize; n != 0 {
		args = append(args, "--ring-size", strconv.Itoa(n))
	}
	for _, flag := range []struct {
		on   bool
		name string
	}{{a.Settings.Force, "--force"}, {r.allowSystem, "--allow-system"}, {a.Settings.Verbose, "-v"}, {a.Settings.Quiet, "-q"}} {
		if flag.on {
			args = append(args, flag.name)
		}
	}
	return args
}
