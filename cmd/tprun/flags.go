package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/tpinfo/tpinfo/compiler/runner"
)

const usage = `Usage: tprun [OPTION...] OBJECT
       tprun --facts | --version | --describe OBJECT

Run a probe object, which "tpinfo compile" made for this kernel. OBJECT is a
file, or "-" for standard input. ^C ends it in order, with its end probes.

  -x PID          the process that target() tells of
  -c COMMAND      start COMMAND once probes are attached, end with it;
                  target() is its process
  --timeout D     end after D, as in 30s
  --force         run although the object was compiled for another kernel
  --allow-system  let the script call system()
  --ring-size N   bytes of the buffer between kernel and tprun, a power of two
  -v              tell more: what was not checked, the verifier's log
  -q              no word about lost output
  --stdin SIZE    the object is the first SIZE bytes of standard input, whose
                  end ends the run like ^C
  --describe      tell what is in the object
  --facts         tell this kernel's release, architecture and byte order, and
                  whether it has BTF, as one line of JSON
  --version       tell which tprun this is

Exit status: 0 done, 1 failed, an error of the script included, 2 wrong usage.
`

// options are what the command line says.
type options struct {
	object  string // a file, "-", or empty with --stdin
	pid     int
	command string
	timeout time.Duration
	size    int64 // of --stdin
	ring    int

	force, system, verbose, quiet bool
	describe, facts, version      bool
}

// errHelp is what parse returns for -h: not wrong, and nothing to run.
var errHelp = flag.ErrHelp

func parse(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("tprun", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.IntVar(&o.pid, "x", 0, "")
	f.StringVar(&o.command, "c", "", "")
	f.DurationVar(&o.timeout, "timeout", 0, "")
	f.BoolVar(&o.force, "force", false, "")
	f.BoolVar(&o.system, "allow-system", false, "")
	f.IntVar(&o.ring, "ring-size", 0, "")
	f.BoolVar(&o.verbose, "v", false, "")
	f.BoolVar(&o.quiet, "q", false, "")
	f.Int64Var(&o.size, "stdin", 0, "")
	f.BoolVar(&o.describe, "describe", false, "")
	f.BoolVar(&o.facts, "facts", false, "")
	f.BoolVar(&o.version, "version", false, "")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	given := map[string]bool{}
	f.Visit(func(one *flag.Flag) { given[one.Name] = true })
	o.object = f.Arg(0)
	switch {
	case o.facts || o.version:
		if f.NArg() > 0 {
			return nil, fmt.Errorf("unexpected %q", o.object)
		}
	case given["stdin"]:
		if f.NArg() > 0 {
			return nil, fmt.Errorf("unexpected %q: with --stdin the object comes from standard input", o.object)
		}
		if o.size <= 0 {
			return nil, fmt.Errorf("--stdin %d: it takes the object's size in bytes", o.size)
		}
	case f.NArg() == 0:
		return nil, errors.New("no object")
	case f.NArg() > 1:
		return nil, fmt.Errorf("unexpected %q: options come before the object", f.Arg(1))
	}
	switch {
	case given["x"] && o.pid <= 0:
		return nil, fmt.Errorf("-x %d: it takes the number of a process", o.pid)
	case given["x"] && given["c"]:
		return nil, errors.New("-x and -c: target() is one process")
	case given["c"] && len(runner.CommandLine(o.command)) == 0:
		return nil, errors.New("-c: it takes a command")
	case given["ring-size"] && runner.CheckRingSize(o.ring) != nil:
		return nil, fmt.Errorf("--ring-size: %w", runner.CheckRingSize(o.ring))
	case o.timeout < 0:
		return nil, fmt.Errorf("--timeout %v: it takes a time such as 30s", o.timeout)
	}
	return o, nil
}
