package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

func exportCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use: "export -o FILE", Short: "Write kernels to a small file for another machine",
		Long: `Write the kernels that -k names, or all, to one small file, for 'tpinfo cache
import' elsewhere, or as it is for --cache of a command that reads. "-" is standard
output. The same kernels give the same bytes, whenever they were extracted.

With --sign, the file carries a signature by an Ed25519 key, in the form of openssl
or OpenSSH and without a passphrase; 'openssl genpkey -algorithm ed25519' makes one.`,
		Example: `  tpinfo cache export -o all.tpz
  tpinfo cache export -k '6.1.*' -k 6.12.9-amd64 -o kernels.tpz
  tpinfo cache export -k $(uname -r) --sign key.pem -o - | ssh target tpinfo cache import --verify key.pub -`,
		Args: cli.None,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			// The configuration's kernel is about questions to one.
			a.Settings.Kernels, err = cmd.Flags().GetStringArray("kernel")
			cli.Must(err)
			return export(cmd.Context(), a)
		},
	}
	cmd.Flags().StringArrayP("kernel", "k", nil, "kernels to export: a release, a glob, or the start of an id (may be repeated; default: all)")
	cmd.Flags().String("sign", "", "sign the file with the Ed25519 key in this file")
	cli.Must(cmd.RegisterFlagCompletionFunc("kernel", a.CompleteKernels))
	return cmd
}

// exportedJSON is the JSON form of an exported file.
type exportedJSON struct {
	Schema  int    `json:"schema"`
	File    string `json:"file"`
	Kernels int    `json:"kernels"`
	Bytes   int64  `json:"bytes"`
	Signer  string `json:"signer"` // key that signed it; empty when none did
}

func export(ctx context.Context, a *cli.App) (err error) {
	file := a.Settings.Output
	switch {
	case file == "":
		return cli.Usagef(`expected -o FILE, or -o - for standard output`)
	case file == "-" && cli.IsTerminal(a.Out):
		return cli.Usagef("the file is not for a terminal; give it a name with -o, or a program to read it")
	}
	out, err := openOutgoing(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.db.Close()) }()
	db, key, chosen := out.db, out.key, out.kernels
	x := exportedJSON{Schema: tpinfo.Schema, File: file, Kernels: len(chosen), Signer: signerName(key)}
	var ids []string
	for i := range chosen {
		ids = append(ids, chosen[i].ID)
	}
	var opts []cache.ExportOption
	if key != nil {
		opts = append(opts, cache.Sign(key))
	}
	export := func(w io.Writer) error { return db.Export(ctx, w, ids, opts...) }
	if file == "-" {
		return export(a.Out)
	}
	if err := cli.WriteFile("output", file, export); err != nil {
		return err
	}
	st, err := os.Stat(file)
	if err != nil {
		return err
	}
	x.Bytes = st.Size()
	switch {
	case a.Settings.Format == "json":
		return cli.PrintJSON(a.Out, x)
	case a.Settings.Quiet:
		return nil
	}
	by := ""
	if key != nil {
		by = ", signed by " + x.Signer
	}
	_, err = fmt.Fprintf(a.Out, "%s: %s, %s%s\n", a.Style.Bold(file), cli.Plural(x.Kernels, "kernel"), cli.Size(x.Bytes), by)
	return err
}
