package compiler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/compiler/runner"
	"github.com/tpinfo/tpinfo/compiler/syntax"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// compile makes the bytes of an object.
func (e *example) compile(t *testing.T, meta check.Metadata) ([]byte, error) {
	t.Helper()
	o, err := compiler.Compile(t.Context(), e.source(), meta, e.compileOptions(t))
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	if err := o.Write(&data); err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	return data.Bytes(), nil
}

// Every script of the suite prints to text that parses to the same tree.
func TestPrinted(t *testing.T) {
	meta := keptKernel(t)
	for _, e := range readExamples(t) {
		f, err := compiler.Parse(e.source(), meta, e.compileOptions(t))
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		printed := syntax.Print(f)
		src := e.source()
		src.Text = printed
		again, err := compiler.Parse(src, meta, compiler.Options{})
		if err != nil {
			t.Errorf("%s: printed, it does not parse: %v\n%s", e.name, err, printed)
			continue
		}
		if twice := syntax.Print(again); twice != printed {
			t.Errorf("%s: printed twice it differs:\n%s\n%s", e.name, printed, twice)
		}
	}
}

// Every script of the suite compiles for the kernels that have what it asks
// for, twice to the same bytes.
func TestCompiles(t *testing.T) { compilesFor(t, keptKernel(t)) }

// The same for whole kernels.
func TestEverySeriesCompiles(t *testing.T) {
	tier.Need(t, tier.Trees)
	for _, series := range kernels.Series() {
		t.Run(series, func(t *testing.T) { compilesFor(t, seriesKernel(t, series)) })
	}
}

func compilesFor(t *testing.T, meta *cache.Kernel) {
	for _, e := range readExamples(t) {
		if !e.runsOn(meta.Identity().Release) {
			continue
		}
		data, err := e.compile(t, meta)
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		if again, err := e.compile(t, meta); err != nil || !bytes.Equal(data, again) {
			t.Errorf("%s: compiled again it differs (%v)", e.name, err)
		}
	}
}

// Every script of the suite prints on this machine's kernel what it should.
func TestLanguage(t *testing.T) {
	tier.Need(t, tier.Machine)
	meta := thisKernel(t)
	for _, e := range readExamples(t) {
		t.Run(e.name, func(t *testing.T) {
			if !e.runsOn(meta.Identity().Release) {
				t.Skipf("it is for kernels from %q until %q", e.options["since"], e.options["until"])
			}
			data, err := e.compile(t, meta)
			if err != nil {
				t.Fatal(err)
			}
			stdout, stderr, err := e.run(t, data)
			if err != nil {
				t.Fatal(err)
			}
			e.check(t, stdout, stderr)
		})
	}
}

// leftOut are warnings about what is the machine's affair, and not what the
// examples are about: where one's own event is missing, so is its output. Since
// Linux 6.13 a process inside of a probe of system calls may have to wait, and
// others' calls are skipped meanwhile; a busy machine leaves out runs of timers.
var leftOut = regexp.MustCompile(`(?m)^.*: (skipped \d+ runs of probes|left out \d+ runs of timers): .*\n`)

// check compares what a run printed.
func (e *example) check(t *testing.T, stdout, stderr string) {
	t.Helper()
	stderr = leftOut.ReplaceAllString(stderr, "")
	if err := errors.Join(match(stdout, e.stdout), match(stderr, e.stderr)); err != nil {
		t.Errorf("%v\nstdout:\n%s\nstderr:\n%s", err, stdout, stderr)
	}
}

// runLimit is how long a script of the suite may take; they take a fraction
// of a second.
const runLimit = 20 * time.Second

// run runs an object here.
func (e *example) run(t *testing.T, data []byte) (stdout, stderr string, err error) {
	t.Helper()
	file, err := object.Read(data)
	if err != nil {
		return "", "", err
	}
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), runLimit)
	defer cancel()
	opt := runner.Options{
		Stdout: &out, Stderr: &errs, Target: e.number(t, "target"), Timeout: e.timeout(t), AllowSystem: e.options["allow-system"] != "",
	}
	if opt.Target == 0 {
		opt.Command = []string{"/bin/sh", "-c", e.command()}
	}
	res, err := runner.Run(ctx, file, opt)
	for _, w := range res.Warnings() {
		fmt.Fprintf(&errs, "warning: %s\n", w)
	}
	if res.Reason == runner.Interrupted {
		err = errors.Join(err, fmt.Errorf("it did not end in %v: %s%s", runLimit, out.String(), errs.String()))
	}
	return strings.ReplaceAll(out.String(), "\r", ""), errs.String(), err
}
