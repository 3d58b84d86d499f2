package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/compiler/runner"
)

// streams are the standard ones.
type streams struct {
	in       *os.File
	out, err io.Writer
}

// The exit statuses.
const (
	done   = 0
	failed = 1
	misuse = 2
)

func run(ctx context.Context, args []string, std streams) int {
	o, err := parse(args)
	if errors.Is(err, errHelp) {
		fmt.Fprint(std.out, usage)
		return done
	}
	if err != nil {
		fmt.Fprintf(std.err, "tprun: %v\nTry \"tprun -h\".\n", err)
		return misuse
	}
	switch {
	case o.version:
		err = version(std.out)
	case o.facts:
		err = facts(std.out)
	default:
		err = o.execute(ctx, std)
	}
	if err != nil {
		if !errors.Is(err, errTold) {
			fmt.Fprintf(std.err, "tprun: %v\n", err)
		}
		return failed
	}
	return done
}

func version(w io.Writer) error {
	v := "(development)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		v = info.Main.Version
	}
	_, err := fmt.Fprintf(w, "tprun %s\n", v)
	return err
}

func facts(w io.Writer) error {
	target, err := runner.ThisTarget()
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(target)
}

// errTold is a failure that the user was told of as it happened.
var errTold = errors.New("the script failed")

// execute reads the object and describes or runs it.
func (o *options) execute(ctx context.Context, std streams) error {
	data, err := o.read(std.in)
	if err != nil {
		return err
	}
	file, err := object.Read(data)
	if err != nil {
		return fmt.Errorf("%s: %w", o.name(), err)
	}
	if o.describe {
		return file.Describe(std.out)
	}
	opt := runner.Options{
		Target: o.pid, Timeout: o.timeout, Stdout: std.out, Stderr: std.err,
		Force: o.force, AllowSystem: o.system, RingSize: o.ring, Verbose: o.verbose,
	}
	if o.command != "" {
		opt.Command = runner.CommandLine(o.command)
	}
	switch {
	case o.size > 0:
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		go func() {
			// Whoever sent the object closes the stream to end the run.
			_, _ = io.Copy(io.Discard, std.in)
			cancel()
		}()
	case o.object != "-":
		opt.Stdin = std.in
	}
	result, err := runner.Run(ctx, file, opt)
	if !o.quiet {
		for _, w := range result.Warnings() {
			fmt.Fprintf(std.err, "tprun: %s\n", w)
		}
	}
	if err == nil && result.Failure != "" {
		return errTold
	}
	return err
}

// name of the object in messages.
func (o *options) name() string {
	if o.size > 0 || o.object == "-" {
		return "standard input"
	}
	return o.object
}

// read reads the object's file.
func (o *options) read(stdin *os.File) ([]byte, error) {
	if o.size > object.MaxFile {
		return nil, fmt.Errorf("--stdin %d: an object has at most %d bytes", o.size, object.MaxFile)
	}
	in, limit := stdin, int64(object.MaxFile)+1
	switch {
	case o.size > 0:
		limit = o.size
	case o.object != "-":
		f, err := os.Open(o.object)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, limit))
	if err == nil && int64(len(data)) < o.size {
		err = fmt.Errorf("%w: %d of %d bytes came", io.ErrUnexpectedEOF, len(data), o.size)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", o.name(), err)
	}
	return data, nil
}
