package cli

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo/cache"
)

// WithKernel calls f with the kernel that -k names, by default the running one
// or the only one.
func (a *App) WithKernel(ctx context.Context, f func(*cache.Kernel) error) (err error) {
	db, err := a.ReadCache(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	k, err := a.kernel(ctx, db)
	if err != nil {
		return err
	}
	return f(k)
}

func (a *App) kernel(ctx context.Context, db *cache.DB) (*cache.Kernel, error) {
	if a.Settings.Kernel != "" {
		return db.Kernel(ctx, a.Settings.Kernel)
	}
	k, err := db.Kernel(ctx, "")
	var many *cache.AmbiguousError
	if !errors.As(err, &many) {
		return k, err
	}
	release, rerr := os.ReadFile("/proc/sys/kernel/osrelease")
	if rerr != nil {
		return nil, err
	}
	if running, kerr := db.Kernel(ctx, strings.TrimSpace(string(release))); kerr == nil {
		return running, nil
	}
	return nil, err
}

// KernelsFlag gives a command that asks across kernels a -k of its own: it may
// be repeated, and without it all kernels are meant. The configuration's
// kernel, which is about one, does not count.
func (a *App) KernelsFlag(cmd *cobra.Command) {
	cmd.Flags().StringArrayP("kernel", "k", nil, "these kernels: a release, a glob, or the start of an id (may be repeated; default: all)")
	Must(cmd.RegisterFlagCompletionFunc("kernel", a.CompleteKernels))
}

// WithKernels calls f with the kernels that -k names, the oldest release first.
func (a *App) WithKernels(cmd *cobra.Command, f func(*cache.DB, []*cache.Kernel) error) (err error) {
	db, err := a.ReadCache(cmd.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	selectors, err := cmd.Flags().GetStringArray("kernel")
	Must(err)
	kernels, err := db.Releases(cmd.Context(), selectors...)
	if err != nil {
		return err
	}
	return f(db, kernels)
}

// IsPattern reports whether a name is a glob.
func IsPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// ShortID is as much of a kernel's id as people need.
func ShortID(id string) string { return id[:min(len(id), 12)] }
