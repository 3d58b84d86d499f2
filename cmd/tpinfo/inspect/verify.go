package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/compiler/runner"
	"github.com/tpinfo/tpinfo/extractor/btf"
	"github.com/tpinfo/tpinfo/extractor/tracefs"
	"github.com/tpinfo/tpinfo/extractor/verify"
)

// Verify is "tpinfo verify".
func Verify(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify (--btf FILE [--modules DIR] | --tracefs DIR)",
		Short: "Compare a kernel in the cache with its BTF or its tracefs",
		Long: `Hold what the cache says of a kernel against a second source: the BTF of its
image (arguments, records, types), or the format files of a tracefs of that
kernel (records). Exit status 0 when both agree on everything that both describe;
1 with each difference otherwise. Differences that come from what BTF cannot
express are counted apart; -v lists them, and what only one side describes.

The events of modules are in the BTF of the modules: --modules is the folder that
they are installed in. Types are compared with the image's alone: those of modules
share names. An event that the cache says is not built is none that it has: BTF
must not have it either.`,
		Example: `  tpinfo verify -k 6.1.0-56-cloud-amd64 --btf /boot/vmlinuz-6.1.0-56-cloud-amd64
  tpinfo verify -k 6.1.0-56-amd64 --btf /boot/vmlinuz-6.1.0-56-amd64 --modules /lib/modules/6.1.0-56-amd64
  tpinfo verify --btf /sys/kernel/btf/vmlinux
  tpinfo verify --tracefs /sys/kernel/tracing`,
		Args: cli.None,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := cmd.Flags().GetString("tracefs")
			if err != nil {
				return err
			}
			modules, err := cmd.Flags().GetString("modules")
			if err != nil {
				return err
			}
			return a.WithKernel(cmd.Context(), func(k *cache.Kernel) error {
				btf := a.Settings.BTFFor(k.Info().Release)
				switch {
				case btf == "" && dir == "":
					return cli.Usagef("nothing to compare with: give --btf FILE, --tracefs DIR or both")
				case btf == "" && modules != "":
					return cli.Usagef("modules build on their kernel's BTF: give --btf FILE too")
				}
				if err := errors.Join(cli.CheckReadable("--btf", btf), cli.CheckReadable("--modules", modules)); err != nil {
					return err
				}
				return verifyKernel(cmd.Context(), a, k, btf, modules, dir)
			})
		},
	}
	cmd.Flags().String("btf", "", "kernel image, ELF file or raw BTF of the same kernel")
	cmd.Flags().String("modules", "", "folder with the modules of that image")
	cmd.Flags().String("tracefs", "", "where a tracefs of the same kernel is mounted, or a copy of its events folder")
	return cmd
}

// comparison is one report with the name of what it compares.
type comparison struct {
	what   string
	report *verify.Report
}

