package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo/cache"
)

// Completion answers from the cache and stays silent about what is wrong: the
// command itself will say it.

func (a *app) completeKernels(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	if a.configure(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	db, err := a.readCache(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer db.Close()
	kernels, err := db.Releases(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, k := range slices.Backward(kernels) {
		names = append(names, k.Info().Release+"\tid "+shortID(k.Info().ID))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeEvents(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
	return a.complete(cmd, func(k *cache.Kernel) ([]string, error) {
		events, err := k.Events(cmd.Context())
		var names []string
		for i := range events {
			if full := events[i].FullName(); strings.HasPrefix(full, start) {
				names = append(names, full)
			} else if strings.HasPrefix(events[i].Name, start) {
				names = append(names, events[i].Name)
			}
		}
		return names, err
	})
}

// completeEventsOf completes events of a kernel that is an argument.
func (a *app) completeEventsOf(cmd *cobra.Command, selector, start string) ([]string, cobra.ShellCompDirective) {
	if err := cmd.Flags().Set("kernel", selector); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeEvents(cmd, nil, start)
}

func (a *app) completeTypes(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
	return a.complete(cmd, func(k *cache.Kernel) ([]string, error) {
		names, err := k.TypeNames(cmd.Context(), start+"*")
		for i, n := range names {
			names[i] = n[strings.LastIndexByte(n, ' ')+1:]
		}
		return names, err
	})
}

func (a *app) complete(cmd *cobra.Command, f func(*cache.Kernel) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	if a.configure(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	err := a.withKernel(cmd.Context(), func(k *cache.Kernel) (err error) {
		names, err = f(k)
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// installedReleases are those with a build tree under /lib/modules.
func installedReleases() []string {
	builds, err := filepath.Glob("/lib/modules/*/build")
	if err != nil {
		return nil
	}
	var names []string
	for _, b := range builds {
		if _, err := os.Stat(b); err == nil {
			names = append(names, filepath.Base(filepath.Dir(b)))
		}
	}
	return names
}
