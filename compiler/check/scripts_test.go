package check_test

import (
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check/checktest"
)

// The two scripts at the end of the language's description.
func TestScripts(t *testing.T) {
	for _, s := range []string{`
global faults[250]
global max = -1
probe kernel.trace("mm_filemap_add_to_page_cache") {
  faults[pid()]++
  if (max == -1 || faults[pid()] > faults[max])
    max = pid()
}
probe timer.s(30) {
  if (max != -1)
    printf("Pid %d added %d pages\n", max, faults[max])
  else
    printf("No page cache adds detected\n")
  exit()
}`, `
probe kernel.trace("hrtimer_init") {
  state = @cast($hrtimer, "hrtimer", "kernel<linux/hrtimer.h>")->state
  printf("hrtimer state: %d\n", state)
}`} {
		t.Log("\n" + checktest.Dump(t, s))
	}
}
