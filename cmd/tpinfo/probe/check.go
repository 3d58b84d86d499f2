package probe

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/matrix"
)

// Check is "tpinfo check".
func Check(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check SCRIPT [ARG...]",
		Short: "Tell on which kernels a script compiles and means the same",
		Long: `Hold a probe script against all kernels of the cache, or those that -k names:
whether it compiles for each, and whether it means the same as on the baseline,
which is the newest of them or the one that --baseline names. It means the same
where its probe points stand for the same events, and where what it reads by
name is a number of the same size and sign, a pointer to the same struct, or an
array of the same; where that lies does not matter, and neither does a typedef's
name. What @defined and "?" ask for, the script can be without: -v notes it.

First comes a table of kernels by probe points, then why a kernel's verdict is
what it is, and what would help. Everything is answered from the cache: where
@cast names a header whose type is not in it, the script does not compile, and
'tpinfo compile -k KERNEL' learns the type where the kernel's headers are.

The exit status is 0 when the script means the same on all of them, and 1 when
it means something else on one or does not compile for it.`,
		Example: `  tpinfo check faults.stp
  tpinfo check faults.stp -k '5.10*' -k '6.1.*' --baseline 6.1.0-56-cloud-amd64
  tpinfo check -e 'probe kernel.trace("sched_switch") { println($prev_state) }'
  tpinfo check faults.stp -f json | jq -r 'select(.verdict == "fails") | .kernel'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := readScript(a, cmd, args)
			if err != nil {
				return err
			}
			if s.object != nil {
				return cli.Usagef("%s is an object, for one kernel; check takes scripts", args[0])
			}
			baseline, err := cmd.Flags().GetString("baseline")
			cli.Must(err)
			return a.WithKernels(cmd, func(db *cache.DB, kernels []*cache.Kernel) error {
				return checkScript(cmd.Context(), a, db, s, kernels, baseline)
			})
		},
	}
	scriptFlags(cmd)
	a.KernelsFlag(cmd)
	cmd.Flags().String("baseline", "", "the kernel whose meaning counts (default: the newest on which the script compiles)")
	cli.Must(cmd.RegisterFlagCompletionFunc("baseline", a.CompleteKernels))
	return cmd
}

// checkScript prints the verdicts; kernels are the oldest first.
func checkScript(ctx context.Context, a *cli.App, db *cache.DB, s *script, kernels []*cache.Kernel, baseline string) error {
	all := make([]check.Metadata, len(kernels), len(kernels)+1)
	for i, k := range kernels {
		all[i] = k
	}
	wanted := -1
	if baseline != "" {
		k, err := db.Kernel(ctx, baseline)
		if err != nil {
			return fmt.Errorf("baseline: %w", err)
		}
		for i := range kernels {
			if kernels[i].Info().ID == k.Info().ID && kernels[i].Info().Release == k.Info().Release {
				wanted = i
			}
		}
		if wanted < 0 {
			wanted, all = len(all), append(all, k)
		}
	}
	r, err := matrix.Check(ctx, s.src, all, wanted, s.opt)
	if err != nil {
		return err
	}
	v := &verdicts{App: a, src: s.src, columns: r.Columns, results: r.Results[:len(kernels)]}
	if r.Baseline >= 0 {
		v.against = r.Results[r.Baseline].Kernel.Release
	}
	if wanted >= 0 && r.Baseline != wanted {
		a.Note("the script does not compile for the baseline %s; held against %s", r.Results[wanted].Kernel.Release, v.against)
	}
	v.sort()
	if err := a.Write(v.print); err != nil {
		return err
	}
	for i := range v.results {
		if v.results[i].Verdict != matrix.Same {
			return cli.ErrSilent
		}
	}
	return nil
}

// verdicts are a script's on many kernels.
type verdicts struct {
	*cli.App
	src     *diag.Source
	columns []matrix.Column
	results []matrix.Result
	against string // the baseline's release

	kernels []tpinfo.Kernel
	reasons []reason
}

// verdictJSON is the JSON form of a script's verdict on one kernel.
type verdictJSON struct {
	Schema   int            `json:"schema"`
	Kernel   string         `json:"kernel"`
	ID       string         `json:"id"`
	Arch     string         `json:"arch"`
	Verdict  matrix.Verdict `json:"verdict"`
	Baseline string         `json:"baseline"` // empty when the script compiles on none
	Points   []pointJSON    `json:"points"`
	Reasons  *diag.List     `json:"reasons"`
}

type pointJSON struct {
	Point   string         `json:"point"`
	Line    int            `json:"line"`
	Verdict matrix.Verdict `json:"verdict"`
}

func (v *verdicts) printJSON(w io.Writer) error {
	for i := range v.results {
		r := &v.results[i]
		out := verdictJSON{
			Schema: tpinfo.Schema, Kernel: r.Kernel.Release, ID: r.Kernel.ID, Arch: r.Kernel.Arch, Verdict: r.Verdict, Baseline: v.against,
			Points: []pointJSON{}, Reasons: &diag.List{Source: v.src, Errors: v.shown(r)},
		}
		for n := range v.columns {
			out.Points = append(out.Points, pointJSON{v.columns[n].Point, v.columns[n].Line, r.Cells[n]})
		}
		if err := cli.PrintJSON(w, out); err != nil {
			return err
		}
	}
	return nil
}

// shown are the reasons to print: notes only with -v.
func (v *verdicts) shown(r *matrix.Result) []diag.Error {
	var out []diag.Error
	for _, e := range r.Reasons {
		if e.Level != diag.Note || v.Settings.Verbose {
			out = append(out, e)
		}
	}
	return out
}
