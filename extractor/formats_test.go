package extractor

import (
	"context"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/tracefs"
	"github.com/tpinfo/tpinfo/extractor/verify"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// A booted kernel's own format files are the last word on records.
func TestAgainstFormatFiles(t *testing.T) {
	eachSeries(t, func(t *testing.T, series string) {
		snap, k := extractSeries(t, series, "gcc", false)
		dir := vm.Formats(t, k)
		formats, skipped, err := tracefs.Read(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range skipped {
			t.Errorf("format file: %s", p)
		}
		r := verify.Records(snap.Events, formats, verify.Limits{})
		t.Logf("%s: %d format files, %d compared, %d agree, %d only in the kernel", k.Release, len(formats), r.Compared, r.Agreed, len(r.OnlyOracle))
		if r.Compared < 550 {
			t.Errorf("only %d records compared", r.Compared)
		}
		for _, d := range r.Disagreements {
			t.Errorf("%s", d)
		}
		// What no public header defines is not expected here; what one does
		// must be found under the same system.
		ours := map[string]string{}
		for i := range snap.Events {
			ours[snap.Events[i].Name] = snap.Events[i].System
		}
		for _, name := range r.OnlyOracle {
			system, event, _ := strings.Cut(name, ":")
			if mine, ok := ours[event]; ok {
				t.Errorf("the kernel has %s:%s, the headers gave %s:%s", system, event, mine, event)
			}
		}
	})
}
