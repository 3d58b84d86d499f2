package extractor

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/btf"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/verify"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// someSources are folders whose sources a test takes out of a full tree: all of
// it takes a minute and more (fixtures/source-check.sh does that). They have
// private headers and public ones with private types, several headers in a
// source, and sources that are not built.
var someSources = []string{
	"arch/x86/kernel/", "arch/x86/kvm/", "drivers/gpu/drm/scheduler/", "drivers/nvme/host/", "drivers/net/ethernet/mellanox/mlx5/core/",
	"drivers/spi/", "fs/ext4/", "fs/nfsd/", "fs/xfs/", "kernel/sched/", "mm/", "net/core/", "net/mac80211/", "net/sunrpc/",
}

// instancesOf compiles the sources of some folders of a kernel's full tree.
func instancesOf(t *testing.T, build, source, compiler string) []*instance {
	t.Helper()
	tier.NeedTool(t, compiler, compiler)
	ctx := context.Background()
	tree, err := kbuild.Find(build)
	if err != nil {
		t.Fatal(err)
	}
	full, err := openSource(ctx, source, tree)
	if err != nil {
		t.Fatal(err)
	}
	full.found.Sources = slices.DeleteFunc(full.found.Sources, func(path string) bool {
		return !slices.ContainsFunc(someSources, func(dir string) bool { return strings.HasPrefix(path, dir) })
	})
	with, err := cc.Find(ctx, compiler, tree.Arch)
	if err != nil {
		t.Fatal(err)
	}
	shop, err := compile.New(t.TempDir(), compile.Config{Tree: tree, Compiler: with, Roots: full.roots(tree)})
	if err != nil {
		t.Fatal(err)
	}
	w := newSourceShop(shop, full, 2)
	all, err := w.instances()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.makeInstances(ctx, all, newTypePool(nil), func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	return all
}

// What sources instantiate is what the kernel's image and modules have, by
// their BTF, with the same arguments and records; and what is not built they
// have not.
func TestSourceAgainstModules(t *testing.T) {
	spec := kernels.Spec{Series: "6.1"}
	k := kernels.Get(t, spec, kernels.Headers, kernels.Image)
	source := kernels.Source(t, spec, k)
	oracle, err := btf.WithModules(context.Background(), k.Image, k.Modules)
	if err != nil {
		t.Fatal(err)
	}
	if p := oracle.Problems(); len(p) > 0 {
		t.Errorf("modules left out: %v", p)
	}
	has, err := oracle.Tracepoints()
	if err != nil {
		t.Fatal(err)
	}
	var gcc []tpinfo.Tracepoint
	for _, compiler := range []string{"gcc", "clang"} {
		t.Run(compiler, func(t *testing.T) {
			var built, absent []tpinfo.Tracepoint
			sources := 0
			for _, in := range instancesOf(t, k.Build, source, compiler) {
				switch {
				case in.notBuilt == "" && in.why != "":
					t.Errorf("%s is built and does not compile: %s", in.path, in.why)
				case in.notBuilt == "":
					built = append(built, in.events...)
					sources++
				default:
					absent = append(absent, in.events...)
				}
			}
			for i := range built {
				if e := &built[i]; !e.Complete() || e.System == "" || len(e.Problems) > 0 || strings.HasPrefix(e.Header, "/") {
					t.Errorf("%s of %s: %v", e.FullName(), e.Header, e.Problems)
				}
			}
			for what, r := range map[string]*verify.Report{
				"arguments": verify.Events(built, has.Events, oracle.Limits()),
				"records":   verify.Records(built, has.RecordsOf(built), oracle.Limits()),
			} {
				t.Logf("%s of %s: %d compared, %d agree", what, k.Release, r.Compared, r.Agreed)
				if r.Agreed < r.Compared || r.Compared < 800 || len(r.OnlyHave) > 0 {
					t.Errorf("%s: %d compared, %d agree, not in BTF %v\n%v", what, r.Compared, r.Agreed, r.OnlyHave, r.Disagreements)
				}
			}
			in := map[string]bool{}
			for i := range has.Events {
				in[has.Events[i].Name] = true
			}
			for i := range absent {
				if in[absent[i].Name] {
					t.Errorf("%s is said not to be built, and is there", absent[i].FullName())
				}
			}
			t.Logf("%d sources are built, with %d events; %d events are not built", sources, len(built), len(absent))
			if len(absent) < 50 {
				t.Errorf("only %d events are not built: there is nothing to tell", len(absent))
			}
			sortEvents(built)
			if compiler == "gcc" {
				gcc = built
			} else if d := differences(gcc, built, (*tpinfo.Tracepoint).FullName, (*tpinfo.Tracepoint).ContentID); len(d) > 0 {
				t.Errorf("events that gcc and clang see differently: %v", d)
			}
		})
	}
}
