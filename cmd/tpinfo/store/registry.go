package store

import (
	"context"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/oci"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// What push and pull share.

// registryFlags are those of both.
func registryFlags(cmd *cobra.Command, which string) {
	f := cmd.Flags()
	f.StringArrayP("kernel", "k", nil, which+": a release, a glob over releases or the start of an id (may be repeated)")
	f.Bool("plain-http", false, "speak HTTP without TLS (default: with registries on this machine)")
}

// registryReference is a command's only argument.
func registryReference(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 1:
		return nil
	case 0:
		return cli.Usagef("expected where in a registry, as in oci://registry.example.com/team/kernels:stable")
	}
	return cli.Usagef("unexpected argument %q; kernels are chosen with -k", args[1])
}

// openRepository prepares to talk to the registry that a reference names.
func openRepository(a *cli.App, text string) (*oci.Repository, oci.Reference, error) {
	ref, err := oci.ParseReference(text)
	if err != nil {
		return nil, ref, cli.Usage(err)
	}
	plain := ref.Loopback()
	if a.Settings.PlainHTTP != nil {
		plain = *a.Settings.PlainHTTP
	}
	r, err := oci.Open(ref, oci.Options{PlainHTTP: plain, UserAgent: "tpinfo/" + strings.Trim(cli.ThisProgram().Version, "()")})
	return r, ref, err
}

// completeTags completes a reference by the tags of its repository.
func completeTags(a *cli.App) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
		const none = cobra.ShellCompDirectiveNoFileComp
		if len(args) > 0 {
			return nil, none
		}
		at := strings.LastIndexByte(start, ':')
		if at < len(oci.Scheme) || strings.ContainsRune(start[at:], '/') || a.Configure(cmd) != nil {
			return []string{oci.Scheme}, none | cobra.ShellCompDirectiveNoSpace
		}
		r, _, err := openRepository(a, start[:at]+":any")
		if err != nil {
			return nil, none
		}
		defer r.Close()
		// Nobody waits longer at a prompt.
		ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
		defer cancel()
		tags, err := r.Tags(ctx)
		if err != nil {
			return nil, none
		}
		for i := range tags {
			tags[i] = start[:at+1] + tags[i]
		}
		return tags, none
	}
}

// unmatched is a -k that no kernel fits.
type unmatched struct {
	selector string
	near     []string
}

// choose picks the items that the selectors name, each once and in their own
// order; all of them without a selector.
func choose[T any](selectors []string, items []T, describe func(*T) (id string, releases []string)) ([]T, *unmatched, error) {
	if len(selectors) == 0 {
		return items, nil, nil
	}
	chosen := make([]bool, len(items))
	for _, s := range selectors {
		found := false
		var known []string
		for i := range items {
			id, releases := describe(&items[i])
			fits := len(s) >= 4 && strings.HasPrefix(id, s)
			for _, r := range releases {
				ok, err := path.Match(s, r)
				if err != nil {
					return nil, nil, cli.Usagef("-k %q is no glob: %w", s, err)
				}
				fits = fits || ok
			}
			chosen[i] = chosen[i] || fits
			found = found || fits
			known = append(known, releases...)
		}
		if !found {
			return nil, &unmatched{s, tpinfo.Near(s, known, maxNearKernels, true)}, nil
		}
	}
	i := -1
	return slices.DeleteFunc(slices.Clone(items), func(T) bool { i++; return !chosen[i] }), nil, nil
}

// maxNearKernels is how many releases an error suggests.
const maxNearKernels = 5

// transferBar shows on a terminal how many of some kernels are through; what
// is printed through it goes above the bar.
type transferBar struct {
	bars *mpb.Progress // nil: no bar
	bar  *mpb.Bar
}

func newTransferBar(a *cli.App, doing string, kernels int) *transferBar {
	if kernels == 0 {
		return &transferBar{}
	}
	bars := a.Bars()
	if bars == nil {
		return &transferBar{}
	}
	return &transferBar{bars: bars, bar: bars.New(int64(kernels), mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("·"),
		mpb.BarRemoveOnComplete(), mpb.AppendDecorators(decor.CountersNoUnit(" "+doing+" %d of %d kernels "), decor.Elapsed(decor.ET_STYLE_GO)))}
}

// over is where to print what goes to w: above the bar, when both are on the
// terminal.
func (b *transferBar) over(w io.Writer) io.Writer {
	if b.bars != nil && cli.IsTerminal(w) {
		return b.bars
	}
	return w
}

func (b *transferBar) step() {
	if b.bar != nil {
		b.bar.Increment()
	}
}

// done takes the bar away.
func (b *transferBar) done() {
	if b.bars != nil {
		b.bar.Abort(true)
		b.bars.Wait()
	}
}
