package store

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/oci"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// Pull is "tpinfo pull".
func Pull(a *cli.App) *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use:   "pull oci://REGISTRY/REPOSITORY:TAG[@DIGEST]",
		Short: "Get kernels that were published in an OCI registry",
		Long: `Get kernels that 'tpinfo push' published into the cache: all of them, or those
that -k names. What the cache knows already is not fetched. Every bundle is held
to the digest that leads to it; with --verify it must also be signed by one of
these keys. One that is refused costs no other.

With --list, nothing is fetched: it shows what is there, and what of it the cache
has. A digest in place of a tag, or behind it, gives exactly what had it when it
was published.

User name and password are those of 'docker login' (or 'skopeo login --authfile
~/.docker/config.json'). SSL_CERT_FILE names the certificates of an authority of
your own, HTTPS_PROXY a proxy.`,
		Example: `  tpinfo pull --list oci://registry.example.com/team/kernels:stable
  tpinfo pull oci://registry.example.com/team/kernels:stable -k $(uname -r)
  tpinfo pull oci://registry.example.com/team/kernels:stable -k '6.1.*' --verify key.pub
  tpinfo pull oci://registry.example.com/team/kernels@sha256:679e3efbfd932dd111fe6ee9aceae6b89f33cca94cd348549eff7efd251e4320`,
		Args:              registryReference,
		ValidArgsFunction: completeTags(a),
		RunE:              func(cmd *cobra.Command, args []string) error { return pullKernels(cmd.Context(), a, args[0], list) },
	}
	registryFlags(cmd, "kernels to get (default: all that are there)")
	cmd.Flags().StringArray("verify", nil, "take only what the Ed25519 key in this file signed (may be repeated)")
	cmd.Flags().BoolVar(&list, "list", false, "show what is there and fetch nothing")
	return cmd
}

func pullKernels(ctx context.Context, a *cli.App, place string, list bool) error {
	repo, ref, err := openRepository(a, place)
	if err != nil {
		return err
	}
	defer repo.Close()
	keys, err := cli.TrustedKeys(a.Settings.Verify)
	if err != nil {
		return err
	}
	index, err := repo.Index(ctx)
	if err != nil {
		return err
	}
	if index.Newer > 0 {
		a.Note("%s left out that a newer tpinfo published", cli.Plural(index.Newer, "kernel"))
	}
	chosen, missing, err := choose(a.Settings.Kernels, index.Kernels, func(e *oci.Entry) (string, []string) { return e.ID, e.Releases })
	if missing != nil {
		return &oci.NotFoundError{What: "kernel", Name: missing.selector, In: ref.String(), Near: missing.near}
	}
	if err != nil {
		return err
	}
	slices.SortStableFunc(chosen, func(x, y oci.Entry) int { return tpinfo.CompareReleases(y.Releases[0], x.Releases[0]) })
	if list {
		return listPublished(ctx, a, chosen)
	}
	return getPublished(ctx, a, repo, chosen, keys)
}

