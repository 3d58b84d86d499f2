package compiler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/compiler/runner"
	"github.com/tpinfo/tpinfo/compiler/syntax"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

const reference = "../docs/language.md"

// shown is an example of the reference: a block "stp", and what the page says
// of it.
type shown struct {
	name, text string // of the script
	line       int    // of the page
	args       []string
	command    string
	refused    []string // block "error": what compiling says
	output     []string // block "output"
	stderr     []string // block "stderr"
	runs       bool
}

var runLine = regexp.MustCompile(`^# tpinfo run (\S+\.stp)((?: [^-\s]\S*)*)(?: -c '([^']*)')?$`)

// readReference takes the page apart. A block that is no script belongs to the
// script before it.
func readReference(t *testing.T) []*shown {
	t.Helper()
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	var all []*shown
	var kind string
	var block []string
	for i, line := range strings.Split(string(text), "\n") {
		word, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && kind == "":
			kind, block = word, nil
		case fence:
			if kind == "stp" {
				all = append(all, newShown(block, i-len(block)+1))
			} else if len(all) == 0 || !all[len(all)-1].say(kind, block) {
				t.Errorf("line %d: a block %q", i+1, kind)
			}
			kind = ""
		case kind != "":
			block = append(block, line)
		}
	}
	return all
}

func newShown(block []string, line int) *shown {
	s := &shown{name: "example.stp", text: strings.Join(block, "\n") + "\n", line: line}
	if m := runLine.FindStringSubmatch(block[0]); m != nil {
		s.name, s.args, s.command = m[1], strings.Fields(m[2]), m[3]
	}
	return s
}

// say adds what the page says of the script.
func (s *shown) say(kind string, block []string) bool {
	switch kind {
	case "error":
		s.refused = patterns(block)
		return true
	case "output":
		s.output = patterns(block)
	case "stderr":
		s.stderr = patterns(block)
	default:
		return false
	}
	s.runs = true
	return true
}

// patterns makes of lines with an ellipsis what match takes.
func patterns(block []string) []string {
	var out []string
	for _, line := range block {
		if line == "…" {
			line = "..."
		} else if strings.Contains(line, "…") {
			line = "~ " + strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*")
		}
		out = append(out, line)
	}
	return out
}

func (s *shown) compile(t *testing.T, meta check.Metadata) ([]byte, error) {
	t.Helper()
	o, err := compiler.Compile(t.Context(), &diag.Source{Name: s.name, Text: s.text}, meta, compiler.Options{Args: s.args})
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	if err := o.Write(&data); err != nil {
		t.Fatalf("line %d: %v", s.line, err)
	}
	return data.Bytes(), nil
}

// checkCompile compiles an example, which is refused as the page says or not
// at all.
func (s *shown) checkCompile(t *testing.T, meta check.Metadata) []byte {
	t.Helper()
	data, err := s.compile(t, meta)
	var list *diag.List
	switch {
	case s.refused == nil && err != nil:
		t.Errorf("line %d: %v", s.line, err)
	case s.refused != nil && !errors.As(err, &list):
		t.Errorf("line %d: it compiles (%v)", s.line, err)
	case s.refused != nil:
		if err := match(list.Error(), s.refused); err != nil {
			t.Errorf("line %d: %v\n%v", s.line, err, list)
		}
	}
	return data
}

// Every example of the reference compiles, or is refused as it says.
func TestReferenceCompiles(t *testing.T) {
	meta := keptKernel(t)
	examples := readReference(t)
	if len(examples) < 40 {
		t.Errorf("%d examples: the page is not read right", len(examples))
	}
	for _, s := range examples {
		s.checkCompile(t, meta)
	}
}

func TestReferenceOnEverySeries(t *testing.T) {
	tier.Need(t, tier.Trees)
	for _, series := range kernels.Series() {
		t.Run(series, func(t *testing.T) {
			meta := seriesKernel(t, series)
			for _, s := range readReference(t) {
				s.checkCompile(t, meta)
			}
		})
	}
}

// Every example with an output prints it on this machine's kernel.
func TestReferenceRuns(t *testing.T) {
	tier.Need(t, tier.Machine)
	meta := thisKernel(t)
	for _, s := range readReference(t) {
		data := s.checkCompile(t, meta)
		if !s.runs || data == nil {
			continue
		}
		t.Run(fmt.Sprintf("line %d", s.line), func(t *testing.T) {
			file, err := object.Read(data)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var out, errs bytes.Buffer
			opt := runner.Options{Stdout: &out, Stderr: &errs}
			if s.command != "" {
				opt.Command = []string{"/bin/sh", "-c", s.command}
			}
			res, err := runner.Run(ctx, file, opt)
			if err = errors.Join(err, ctx.Err(), match(out.String(), s.output), match(errs.String(), s.stderr)); err != nil {
				t.Errorf("%v\n%s%s", err, out.String(), errs.String())
			}
			if res.Lost+res.Skipped+res.Missed > 0 {
				t.Errorf("warnings: %q", res.Warnings())
			}
		})
	}
}

// The tables of functions have each that there is, and none that there is not.
func TestReferenceFunctions(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	call := regexp.MustCompile("`([a-z_0-9]+)\\(")
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			continue
		}
		for _, m := range call.FindAllStringSubmatch(cells[1], -1) {
			named[m[1]] = true
		}
	}
	meta := keptKernel(t)
	for name := range named {
		_, err := compiler.Compile(t.Context(), &diag.Source{Text: "probe begin { " + name + "() }"}, meta, compiler.Options{})
		if err != nil && strings.Contains(err.Error(), "there is no function") {
			t.Errorf("%s() is in the reference and not in the language", name)
		}
	}
	prelude, err := os.ReadFile("check/prelude.stp")
	if err != nil {
		t.Fatal(err)
	}
	f, err := syntax.Parse(&diag.Source{Text: string(prelude)}, syntax.Options{})
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, fn := range f.Functions {
		there[fn.Name] = true
	}
	for name := range ir.Functions() {
		there[name] = name != "stackid" // what backtrace() becomes
	}
	for name, is := range there {
		if is && !named[name] && !implied.MatchString(name) {
			t.Errorf("%s() is in the language and not in the reference", name)
		}
	}
}

// implied are functions that the reference names by their first and last.
var implied = regexp.MustCompile(`^(local|cpu)_clock_|^user_u?int\d+$`)
