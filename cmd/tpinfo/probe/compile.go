package probe

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// Compile is "tpinfo compile".
func Compile(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compile SCRIPT [ARG...]",
		Short: "Compile a probe script for a kernel of the cache",
		Long: `Compile a probe script, which is a SystemTap script, for a kernel of the cache.
What comes out is an object: an ELF file with the eBPF programs, for tprun, for
'tpinfo run', or for any loader. It runs on the kernel it was compiled for; the
machine that compiles needs no headers, no compiler and no root.

Without -o the object is called like the script, with ".o". ARGs are the
script's: $1, @1 and so on; those that begin with - go behind --.`,
		Example: `  tpinfo compile faults.stp -k 6.1.0-56-cloud-amd64 -o faults.o
  tpinfo compile -e 'probe kernel.trace("sched_switch") { println(execname()) }' -o - | ssh host tprun -
  tpinfo compile faults.stp --emit asm`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := readScript(a, cmd, args)
			if err != nil {
				return err
			}
			if s.object != nil {
				return cli.Usagef("%s is an object already: tpinfo run runs it", args[0])
			}
			emit, err := cmd.Flags().GetString("emit")
			cli.Must(err)
			return compileScript(cmd.Context(), a, s, emit)
		},
	}
	scriptFlags(cmd)
	cmd.Flags().String("emit", "", "print a form of the script instead: tree, ir or asm")
	cli.Must(cmd.RegisterFlagCompletionFunc("emit", cobra.FixedCompletions([]string{"tree", "ir", "asm"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// compileScript writes the object, or prints the form that emit names.
func compileScript(ctx context.Context, a *cli.App, s *script, emit string) error {
	var form func(context.Context, check.Metadata, *script) (string, error)
	if emit != "" {
		if form = forms[emit]; form == nil {
			return cli.Usagef("--emit %s: it is tree, ir or asm", emit)
		}
	}
	return withMetadata(ctx, a, func(m check.Metadata) error {
		if form != nil {
			text, err := form(ctx, m, s)
			if err != nil {
				return scriptError(a, err)
			}
			return a.Write(func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
		}
		o, err := compiler.Compile(ctx, s.src, m, s.opt)
		if err != nil {
			return scriptError(a, err)
		}
		return writeObject(a, s, o)
	})
}

// forms are what --emit prints.
var forms = map[string]func(context.Context, check.Metadata, *script) (string, error){
	"tree": func(_ context.Context, m check.Metadata, s *script) (string, error) {
		f, err := compiler.Parse(s.src, m, s.opt)
		if err != nil {
			return "", err
		}
		return syntax.Print(f), nil
	},
	"ir": func(ctx context.Context, m check.Metadata, s *script) (string, error) {
		p, err := compiler.Check(ctx, s.src, m, s.opt)
		if err != nil {
			return "", err
		}
		return ir.Dump(p), nil
	},
	"asm": func(ctx context.Context, m check.Metadata, s *script) (string, error) {
		o, err := compiler.Compile(ctx, s.src, m, s.opt)
		if err != nil {
			return "", err
		}
		return object.Listing(o), nil
	},
}

// compiled is what "tpinfo compile -f json" says.
type compiled struct {
	Schema   int      `json:"schema"`
	Kernel   string   `json:"kernel"`
	ID       string   `json:"id"`
	Output   string   `json:"output"`
	Programs []string `json:"programs"`
	Facts    int      `json:"facts"`
}

func writeObject(a *cli.App, s *script, o *object.Object) error {
	name := a.Settings.Output
	switch name {
	case "-":
		return o.Write(a.Out)
	case "":
		name = s.objectName()
	}
	a.Settings.Output = name
	if err := a.Write(o.Write); err != nil {
		return err
	}
	if a.Settings.Quiet {
		return nil
	}
	if a.Settings.Format == "json" {
		c := compiled{Schema: tpinfo.Schema, Kernel: o.Script.Kernel.Release, ID: o.Script.Kernel.ID, Output: name, Programs: []string{}, Facts: len(o.Script.Facts)}
		for _, p := range o.Programs {
			c.Programs = append(c.Programs, p.Name)
		}
		return cli.PrintJSON(a.Out, c)
	}
	instructions := 0
	for _, p := range o.Programs {
		instructions += len(p.Insns)
	}
	_, err := fmt.Fprintf(a.Out, "%s  %s, %s for %s\n", a.Style.Bold(name), cli.Plural(len(o.Programs), "program"), cli.Plural(instructions, "instruction"), o.Script.Kernel.Release)
	return err
}

// withMetadata calls f with the kernel that -k names, by default the running one
// or the only one, as the compiler asks it. Where none is named and none is
// there, f fails only if it asks for something.
func withMetadata(ctx context.Context, a *cli.App, f func(check.Metadata) error) error {
	called := false
	err := a.WithKernel(ctx, func(k *cache.Kernel) error {
		called = true
		return f(metadataOf(a, k))
	})
	if err == nil || called || a.Settings.Kernel != "" {
		return err
	}
	k, kerr := runningKernel()
	if kerr != nil {
		return err
	}
	if ferr := f(unknownKernel{k}); !errors.Is(ferr, errUnknown) {
		return ferr
	}
	return err
}

// scriptError shows what is wrong with a script: as values with -f json, else
// with its lines.
func scriptError(a *cli.App, err error) error {
	var list *diag.List
	if !errors.As(err, &list) {
		return err
	}
	if a.Settings.Format == "json" {
		if err := cli.PrintJSON(a.Err, list); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(a.Err, list)
	}
	return cli.ErrSilent
}
