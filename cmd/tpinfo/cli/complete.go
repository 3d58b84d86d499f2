package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo/cache"
)

// Completion answers from the cache and stays silent about what is wrong: the
// command itself will say it.

// CompleteKernels completes the releases that the cache knows.
func (a *App) CompleteKernels(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	if a.Configure(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	db, err := a.ReadCache(cmd.Context())
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
		names = append(names, k.Info().Release+"\tid "+ShortID(k.Info().ID))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// CompleteEvents completes events of the kernel that -k names, with their
// system or without.
func (a *App) CompleteEvents(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
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

// CompleteTypes completes C types of the kernel that -k names.
func (a *App) CompleteTypes(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
	return a.complete(cmd, func(k *cache.Kernel) ([]string, error) {
		names, err := k.TypeNames(cmd.Context(), start+"*")
		for i, n := range names {
			names[i] = n[strings.LastIndexByte(n, ' ')+1:]
		}
		return names, err
	})
}

func (a *App) complete(cmd *cobra.Command, f func(*cache.Kernel) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	if a.Configure(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	err := a.WithKernel(cmd.Context(), func(k *cache.Kernel) (err error) {
		names, err = f(k)
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
