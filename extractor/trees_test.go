package extractor

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/btf"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/traceheaders"
	"github.com/tpinfo/tpinfo/extractor/verify"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/headers"
)

// extractions remembers what tests share: each takes a second or two.
var extractions sync.Map // of extractionKey to func() (*tpinfo.Snapshot, error)

type extractionKey struct{ series, cc, btf string }

// extractSeries extracts the newest kernel of a series; with its image's BTF
// when image is set.
func extractSeries(t *testing.T, series, compiler string, image bool) (*tpinfo.Snapshot, kernels.Kernel) {
	t.Helper()
	tier.NeedTool(t, compiler, compiler)
	k := kernels.Get(t, kernels.Spec{Series: series}, kernels.Headers, kernels.Image)
	req := Request{Tree: k.Build, CC: compiler}
	if image {
		req.BTF = k.Image
	}
	run, _ := extractions.LoadOrStore(extractionKey{k.Build, compiler, req.BTF}, sync.OnceValues(func() (*tpinfo.Snapshot, error) {
		return Extract(context.Background(), req)
	}))
	snap, err := run.(func() (*tpinfo.Snapshot, error))()
	if err != nil {
		t.Fatalf("extracting %s with %s: %v", k.Release, compiler, err)
	}
	return snap, k
}

// atLeast is what a series has to show for itself: events, and those of them
// that are complete from headers alone.
var atLeast = map[string]struct{ events, complete int }{
	"5.10": {1400, 1300},
	"6.1":  {1500, 1400},
	"6.12": {1800, 1650},
	"7":    {1900, 1750},
}

func eachSeries(t *testing.T, f func(t *testing.T, series string)) {
	for _, series := range kernels.Series() {
		t.Run(series, func(t *testing.T) { f(t, series) })
	}
}

func TestCoverage(t *testing.T) {
	eachSeries(t, func(t *testing.T, series string) {
		for _, compiler := range []string{"gcc", "clang"} {
			snap, k := extractSeries(t, series, compiler, false)
			complete := 0
			for i := range snap.Events {
				e := &snap.Events[i]
				if e.Complete() {
					complete++
					continue
				}
				if !slices.ContainsFunc(e.Problems, func(p tpinfo.Problem) bool { return p.Message != "" && len(p.Supply) > 0 }) {
					t.Errorf("%s: incomplete, and nothing says what is missing and what supplies it: %v", e.FullName(), e.Problems)
				}
				if e.System == "" {
					t.Errorf("%s: no system", e.FullName())
				}
			}
			t.Logf("%s, %s: %d events, %d complete, %d types", k.Release, snap.Kernel.Compiler, len(snap.Events), complete, len(snap.Types))
			if want := atLeast[series]; len(snap.Events) < want.events || complete < want.complete {
				t.Errorf("%d events, %d complete; want at least %d and %d", len(snap.Events), complete, want.events, want.complete)
			}
			if snap.Kernel.Release != k.Release {
				t.Errorf("release %s, want %s", snap.Kernel.Release, k.Release)
			}
			for _, p := range snap.Kernel.Problems {
				if p.Code == tpinfo.HeaderFailed {
					t.Errorf("header lost: %s", p)
				}
			}
		}
	})
}

// differingTypes is how many types gcc and clang may see differently on one
// kernel, of several thousand. The one known: 5.10 takes <stdarg.h> from the
// compiler, whose va_list is its own.
const differingTypes = 1

func TestTwoCompilers(t *testing.T) {
	eachSeries(t, func(t *testing.T, series string) {
		a, _ := extractSeries(t, series, "gcc", false)
		b, _ := extractSeries(t, series, "clang", false)
		if a.Kernel.ID != b.Kernel.ID {
			t.Errorf("two ids of one kernel: %s from gcc, %s from clang", a.Kernel.ID, b.Kernel.ID)
		}
		if d := differences(a.Events, b.Events, (*tpinfo.Tracepoint).FullName, (*tpinfo.Tracepoint).ContentID); len(d) > 0 {
			t.Errorf("events that gcc and clang see differently: %v", d)
		}
		name := func(t *tpinfo.Type) string { return t.Name }
		d := differences(a.Types, b.Types, name, (*tpinfo.Type).ContentID)
		t.Logf("types that gcc and clang see differently: %v", d)
		if len(d) > differingTypes {
			t.Errorf("%d types differ, at most %d may: %v", len(d), differingTypes, d)
		}
	})
}

// differences names what one list has and the other has not, or differently.
func differences[T any](a, b []T, name func(*T) string, id func(*T) tpinfo.ContentID) []string {
	known := map[string]tpinfo.ContentID{}
	for i := range a {
		known[name(&a[i])] = id(&a[i])
	}
	var found []string
	for i := range b {
		n := name(&b[i])
		if got, ok := known[n]; !ok || got != id(&b[i]) {
			found = append(found, n)
		}
		delete(known, n)
	}
	for n := range known {
		found = append(found, n)
	}
	slices.Sort(found)
	return found
}

