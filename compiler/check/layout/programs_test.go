package layout_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/check/checktest"
)

// Every program has a name of its own that the kernel takes.
func TestProgramNames(t *testing.T) {
	p, err := checktest.Check(checktest.New(), `probe kernel.trace("sched*"), kernel.trace("sched*"), timer.profile { print(1) }`, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range p.Probes {
		name := p.Probes[i].Program
		if len(name) > 15 || !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) || slices.Contains(names, name) {
			t.Errorf("program %q", name)
		}
		names = append(names, name)
	}
	want := []string{"sched_switch", "sched_process_e", "sched_bare", "sched_dark", "sched_switch_2", "sched_process_2", "sched_bare_2", "sched_dark_2", "profile"}
	if !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
}
