package compiler_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/programs"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// Every script of the suite, compiled here, prints on kernels of every series
// what it should: one boot a series, in which tprun runs them one after
// another.
func TestLanguageOnEverySeries(t *testing.T) {
	tier.Need(t, tier.Booted)
	tprun := programs.Tprun(t, "amd64")
	for _, series := range kernels.Series() {
		t.Run(series, func(t *testing.T) {
			k := kernels.Get(t, kernels.Spec{Series: series}, kernels.Headers, kernels.Image)
			meta := seriesKernel(t, series)
			// One CPU: where QEMU translates for two, a kernel that changes its
			// own code under the other's feet, as attaching does, may hang.
			guest := vm.Guest{
				Kernel: k, Limit: 15 * time.Minute, Command: []string{"sh", "/suite.sh"},
				Files:   map[string]vm.File{"/bin/tprun": {Host: tprun}},
				Collect: []string{"/tmp/results/*"},
			}
			script := &strings.Builder{}
			script.WriteString("mkdir /tmp/results\n")
			var inside []example
			for _, e := range readExamples(t) {
				if !e.runsOn(k.Release) || e.options["guest"] == "no" {
					continue
				}
				data, err := e.compile(t, meta)
				if err != nil {
					t.Errorf("%s: %v", e.name, err)
					continue
				}
				object := fmt.Sprintf("/objects/%d.o", len(inside))
				guest.Files[object] = vm.File{Content: data}
				command := fmt.Sprintf("/commands/%d", len(inside))
				guest.Files[command] = vm.File{Content: []byte(e.command() + "\n")}
				e.guestLine(script, object, command, fmt.Sprintf("/tmp/results/%d", len(inside)))
				inside = append(inside, e)
			}
			guest.Files["/suite.sh"] = vm.File{Content: []byte(script.String())}
			res := vm.Boot(t, guest)
			for i, e := range inside {
				t.Run(e.name, func(t *testing.T) {
					out, ran := res.Files[fmt.Sprintf("/tmp/results/%d.out", i)]
					if !ran {
						t.Fatalf("it did not run; the guest said: %s%s", res.Stdout, res.Stderr)
					}
					e.check(t, string(out), string(res.Files[fmt.Sprintf("/tmp/results/%d.err", i)]))
				})
			}
			t.Logf("%d scripts in %v", len(inside), res.Took.Round(time.Second))
		})
	}
}

// guestLine adds what runs an object in a guest to its shell script.
func (e *example) guestLine(script *strings.Builder, object, command, result string) {
	fmt.Fprintf(script, "echo %s\ntimeout %d tprun", e.name, int(3*runLimit/time.Second))
	if x := e.options["target"]; x != "" {
		fmt.Fprintf(script, " -x %s", x)
	} else {
		fmt.Fprintf(script, " -c 'sh %s'", command)
	}
	if d := e.options["timeout"]; d != "" {
		fmt.Fprintf(script, " --timeout %s", d)
	}
	if e.options["allow-system"] != "" {
		script.WriteString(" --allow-system")
	}
	fmt.Fprintf(script, " %s >%s.out 2>%s.err\n", object, result, result)
}