// The image's BTF is another tool's account of the same kernel, made from what
// the kernel's own build wrote.
func TestAgainstBTF(t *testing.T) {
	eachSeries(t, func(t *testing.T, series string) {
		snap, k := extractSeries(t, series, "gcc", false)
		spec, err := btf.Load(context.Background(), k.Image)
		if err != nil {
			t.Fatal(err)
		}
		oracle, err := spec.Tracepoints()
		if err != nil {
			t.Fatal(err)
		}
		types, err := spec.Types()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			what   string
			report *verify.Report
			least  int
		}{
			{"arguments", verify.Events(snap.Events, oracle.Events, spec.Limits()), 600},
			{"records", verify.Records(snap.Events, oracle.RecordsOf(snap.Events), spec.Limits()), 600},
			{"types", verify.Types(snap.Types, types, spec.Limits()), 3500},
		} {
			explained := len(c.report.Disagreements) - c.report.Unexplained()
			t.Logf("%s: %s: %d compared, %d agree, %d differences explained", k.Release, c.what, c.report.Compared, c.report.Agreed, explained)
			if c.report.Compared < c.least {
				t.Errorf("%s: only %d compared", c.what, c.report.Compared)
			}
			for _, d := range c.report.Disagreements {
				if d.Explained == "" {
					t.Errorf("%s: %s", c.what, d)
				}
			}
		}
	})
}

// With the image's BTF, nothing that the image describes stays unknown.
func TestFilledFromBTF(t *testing.T) {
	eachSeries(t, func(t *testing.T, series string) {
		before, k := extractSeries(t, series, "gcc", false)
		snap, _ := extractSeries(t, series, "gcc", true)
		spec, err := btf.Load(context.Background(), k.Image)
		if err != nil {
			t.Fatal(err)
		}
		oracle, err := spec.Tracepoints()
		if err != nil {
			t.Fatal(err)
		}
		described := map[string]bool{}
		for i := range oracle.Events {
			described[oracle.Events[i].Name] = true
		}
		filled := 0
		for i := range snap.Events {
			e := &snap.Events[i]
			if described[e.Name] && !e.Complete() {
				t.Errorf("%s is described by the image and incomplete: %v", e.FullName(), e.Problems)
			}
			if e.Source == tpinfo.FromDWARFBTF {
				filled++
			}
		}
		t.Logf("%s: %d events completed, %d types added", k.Release, filled, len(snap.Types)-len(before.Types))
		if filled == 0 || len(snap.Types) <= len(before.Types) {
			t.Error("the BTF added nothing")
		}
		if snap.Kernel.ID != before.Kernel.ID {
			t.Error("BTF beside headers gives the kernel another id")
		}
	})
}

func TestBTFOfAnotherKernel(t *testing.T) {
	old := kernels.Get(t, kernels.Spec{Series: "5.10"}, kernels.Image)
	k := kernels.Get(t, kernels.Spec{Series: "6.1"}, kernels.Headers)
	tier.NeedTool(t, "gcc", "gcc")
	_, err := Extract(context.Background(), Request{Tree: k.Build, BTF: old.Image})
	if !errors.Is(err, ErrOtherKernel) {
		t.Errorf("error %v, want ErrOtherKernel", err)
	}
}

// Without what the table of hints knows, repairs find every event all the
// same, at the price of more rounds.
func TestRepairsWithoutHints(t *testing.T) {
	for _, series := range []string{"6.1", "7"} {
		for _, compiler := range []string{"gcc", "clang"} {
			t.Run(series+" "+compiler, func(t *testing.T) {
				want, k := extractSeries(t, series, compiler, false)
				got := extractUnhinted(t, k.Build, compiler)
				for _, name := range differences(want.Events, got, (*tpinfo.Tracepoint).FullName, func(*tpinfo.Tracepoint) (id tpinfo.ContentID) { return id }) {
					// What hangs on a macro that is not there fails in no
					// compiler's eyes: only a hint can know.
					if !slices.Contains(onlyHinted, name) {
						t.Errorf("%s is found only with hints, or only without", name)
					}
				}
				lost := 0
				for i := range got {
					if !got[i].Complete() {
						lost++
					}
				}
				known := 0
				for i := range want.Events {
					if !want.Events[i].Complete() {
						known++
					}
				}
				t.Logf("%d events incomplete, %d with hints", lost, known)
				if lost > known+known/4 {
					t.Errorf("repairs lose too much: %d events incomplete, %d with hints", lost, known)
				}
			})
		}
	}
}

var onlyHinted = []string{"kvm:kvm_ioapic_delayed_eoi_inj", "kvm:kvm_ioapic_set_irq", "kvm:kvm_msi_set_irq"}

func extractUnhinted(t *testing.T, build, compiler string) []tpinfo.Tracepoint {
	t.Helper()
	ctx := context.Background()
	tree, err := kbuild.Find(build)
	if err != nil {
		t.Fatal(err)
	}
	found, err := traceheaders.Scan(tree)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cc.Find(ctx, compiler, tree.Arch)
	if err != nil {
		t.Fatal(err)
	}
	shop, err := compile.New(filepath.Join(t.TempDir(), "scratch"), compile.Config{Tree: tree, Compiler: c, Roots: tree.Roots()})
	if err != nil {
		t.Fatal(err)
	}
	units := traceheaders.Plan(tree, found, func(string) (headers.Hint, bool) { return headers.Hint{}, false })
	rounds := 0
	built, failed, err := traceheaders.Build(ctx, shop, units, 2, func(round int, _ string) { rounds = round })
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range failed {
		t.Errorf("header lost: %s", p)
	}
	t.Logf("%d rounds", rounds)
	events, _, _, _ := merge(built)
	return events
}
