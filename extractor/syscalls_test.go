package extractor

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/syscalls"
	"github.com/tpinfo/tpinfo/extractor/tracefs"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// The events of system calls are those that the booted kernel has, all of them
// and none beyond, with its records: on a real-time kernel too, where struct
// trace_entry is larger.
func TestSystemCallsAgainstFormatFiles(t *testing.T) {
	tier.Need(t, tier.Booted)
	for flavour, compiler := range map[string]string{"cloud-amd64": "gcc", "rt-amd64": "clang"} {
		t.Run(flavour, func(t *testing.T) {
			tier.NeedTool(t, compiler, compiler)
			spec := kernels.Spec{Series: "6.1", Flavour: flavour}
			k := kernels.Get(t, spec, kernels.Headers, kernels.Image)
			found := systemCalls(t, k, kernels.Source(t, spec, k), compiler)
			formats, skipped, err := tracefs.Read(context.Background(), vm.Formats(t, k))
			if err != nil || len(skipped) > 0 {
				t.Fatalf("error %v, skipped %v", err, skipped)
			}
			want, have := map[string][]tpinfo.Field{}, map[string][]tpinfo.Field{}
			for _, f := range formats {
				if f.System == syscalls.System {
					want[f.Name] = f.Record.Fields
				}
			}
			for i := range found.Events {
				e := &found.Events[i]
				have[e.Name] = e.Record.Fields
				if !e.Complete() || !e.RecordOnly() || e.Header == "" || e.Record.Size != syscalls.Size(want[e.Name], 8) {
					t.Errorf("%s: %+v", e.FullName(), e)
				}
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("-kernel +source:\n%s", diff)
			}
			if len(want) < 600 || len(found.Problems) > 0 {
				t.Errorf("%d events, problems %v", len(want), found.Problems)
			}
			t.Logf("%s: %d events of system calls, from %d files", k.Release, len(found.Events), len(found.Files))
		})
	}
}

func systemCalls(t *testing.T, k kernels.Kernel, source, compiler string) *syscalls.Found {
	t.Helper()
	ctx := context.Background()
	snap, err := Extract(ctx, Request{Tree: k.Build, CC: compiler})
	if err != nil {
		t.Fatal(err)
	}
	entry, ok := syscalls.EntryOf(snap.Events, snap.Types)
	if !ok {
		t.Fatal("no struct trace_entry")
	}
	tree, err := kbuild.Find(k.Build)
	if err != nil {
		t.Fatal(err)
	}
	src, err := kbuild.OpenSource(source, tree)
	if err != nil {
		t.Fatal(err)
	}
	cc, err := cc.Find(ctx, compiler, tree.Arch)
	if err != nil {
		t.Fatal(err)
	}
	shop, err := newWorkshop(t.TempDir(), tree, cc, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	found, err := syscalls.Events(ctx, src, tree, entry, func(ctx context.Context, text string) (string, error) {
		out, deps, err := shop.preprocess(ctx, "syscalls", text)
		if err == nil && len(deps) < 100 {
			t.Errorf("only %d headers were read", len(deps))
		}
		return out, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
