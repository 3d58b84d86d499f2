package compiler_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/diag"
)

// example is a script of testdata/language, with what it prints.
type example struct {
	name, text     string
	options        map[string]string
	stdout, stderr []string
}

// defaultCommand is what target() is while a script runs: a shell that makes
// one system call of a kind that shells make for nothing else, kill(2).
const defaultCommand = "kill -0 $$"

// killNumber is kill(2) on x86-64 (arch/x86/entry/syscalls/syscall_64.tbl).
const killNumber = 62

// sides are what "probe here" stands for: a script that has it runs once on
// each side and prints the same. In the kernel it fires for each kill of the
// command.
var sides = []struct{ name, alias string }{
	{"user", "probe here = begin { }\n"},
	{"kernel", fmt.Sprintf("probe here = kernel.trace(\"sys_enter\") { if ($id != %d || pid() != target()) next }\n", killNumber)},
}

var hereProbe = regexp.MustCompile(`(?m)^probe here\b`)

// readExamples reads every file of the language's suite.
func readExamples(t *testing.T) []example {
	t.Helper()
	files, err := filepath.Glob("testdata/language/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	var all []example
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		feature := strings.TrimSuffix(filepath.Base(file), ".txt")
		list, err := parseExamples(feature, text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, list...)
	}
	return all
}

// knownOptions are the words of an options section. since and until bound the
// kernels that have what the script asks for, "until" excluded; "guest: no" says
// that a guest lacks a program of the command.
var knownOptions = map[string]bool{
	"args": true, "command": true, "timeout": true, "target": true, "string-size": true, "map-entries": true,
	"allow-system": true, "since": true, "until": true, "side": true, "guest": true,
}

// parseExamples takes a file apart: what it is about, then scripts ("-- NAME.stp
// --"), each with its sections options, stdout and stderr.
func parseExamples(feature string, text []byte) ([]example, error) {
	archive := txtar.Parse(text)
	if strings.TrimSpace(string(archive.Comment)) == "" {
		return nil, fmt.Errorf("does not say what it is about")
	}
	var all []example
	for _, f := range archive.Files {
		if name, ok := strings.CutSuffix(f.Name, ".stp"); ok {
			all = append(all, example{name: feature + "/" + name, text: string(f.Data), options: map[string]string{}})
			continue
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("section %q before any script", f.Name)
		}
		e := &all[len(all)-1]
		switch f.Name {
		case "stdout":
			e.stdout = lines(string(f.Data))
		case "stderr":
			e.stderr = lines(string(f.Data))
		case "options":
			for _, line := range lines(string(f.Data)) {
				key, value, ok := strings.Cut(line, ": ")
				if !ok || !knownOptions[key] {
					return nil, fmt.Errorf("%s: option %q", e.name, line)
				}
				e.options[key] = value
			}
		default:
			return nil, fmt.Errorf("%s: section %q", e.name, f.Name)
		}
	}
	return bothSides(all), nil
}

// bothSides makes one script of "probe here" for each side.
func bothSides(list []example) []example {
	var all []example
	for _, e := range list {
		if !hereProbe.MatchString(e.text) {
			all = append(all, e)
			continue
		}
		for _, side := range sides {
			if only := e.options["side"]; only != "" && only != side.name {
				continue
			}
			one := e
			one.name += "/" + side.name
			one.text += side.alias // behind: places stay what they are
			all = append(all, one)
		}
	}
	return all
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// match compares what was printed with what is expected, in which a line that
// begins with "~ " is a regular expression, and "..." stands for any lines.
func match(got string, want []string) error {
	have := lines(got)
	skipping := false
	for i := 0; ; {
		switch {
		case len(want) > 0 && want[0] == "...":
			skipping, want = true, want[1:]
		case i == len(have) && len(want) == 0, len(want) == 0 && skipping:
			return nil
		case i == len(have):
			return fmt.Errorf("line %d is missing: %s", i+1, want[0])
		case len(want) == 0:
			return fmt.Errorf("line %d is too much: %s", i+1, have[i])
		default:
			same, err := matchLine(have[i], want[0])
			switch {
			case err != nil:
				return err
			case same:
				skipping, want = false, want[1:]
			case !skipping:
				return fmt.Errorf("line %d is  %q\nwant       %q", i+1, have[i], want[0])
			}
			i++
		}
	}
}

func matchLine(have, want string) (bool, error) {
	pattern, ok := strings.CutPrefix(want, "~ ")
	if !ok {
		return have == want, nil
	}
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	return err == nil && re.MatchString(have), err
}

func (e *example) source() *diag.Source {
	base := e.name[strings.IndexByte(e.name, '/')+1:]
	base, _, _ = strings.Cut(base, "/")
	return &diag.Source{Name: base + ".stp", Text: e.text}
}

func (e *example) compileOptions(t *testing.T) compiler.Options {
	t.Helper()
	var opt compiler.Options
	opt.Args = strings.Fields(e.options["args"])
	opt.StringSize = e.number(t, "string-size")
	opt.MapEntries = e.number(t, "map-entries")
	opt.AllowSystem = e.options["allow-system"] != ""
	return opt
}

func (e *example) number(t *testing.T, option string) int {
	t.Helper()
	text := e.options[option]
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %s: %v", e.name, option, err)
	}
	return n
}

func (e *example) command() string {
	if c := e.options["command"]; c != "" {
		return c
	}
	return defaultCommand
}

func (e *example) timeout(t *testing.T) time.Duration {
	t.Helper()
	text := e.options["timeout"]
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	return d
}

// runsOn reports whether a kernel has what the script asks for.
func (e *example) runsOn(release string) bool {
	return (e.options["since"] == "" || !older(release, e.options["since"])) &&
		(e.options["until"] == "" || older(release, e.options["until"]))
}

// older compares the first two numbers of releases.
func older(a, b string) bool {
	x, y := series(a), series(b)
	return x[0] < y[0] || x[0] == y[0] && x[1] < y[1]
}

func series(release string) (n [2]int) {
	// Of a number that is not there stays 0.
	_, _ = fmt.Sscanf(release, "%d.%d", &n[0], &n[1])
	return n
}
