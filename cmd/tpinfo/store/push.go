package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/oci"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// Push is "tpinfo push".
func Push(a *cli.App) *cobra.Command {
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
		ValidArgsFunction: completeTags(a),
		RunE:              func(cmd *cobra.Command, args []string) error { return pushKernels(cmd.Context(), a, args[0], replace) },
	}
	registryFlags(cmd, "kernels to publish (default: all of the cache)")
	cmd.Flags().String("sign", "", "sign the bundles with the Ed25519 key in this file")
	cmd.Flags().BoolVar(&replace, "replace", false, "leave no other kernels at the tag")
	cli.Must(cmd.RegisterFlagCompletionFunc("kernel", a.CompleteKernels))
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

func pushKernels(ctx context.Context, a *cli.App, place string, replace bool) (err error) {
	repo, ref, err := openRepository(a, place)
	if err != nil {
		return err
	}
	defer repo.Close()
	if ref.Digest != "" {
		return cli.Usagef("%s has a digest, which follows from what is pushed; leave it out", ref)
	}
	out, err := openOutgoing(ctx, a)
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
	bar := newTransferBar(a, "pushed", len(bundles))
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
	return a.Write(func(w io.Writer) error { return printPushed(a, w, ref, index, done) })
}

func printPushed(a *cli.App, w io.Writer, ref oci.Reference, index *oci.Index, done []oci.Pushed) error {
	counts := map[oci.Status]int{}
	sent := int64(0)
	t := &cli.Table{Right: []bool{false, false, true, false}, Paint: []func(string) string{a.Style.Bold, nil, nil, a.Style.Dim}}
	for _, p := range done {
		counts[p.Status]++
		sent += p.Sent
		if a.Settings.Format == "json" {
			err := cli.PrintJSON(w, pushedJSON{
				Schema: tpinfo.Schema, Kernel: p.Releases[0], ID: p.ID, Releases: p.Releases, Status: string(p.Status),
				Size: p.Size, Sent: p.Sent, Signer: p.Signer, Digest: p.Digest(), Index: ref.String(),
			})
			if err != nil {
				return err
			}
		}
		if p.Status != oci.Unchanged || a.Settings.Verbose {
			t.Add(strings.Join(p.Releases, ", "), string(p.Status), cli.Size(p.Size), "id "+cli.ShortID(p.ID))
		}
	}
	switch {
	case a.Settings.Format == "json":
		return nil
	case a.Settings.Quiet:
		_, err := fmt.Fprintln(w, ref)
		return err
	}
	if err := t.Print(w, ""); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d new, %d changed, %d unchanged; %s sent; %s there now\n%s\n",
		counts[oci.New], counts[oci.Changed], counts[oci.Unchanged], cli.Size(sent), cli.Plural(len(index.Kernels), "kernel"), ref)
	return err
}