// knownContents are what the cache holds, by kernel id. A cache that is not
// there yet holds nothing.
func knownContents(ctx context.Context, a *cli.App) (known map[string]cache.KernelContent, err error) {
	db, err := a.ReadCache(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return contentsByID(ctx, db)
}

func contentsByID(ctx context.Context, db *cache.DB) (map[string]cache.KernelContent, error) {
	all, err := db.Contents(ctx)
	known := map[string]cache.KernelContent{}
	for _, c := range all {
		known[c.ID] = c
	}
	return known, err
}

// here says what the cache has of a published kernel: "yes", "other" content of
// the same kernel, or "no".
func here(known map[string]cache.KernelContent, e *oci.Entry) string {
	c, ok := known[e.ID]
	if !ok {
		return "no"
	}
	for _, r := range e.Releases {
		if !slices.Contains(c.Releases, r) {
			return "other"
		}
	}
	if c.Digest != e.Content {
		return "other"
	}
	return "yes"
}

// publishedJSON is the JSON form of a kernel in a registry.
type publishedJSON struct {
	Schema   int      `json:"schema"`
	Kernel   string   `json:"kernel"`
	ID       string   `json:"id"`
	Releases []string `json:"releases"`
	Arch     string   `json:"arch"`
	Events   int      `json:"events"`
	Size     int64    `json:"size"`   // bytes of the bundle
	Signer   string   `json:"signer"` // key that signed it; empty when none did
	Digest   string   `json:"digest"`
	// Here is what the cache has of it: "yes", "other" or "no".
	Here string `json:"here"`
	// Status is what became of it: "new", "changed", "unchanged" or "failed",
	// then with the reason; both empty in a list.
	Status string `json:"status"`
	Reason string `json:"reason"`
}

func publishedForm(e *oci.Entry, here string) publishedJSON {
	return publishedJSON{
		Schema: tpinfo.Schema, Kernel: e.Releases[0], ID: e.ID, Releases: e.Releases, Arch: e.Arch, Events: e.Events,
		Size: e.Size, Signer: e.Signer, Digest: e.Digest(), Here: here,
	}
}

func listPublished(ctx context.Context, a *cli.App, entries []oci.Entry) error {
	known, err := knownContents(ctx, a)
	if err != nil {
		return err
	}
	return a.Write(func(w io.Writer) error {
		t := &cli.Table{Right: []bool{false, false, false, true, true}, Paint: []func(string) string{a.Style.Bold, a.Style.Dim}}
		t.Add("RELEASE", "ID", "ARCH", "EVENTS", "SIZE", "SIGNED", "HERE")
		for i := range entries {
			e := &entries[i]
			if a.Settings.Format == "json" {
				if err := cli.PrintJSON(w, publishedForm(e, here(known, e))); err != nil {
					return err
				}
				continue
			}
			signer := e.Signer
			if signer == "" {
				signer = "no"
			}
			for j, r := range e.Releases {
				if j == 0 {
					t.Add(r, cli.ShortID(e.ID), e.Arch, strconv.Itoa(e.Events), cli.Size(e.Size), signer, here(known, e))
				} else {
					t.Add(r, cli.ShortID(e.ID), "the same")
				}
			}
		}
		if a.Settings.Format == "json" {
			return nil
		}
		return t.Print(w, "")
	})
}

// getPublished fetches what the cache does not have, several bundles at once,
// and imports them one after the other.
func getPublished(ctx context.Context, a *cli.App, repo *oci.Repository, entries []oci.Entry, keys []ed25519.PublicKey) (err error) {
	db, err := cache.Open(ctx, a.Settings.Cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	known, err := contentsByID(ctx, db)
	if err != nil {
		return err
	}
	p := &pulling{a: a, db: db, keys: keys, known: known, counts: map[string]int{}, bar: newTransferBar(a, "pulled", len(entries))}
	err = a.Write(func(w io.Writer) error { return p.run(ctx, p.bar.over(w), repo, entries) })
	p.bar.done()
	if err != nil {
		return err
	}
	return p.summary()
}

// pulling is a pull on its way.
type pulling struct {
	a     *cli.App
	db    *cache.DB
	keys  []ed25519.PublicKey
	known map[string]cache.KernelContent
	bar   *transferBar

	counts map[string]int // by status
	bytes  int64          // of what was imported
}

// fetched is a bundle, or why there is none.
type fetched struct {
	bundle []byte
	err    error
}

// ahead is how many bundles may be on their way or wait to be imported.
const ahead = 4

func (p *pulling) run(ctx context.Context, w io.Writer, repo *oci.Repository, entries []oci.Entry) error {
	group, ctx := errgroup.WithContext(ctx)
	queue := make(chan chan fetched, ahead) // in the order of entries
	group.Go(func() error {
		defer close(queue)
		for i := range entries {
			result := make(chan fetched, 1)
			select {
			case queue <- result:
			case <-ctx.Done():
				return ctx.Err()
			}
			if here(p.known, &entries[i]) == "yes" {
				result <- fetched{}
				continue
			}
			group.Go(func() error {
				bundle, err := repo.Bundle(ctx, entries[i])
				result <- fetched{bundle, err}
				return nil
			})
		}
		return nil
	})
	group.Go(func() error {
		i := 0
		for result := range queue {
			f := <-result
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := p.take(ctx, w, &entries[i], f); err != nil {
				return err
			}
			i++
		}
		return nil
	})
	return group.Wait()
}

// What can become of a published kernel.
const (
	pulledNew       = "new"
	pulledChanged   = "changed"
	pulledUnchanged = "unchanged"
	pulledFailed    = "failed"
)

// take imports a bundle and says what became of it. Its errors end the pull;
// what is wrong with the bundle does not.
func (p *pulling) take(ctx context.Context, w io.Writer, e *oci.Entry, f fetched) error {
	form := publishedForm(e, here(p.known, e))
	form.Status = pulledUnchanged
	if form.Here != "yes" && f.err == nil {
		form.Status, f.err = p.add(ctx, e, f.bundle)
	}
	switch {
	case f.err == nil:
		form.Here = "yes"
	case ctx.Err() != nil, errors.Is(f.err, cache.ErrReadOnly), errors.Is(f.err, cache.ErrFull), errors.Is(f.err, cache.ErrLocked):
		return f.err // so would all the others
	default:
		form.Status, form.Reason = pulledFailed, f.err.Error()
		fmt.Fprintf(p.bar.over(p.a.Err), "tpinfo: %s: %v\n", e.Releases[0], f.err)
	}
	p.counts[form.Status]++
	p.bar.step()
	switch {
	case p.a.Settings.Format == "json":
		return cli.PrintJSON(w, form)
	case p.a.Settings.Quiet || form.Status == pulledFailed || form.Status == pulledUnchanged && !p.a.Settings.Verbose:
		return nil
	}
	_, err := fmt.Fprintf(w, "%s  %s  %s  %s\n", p.a.Style.Bold(strings.Join(e.Releases, ", ")), form.Status, cli.Size(e.Size), p.a.Style.Dim("id "+cli.ShortID(e.ID)))
	return err
}

// add imports a bundle, which must be of the kernel that the index says.
func (p *pulling) add(ctx context.Context, e *oci.Entry, data []byte) (status string, err error) {
	res, err := p.db.Import(ctx, bytes.NewReader(data), cache.Only(e.ID), cache.Trust(p.keys...))
	if err != nil {
		return "", err
	}
	p.bytes += int64(len(data))
	switch {
	case res.Kernels > 0:
		return pulledNew, nil
	case res.Grown+res.Releases > 0:
		return pulledChanged, nil
	}
	return pulledUnchanged, nil // the cache knew more
}

func (p *pulling) summary() error {
	if p.a.Settings.Format != "json" && !p.a.Settings.Quiet {
		if _, err := fmt.Fprintf(p.a.Out, "%d new, %d changed, %d known already; %s fetched\n",
			p.counts[pulledNew], p.counts[pulledChanged], p.counts[pulledUnchanged], cli.Size(p.bytes)); err != nil {
			return err
		}
	}
	failed, all := p.counts[pulledFailed], 0
	for _, n := range p.counts {
		all += n
	}
	switch failed {
	case 0:
		return nil
	case all:
		return fmt.Errorf("%s failed; the cache is as it was", cli.Plural(all, "kernel"))
	}
	return fmt.Errorf("%d of %d kernels failed; the others are in the cache", failed, all)
}
