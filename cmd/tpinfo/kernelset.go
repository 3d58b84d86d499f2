package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
)

// kernelsFlag gives a command that asks across kernels a -k of its own: it may
// be repeated, and without it all kernels are meant. The configuration's
// kernel, which is about one, does not count.
func (a *app) kernelsFlag(cmd *cobra.Command) {
	cmd.Flags().StringArrayP("kernel", "k", nil, "these kernels: a release, a glob, or the start of an id (may be repeated; default: all)")
	must(cmd.RegisterFlagCompletionFunc("kernel", a.completeKernels))
}

// withKernels calls f with the kernels that -k names, the oldest release first.
func (a *app) withKernels(cmd *cobra.Command, f func(*cache.DB, []*cache.Kernel) error) (err error) {
	db, err := a.readCache(cmd.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	selectors, err := cmd.Flags().GetStringArray("kernel")
	must(err)
	kernels, err := db.Releases(cmd.Context(), selectors...)
	if err != nil {
		return err
	}
	return f(db, kernels)
}

// one wants exactly one argument.
func one(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return usageError{fmt.Errorf("expected %s", what)}
		case 1:
			return nil
		}
		return usageError{fmt.Errorf("unexpected argument %q", args[1])}
	}
}

// completeEverywhere completes events of all kernels.
func (a *app) completeEverywhere(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 || a.configure(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	seen := map[string]bool{}
	var names []string
	err := a.withKernels(cmd, func(_ *cache.DB, kernels []*cache.Kernel) error {
		for _, k := range newestOfSeries(kernels) {
			events, err := k.Events(cmd.Context())
			if err != nil {
				return err
			}
			for i := range events {
				name := events[i].FullName()
				if !strings.HasPrefix(name, start) {
					name = events[i].Name
				}
				if strings.HasPrefix(name, start) && !seen[name] {
					seen[name] = true
					names = append(names, name)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// newestOfSeries are the last kernels of each series, of kernels in the order
// of their releases.
func newestOfSeries(kernels []*cache.Kernel) []*cache.Kernel {
	var out []*cache.Kernel
	last := ""
	for i := len(kernels) - 1; i >= 0; i-- {
		if s := tpinfo.ParseRelease(kernels[i].Info().Release).Series; s != last {
			out, last = append(out, kernels[i]), s
		}
	}
	return out
}