func verifyKernel(ctx context.Context, a *cli.App, k *cache.Kernel, btf, modules, tracefsDir string) error {
	events, err := k.Events(ctx)
	if err != nil {
		return err
	}
	events = slices.DeleteFunc(events, func(e tpinfo.Tracepoint) bool { return !e.Built() })
	var all []comparison
	if btf != "" {
		found, err := verifyBTF(ctx, a, k, events, btf, modules)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	if tracefsDir != "" {
		formats, skipped, err := tracefs.Read(ctx, tracefsDir)
		if err != nil {
			return err
		}
		for _, p := range skipped {
			a.Note("%s", p)
		}
		all = append(all, comparison{"records, tracefs", verify.Records(events, formats, verify.Limits{})})
	}
	bad := 0
	for _, c := range all {
		bad += c.report.Unexplained()
	}
	if err := a.Write(func(w io.Writer) error { return printComparisons(a, w, k.Info().Release, all) }); err != nil {
		return err
	}
	if bad > 0 {
		return cli.ErrSilent
	}
	return nil
}

func verifyBTF(ctx context.Context, a *cli.App, k *cache.Kernel, events []tpinfo.Tracepoint, btf, modules string) ([]comparison, error) {
	spec, err := loadBTF(ctx, btf, modules)
	if err != nil {
		return nil, err
	}
	for _, p := range spec.Problems() {
		a.Note("%s", p)
	}
	r := spec.Release()
	if path, err := filepath.Abs(btf); r == "" && err == nil && strings.HasPrefix(path, "/sys/kernel/btf/") {
		if this, err := runner.ThisTarget(); err == nil {
			r = this.Release
		}
	}
	if r != "" && r != k.Info().Release {
		return nil, fmt.Errorf("%s is of kernel %s, not of %s; choose the kernel with -k %s", btf, r, k.Info().Release, r)
	}
	// What is no tracepoint, as a system call is not, is not in BTF.
	events = slices.DeleteFunc(slices.Clone(events), func(e tpinfo.Tracepoint) bool { return e.RecordOnly() })
	oracle, err := spec.Tracepoints()
	if err != nil {
		return nil, err
	}
	types, err := k.Types(ctx)
	if err != nil {
		return nil, err
	}
	// A module's type may have the name of another module's.
	oracleTypes, err := spec.Image().Types()
	if err != nil {
		return nil, err
	}
	return []comparison{
		{"arguments, BTF", verify.Events(events, oracle.Events, spec.Limits())},
		{"records, BTF", verify.Records(events, oracle.RecordsOf(events), spec.Limits())},
		{"types, BTF", verify.Types(types, oracleTypes, spec.Limits())},
	}, nil
}

// loadBTF reads an image's BTF, and that of modules where a folder is given.
func loadBTF(ctx context.Context, image, modules string) (*btf.Spec, error) {
	if modules == "" {
		return btf.Load(ctx, image)
	}
	return btf.WithModules(ctx, image, modules)
}

// verifyJSON is the JSON form of a comparison.
type verifyJSON struct {
	Schema        int                   `json:"schema"`
	Kernel        string                `json:"kernel"`
	Compares      string                `json:"compares"`
	Compared      int                   `json:"compared"`
	Agreed        int                   `json:"agreed"`
	Disagreements []verify.Disagreement `json:"disagreements"`
	OnlyHere      []string              `json:"only_here"`
	OnlyThere     []string              `json:"only_there"`
}

func printComparisons(a *cli.App, w io.Writer, release string, all []comparison) error {
	for _, c := range all {
		r := c.report
		if a.Settings.Format == "json" {
			err := cli.PrintJSON(w, verifyJSON{tpinfo.Schema, release, c.what, r.Compared, r.Agreed,
				cli.NotNil(r.Disagreements), cli.NotNil(r.OnlyHave), cli.NotNil(r.OnlyOracle)})
			if err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%-16s  %5d compared, %5d agree", c.what, r.Compared, r.Agreed)
		if n := len(r.Disagreements) - r.Unexplained(); n > 0 {
			fmt.Fprintf(w, "; %s explained", cli.Plural(n, "difference"))
		}
		if n := len(r.OnlyHave) + len(r.OnlyOracle); n > 0 {
			fmt.Fprintf(w, "; %d only in the cache, %d only there", len(r.OnlyHave), len(r.OnlyOracle))
		}
		fmt.Fprintln(w)
		for _, d := range r.Disagreements {
			if d.Explained == "" || a.Settings.Verbose {
				fmt.Fprintf(w, "  %s\n", d)
			}
		}
		if a.Settings.Verbose {
			printNames(w, "only in the cache", r.OnlyHave)
			printNames(w, "only there", r.OnlyOracle)
		}
	}
	return nil
}

func printNames(w io.Writer, what string, names []string) {
	if len(names) > 0 {
		fmt.Fprintf(w, "  %s: %s\n", what, strings.Join(names, " "))
	}
}
