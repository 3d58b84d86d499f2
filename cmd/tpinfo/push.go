package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/oci"
)

func (a *app) pushCommand() *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use:   "push oci://REGISTRY/REPOSITORY:TAG",
		Short: "Publish kernels of the cache in an OCI registry",
		Long: `Publish kernels of the cache at a tag of an OCI registry, each as a bundle of its
own, for 'tpinfo pull'. What the registry has already is not sent again, and the
other kernels at the tag stay, unless --replace. With --sign, each bundle carries
a signature by an Ed25519 key ('openssl genpkey -algorithm ed25519' makes one).

The tag changes when everything is there. At the end stands the digest of all
that is published there now: as a reference it gives just that, for ever. With
-q, it is all that is printed.

User name and password are those of 'docker login' (or 'skopeo login --authfile
~/.docker/config.json'). SSL_CERT_FILE names the certificates of an authority of
your own, HTTPS_PROXY a proxy.`,
		Example: `  tpinfo push oci://registry.example.com/team/kernels:stable
  tpinfo push oci://registry.example.com/team/kernels:stable -k '6.1.*' -k 6.12.9-amd64
  tpinfo push oci://localhost:5000/kernels:nightly --sign key.pem --replace`,
		Args:              registryReference,
		ValidArgsFunction: a.completeTags,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.push(cmd.Context(), args[0], replace) },
	}
	a.registryFlags(cmd, "kernels to publish (default: all of the cache)")
	cmd.Flags().String("sign", "", "sign the bundles with the Ed25519 key in this file")
	cmd.Flags().BoolVar(&replace, "replace", false, "leave no other kernels at the tag")
	must(cmd.RegisterFlagCompletionFunc("kernel", a.completeKernels))
	return cmd
}

// pushedJSON is the JSON form of a published kernel.
type pushedJSON struct {
	Schema   int      `json:"schema"`
	Kernel   string   `json:"kernel"`
	ID       string   `json:"id"`
	Releases []string `json:"releases"`
	Status   string   `json:"status"` // "new", "changed" or "unchanged"
	Size     int64    `json:"size"`   // bytes of the bundle
	Sent     int64    `json:"sent"`   // of these, what the registry did not have
	Signer   string   `json:"signer"` // key that signed it; empty when none did
	Digest   string   `json:"digest"` // of this kernel's manifest
	Index    string   `json:"index"`  // reference to all that is there now
}

func (a *app) push(ctx context.Context, place string, replace bool) (err error) {
	repo, ref, err := a.repository(place)
	if err != nil {
		return err
	}
	defer repo.Close()
	if ref.Digest != "" {
		return usageError{fmt.Errorf("%s has a digest, which follows from what is pushed; leave it out", ref)}
	}
	out, err := a.outgoing(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.db.Close()) }()
	db, key, kernels := out.db, out.key, out.kernels
	bundles := make([]oci.Bundle, len(kernels))
	for i := range kernels {
		k := &kernels[i]
		bundles[i] = oci.Bundle{
			Entry:  oci.Entry{ID: k.ID, Releases: k.Releases, Arch: k.Arch, Events: k.Events, Content: k.Digest, Signer: signerName(key)},
			Export: func(ctx context.Context) ([]byte, error) { return exportKernel(ctx, db, k.ID, key) },
		}
	}
	bar := a.transferBar("pushed", len(bundles))
	var done []oci.Pushed
	index, err := repo.Push(ctx, bundles, oci.PushOptions{Replace: replace, Report: func(p oci.Pushed) {
		done = append(done, p)
		bar.step()
	}})
	bar.done()
	if err != nil {
		return err
	}
	ref.Digest = index.Digest
	slices.SortFunc(done, func(x, y oci.Pushed) int {
		return cmp.Or(tpinfo.CompareReleases(y.Releases[0], x.Releases[0]), cmp.Compare(x.ID, y.ID))
	})
	return a.write(func(w io.Writer) error { return a.printPushed(w, ref, index, done) })
}

// outgoing is what leaves the cache, and the key that signs it; nil for none.
type outgoing struct {
	db      *cache.DB // to be closed
	kernels []cache.KernelContent
	key     ed25519.PrivateKey
}

// outgoing opens the cache for the kernels that -k names.
func (a *app) outgoing(ctx context.Context) (*outgoing, error) {
	key, err := signingKey(a.settings.sign)
	if err != nil {
		return nil, err
	}
	db, err := a.readCache(ctx)
	if err != nil {
		return nil, err
	}
	kernels, err := a.chooseCached(ctx, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &outgoing{db, kernels, key}, nil
}

// chooseCached are the kernels of the cache that -k names.
func (a *app) chooseCached(ctx context.Context, db *cache.DB) ([]cache.KernelContent, error) {
	all, err := db.Contents(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &cache.NotFoundError{What: "kernel", In: "the cache: it is empty; tpinfo extract adds one"}
	}
	chosen, missing, err := choose(a.settings.kernels, all, func(c *cache.KernelContent) (string, []string) { return c.ID, c.Releases })
	if missing != nil {
		return nil, &cache.NotFoundError{What: "kernel", Name: missing.selector, In: "the cache", Near: missing.near}
	}
	return chosen, err
}

func (a *app) printPushed(w io.Writer, ref oci.Reference, index *oci.Index, done []oci.Pushed) error {
	counts := map[oci.Status]int{}
	sent := int64(0)
	t := &table{right: []bool{false, false, true, false}, paint: []func(string) string{a.style.bold, nil, nil, a.style.dim}}
	for _, p := range done {
		counts[p.Status]++
		sent += p.Sent
		if a.settings.format == "json" {
			err := printJSON(w, pushedJSON{
				Schema: tpinfo.Schema, Kernel: p.Releases[0], ID: p.ID, Releases: p.Releases, Status: string(p.Status),
				Size: p.Size, Sent: p.Sent, Signer: p.Signer, Digest: p.Digest(), Index: ref.String(),
			})
			if err != nil {
				return err
			}
		}
		if p.Status != oci.Unchanged || a.settings.verbose {
			t.add(strings.Join(p.Releases, ", "), string(p.Status), size(p.Size), "id "+shortID(p.ID))
		}
	}
	switch {
	case a.settings.format == "json":
		return nil
	case a.settings.quiet:
		_, err := fmt.Fprintln(w, ref)
		return err
	}
	if err := t.print(w, ""); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d new, %d changed, %d unchanged; %s sent; %s there now\n%s\n",
		counts[oci.New], counts[oci.Changed], counts[oci.Unchanged], size(sent), plural(len(index.Kernels), "kernel"), ref)
	return err
}

// exportKernel is the bundle of one kernel.
func exportKernel(ctx context.Context, db *cache.DB, id string, key ed25519.PrivateKey) ([]byte, error) {
	var opts []cache.ExportOption
	if key != nil {
		opts = append(opts, cache.Sign(key))
	}
	var out bytes.Buffer
	err := db.Export(ctx, &out, []string{id}, opts...)
	return out.Bytes(), err
}

// signingKey reads the key that --sign names; nil without one.
func signingKey(file string) (ed25519.PrivateKey, error) {
	if file == "" {
		return nil, nil
	}
	key, err := bundle.ReadPrivateKey(file)
	if err != nil {
		return nil, fmt.Errorf("--sign: %w", err)
	}
	return key, nil
}

// signerName is how a key's owner is told from others; empty without a key.
func signerName(key ed25519.PrivateKey) string {
	if key == nil {
		return ""
	}
	return bundle.Name(ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:]))
}
