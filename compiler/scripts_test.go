package compiler_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/programs"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// scripts reads fixtures/scripts, by name without ".stp".
func scripts(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../fixtures/scripts/*.stp")
	if err != nil || len(files) < 14 {
		t.Fatalf("%d scripts: %v", len(files), err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".stp")] = string(text)
	}
	return all
}

// lacks reports whether a kernel lacks the event of a script: hrtimer_init
// became hrtimer_setup in 6.15.
func lacks(script, release string) bool { return script == "hrtimer_init" && !older(release, "6.15") }

// compileText makes the bytes of an object.
func compileText(t *testing.T, meta check.Metadata, name, text string, opt compiler.Options) []byte {
	t.Helper()
	o, err := compiler.Compile(t.Context(), &diag.Source{Name: name, Text: text}, meta, opt)
	if err != nil {
		t.Fatal(err)
	}
	var data bytes.Buffer
	if err := o.Write(&data); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// Each script says what it shows, how to run it, and for which kernels it is.
func TestScriptsSayWhatTheyAre(t *testing.T) {
	for name, text := range scripts(t) {
		comment, _, ok := strings.Cut(text, "*/\n")
		if !ok || !strings.HasPrefix(comment, "/*\n") {
			t.Errorf("%s does not open with a comment", name)
		}
		for _, want := range []string{" * $ tpinfo run " + name + ".stp", " * Kernels: "} {
			if !strings.Contains(comment, want) {
				t.Errorf("%s: the comment lacks %q", name, want)
			}
		}
	}
}

// SystemTap's parser takes each script.
func TestScriptsAreSystemTaps(t *testing.T) {
	tier.Need(t, tier.Trees)
	tier.NeedTool(t, "stap", "systemtap")
	builds, err := filepath.Glob("/lib/modules/*/build")
	if err != nil || len(builds) == 0 {
		tier.Skip(t, "no installed kernel headers: apt-get install linux-headers-cloud-amd64")
	}
	for name := range scripts(t) {
		stap := exec.CommandContext(t.Context(), "stap", "-r", filepath.Base(filepath.Dir(builds[0])), "-p1", "../fixtures/scripts/"+name+".stp")
		stap.Env = append(stap.Environ(), "SYSTEMTAP_DIR="+t.TempDir())
		if out, err := stap.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// Each script compiles for every series that has its event.
func TestScriptsCompile(t *testing.T) {
	tier.Need(t, tier.Trees)
	for _, series := range kernels.Series() {
		t.Run(series, func(t *testing.T) {
			meta := seriesKernel(t, series)
			for name, text := range scripts(t) {
				_, err := compiler.Compile(t.Context(), &diag.Source{Name: name, Text: text}, meta, compiler.Options{})
				if failed := err != nil; failed != lacks(name, meta.Identity().Release) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// The kernel of every series takes each script, and runs it without an error.
func TestScriptsOnEverySeries(t *testing.T) {
	tier.Need(t, tier.Booted)
	tprun := programs.Tprun(t, "amd64")
	for _, series := range kernels.Series() {
		t.Run(series, func(t *testing.T) {
			meta := seriesKernel(t, series)
			files := map[string]vm.File{"/bin/tprun": {Host: tprun}}
			command := ""
			for name, text := range scripts(t) {
				if lacks(name, meta.Identity().Release) {
					continue
				}
				files["/"+name+".o"] = vm.File{Content: compileText(t, meta, name, text, compiler.Options{})}
				command += fmt.Sprintf("echo == %s; tprun -c 'ls / >/dev/null; sleep 0.2' /%s.o 2>&1; echo status $?\n", name, name)
			}
			k := kernels.Get(t, kernels.Spec{Series: series}, kernels.Image)
			res := vm.Boot(t, vm.Guest{Kernel: k, Files: files, Command: []string{"sh", "-c", command}, Limit: 5 * time.Minute})
			if done := strings.Count(res.Stdout, "status 0\n"); done != len(files)-1 || res.Status != 0 {
				t.Errorf("%d of %d ended well:\n%s%s", done, len(files)-1, res.Stdout, res.Stderr)
			}
			t.Log(res.Stdout)
		})
	}
}
